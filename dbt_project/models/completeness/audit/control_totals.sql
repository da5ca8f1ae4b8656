-- Counts, sums and hash totals of each feed from its files to the accounts: what one stage hands on, the next one must
-- hold, but for what it leaves out by a rule. The published copy is compared by content hashes when it is written.
{%- set feed_columns = {
    'sales_lines': ['quantity', 'list_amount', 'discount_amount', 'net_amount', 'cost_amount'],
    'customers': [],
    'products': [],
    'product_costs': ['unit_cost'],
    'salespeople': [],
    'customer_owners': [],
    'customer_costs': ['amount'],
    'bonus_agreements': ['tier_from'],
    'activities': ['quantity', 'minutes'],
    'receivables': ['amount'],
    'ledger_entries': ['amount'],
    'ledger_accounts': [],
    'cost_pools': ['practical_capacity_minutes'],
    'activity_times': ['minutes_per_unit'],
    'standard_rates': ['standard_rate'],
    'unit_conversions': [],
    'fiscal_calendar': [],
    'credit_terms': [],
    'adjustments': ['amount'],
    'ladder_lines': [],
    'budgets': ['net_sales', 'db1', 'db2', 'db3'],
    'segment_rules': ['threshold_from', 'good_minimum_db3'],
    'segment_overrides': [],
    'customer_notes': [],
    'service_concepts': ['visits_per_year', 'minimum_order', 'free_freight_from'],
    'kpi_register': [],
    'kpi_formulas': ['coefficient'],
    'kpi_targets': ['target_value'],
    'period_events': [],
    'exchange_rates': [],
} %}
{%- set feeds_with_customers = [
    'sales_lines', 'customers', 'customer_owners', 'customer_costs', 'bonus_agreements', 'activities', 'receivables',
    'ledger_entries', 'adjustments', 'segment_overrides', 'customer_notes',
] %}
{#- Feeds whose every record is one posting, with the model that decides whose it is. #}
{%- set posted_whole = {'customer_costs': 'int_customer_costs_valued', 'adjustments': 'int_adjustments_valued'} %}

with staging_totals as (
    {%- for feed, columns in feed_columns.items() %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        '{{ feed }}' as feed,
        'record_count' as measure,
        {{ control_total('1') }} as total
    from {{ ref('stg_' ~ feed) }}
    {%- for column in columns %}
    union all
    select
        '{{ feed }}' as feed,
        '{{ column }}' as measure,
        {{ control_total(column) }} as total
    from {{ ref('stg_' ~ feed) }}
    {%- endfor %}
    {%- if feed in feeds_with_customers %}
    union all
    select
        '{{ feed }}' as feed,
        'customer_id_hash' as measure,
        {{ control_total(customer_hash('customer_id') ~ ' * record_count') }} as total
    from (
        select
            customer_id,
            count(*) as record_count
        from {{ ref('stg_' ~ feed) }}
        group by customer_id
    ) as customers
    {%- endif %}
    {%- endfor %}
),

-- Order lines and goods that come back are what customer_accounts counts; all else has amounts there, but no count.
counted_lines as (
    select
        customer_id,
        carried_customer_id,
        is_inside_account,
        cost_basis,
        exchange_rate,
        net_amount,
        cost_amount,
        cogs,
        is_order_line or is_return_line as is_counted
    from {{ ref('int_sales_lines_valued') }}
),

sales_lines as (
    select
        case when is_counted then 0 else 1 end as not_counted,
        case
            when is_counted and customer_id <> {{ unknown_id() }} then 0
            when is_counted
                then {{ customer_hash('carried_customer_id') }} - {{ customer_hash(unknown_id()) }}
            else {{ customer_hash('carried_customer_id') }}
        end as hash_left_out,
        case
            when is_inside_account
                then net_amount - {{ at_rate('net_amount', 'exchange_rate') }}
            else net_amount
        end as net_amount_left_out,
        case
            when is_inside_account and cost_basis = 'line'
                then cost_amount - {{ at_rate('cost_amount', 'exchange_rate') }}
            when is_inside_account and cost_basis in ('sold_line', 'unit_cost') then -cogs
            else coalesce(cost_amount, 0)
        end as cost_amount_left_out
    from counted_lines
),

mart_totals as (
    select
        'sales_lines' as feed,
        'record_count' as measure,
        {{ control_total('line_count + return_line_count') }} as total
    from {{ ref('customer_accounts') }}
    union all
    select
        'sales_lines' as feed,
        'customer_id_hash' as measure,
        {{ control_total(customer_hash('customer_id') ~ ' * (line_count + return_line_count)') }} as total
    from {{ ref('customer_accounts') }}
    union all
    select
        'sales_lines' as feed,
        'net_amount' as measure,
        {{ control_total('ladder.sign * sources.amount') }} as total
    from {{ ref('account_sources') }} as sources
    inner join {{ ref('ladder') }} as ladder
        on sources.line_code = ladder.line_code
    where
        sources.feed = 'sales_lines'
        and ladder.column_name in ('list_sales', 'invoice_discount', 'returns', 'freight')
    union all
    select
        'sales_lines' as feed,
        'cost_amount' as measure,
        {{ control_total('sources.amount') }} as total
    from {{ ref('account_sources') }} as sources
    inner join {{ ref('ladder') }} as ladder
        on sources.line_code = ladder.line_code
    where sources.feed = 'sales_lines' and ladder.column_name = 'cogs'
    {%- for feed in posted_whole %}
    union all
    select
        '{{ feed }}' as feed,
        'record_count' as measure,
        {{ control_total('posting_count') }} as total
    from {{ ref('account_sources') }}
    where feed = '{{ feed }}'
    union all
    select
        '{{ feed }}' as feed,
        'customer_id_hash' as measure,
        {{ control_total(customer_hash('customer_id') ~ ' * posting_count') }} as total
    from {{ ref('account_sources') }}
    where feed = '{{ feed }}'
    union all
    select
        '{{ feed }}' as feed,
        'amount' as measure,
        {{ control_total('amount') }} as total
    from {{ ref('account_sources') }}
    where feed = '{{ feed }}'
    {%- endfor %}
),

left_out_of_marts as (
    select
        'sales_lines' as feed,
        'record_count' as measure,
        {{ control_total('not_counted') }} as total,
        'no order line, and no goods line of a credit note' as reason
    from sales_lines
    union all
    select
        'sales_lines' as feed,
        'customer_id_hash' as measure,
        {{ control_total('hash_left_out') }} as total,
        'no order line and no goods line of a credit note, or kept under the unknown customer' as reason
    from sales_lines
    union all
    select
        'sales_lines' as feed,
        'net_amount' as measure,
        {{ control_total('net_amount_left_out') }} as total,
        'outside of the account, without an exchange rate, or converted to company currency' as reason
    from sales_lines
    union all
    select
        'sales_lines' as feed,
        'cost_amount' as measure,
        {{ control_total('cost_amount_left_out') }} as total,
        'no goods, without an exchange rate, at the cost of the sold line or product, or converted to company currency'
            as reason
    from sales_lines
    {%- for feed, model in posted_whole.items() %}
    union all
    select
        '{{ feed }}' as feed,
        'record_count' as measure,
        {{ control_total('case when amount = 0 then 1 else 0 end') }} as total,
        'amount is 0' as reason
    from {{ ref(model) }}
    union all
    select
        '{{ feed }}' as feed,
        'customer_id_hash' as measure,
        cast(coalesce(sum(
            case
                when amount = 0 then {{ customer_hash('carried_customer_id') }}
                when customer_id = {{ unknown_id() }}
                    then {{ customer_hash('carried_customer_id') }} - {{ customer_hash(unknown_id()) }}
                else 0
            end
        ), 0) as decimal(28, 6)) as total,
        'amount is 0, or kept under the unknown customer' as reason
    from {{ ref(model) }}
    {%- endfor %}
),

stages as (
    select
        feed,
        stage,
        measure,
        total,
        total as total_before,
        cast(0 as decimal(28, 6)) as left_out_total,
        cast(null as string) as reason
    from {{ ref('stg_feed_totals') }}
    where stage = 'landing'
    union all
    select
        lake.feed,
        lake.stage,
        lake.measure,
        lake.total,
        landing.total as total_before,
        cast(0 as decimal(28, 6)) as left_out_total,
        cast(null as string) as reason
    from {{ ref('stg_feed_totals') }} as lake
    left join {{ ref('stg_feed_totals') }} as landing
        on lake.feed = landing.feed and lake.measure = landing.measure and landing.stage = 'landing'
    where lake.stage = 'lake'
    union all
    select
        lake.feed,
        'staging' as stage,
        lake.measure,
        coalesce(staging_totals.total, 0) as total,
        lake.total as total_before,
        coalesce(left_out.total, 0) as left_out_total,
        case
            when lake.measure = 'record_count' then 'rejected, left out by the mapping, or repeating a key'
            else 'repeating a key'
        end as reason
    from {{ ref('stg_feed_totals') }} as lake
    left join {{ ref('stg_feed_totals') }} as left_out
        on lake.feed = left_out.feed and lake.measure = left_out.measure and left_out.stage = 'left_out'
    left join staging_totals
        on lake.feed = staging_totals.feed and lake.measure = staging_totals.measure
    where lake.stage = 'lake'
    union all
    select
        mart_totals.feed,
        'marts' as stage,
        mart_totals.measure,
        mart_totals.total,
        staging_totals.total as total_before,
        coalesce(left_out_of_marts.total, 0) as left_out_total,
        left_out_of_marts.reason
    from mart_totals
    inner join {{ ref('stg_feeds') }} as feeds
        on mart_totals.feed = feeds.feed and feeds.is_supplied
    left join staging_totals
        on mart_totals.feed = staging_totals.feed and mart_totals.measure = staging_totals.measure
    left join left_out_of_marts
        on mart_totals.feed = left_out_of_marts.feed and mart_totals.measure = left_out_of_marts.measure
)

select
    feed,
    stage,
    measure,
    cast(total as decimal(28, 6)) as total,
    cast(left_out_total as decimal(28, 6)) as left_out_total,
    case when left_out_total <> 0 then reason end as left_out_reason,
    cast(coalesce(total_before, 0) - left_out_total - total as decimal(28, 6)) as difference
from stages

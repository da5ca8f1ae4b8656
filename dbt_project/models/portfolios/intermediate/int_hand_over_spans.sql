-- What falls on which side of a hand-over: the amounts and counts of the months in which a customer changes owners,
-- by span of ownership. Every record counts on its day; a share of a pool, accrued bonus and credit time belong to
-- the last day of the month, manual adjustments to the first. All other months are whole, and read from the
-- accounts.
{%- set measures = ladder_amounts() + count_measures() %}
{%- set costs = {} %}
{%- for line in customer_cost_lines() %}
{%- do costs.update({line: "case when column_name = '" ~ line ~ "' then amount else 0 end"}) %}
{%- endfor %}
{%- set shares = {} %}
{%- for line, code in pool_lines().items() %}
{%- do shares.update({line: "case when line_code = '" ~ code ~ "' then amount else 0 end"}) %}
{%- endfor %}

with signs as (
    {{ ladder_signs() }}
),

spans as (
    select
        customer_id,
        span_from,
        span_before,
        count(*) over (partition by customer_id) as span_count
    from (
        select distinct
            customer_id,
            span_from,
            span_before
        from {{ ref('int_owner_spans') }}
    ) as owner_spans
),

-- An adjustment may stand in a month that has nothing else.
all_months as (
    select month
    from {{ ref('months') }}
    union distinct
    select month
    from {{ ref('adjustment_months') }}
),

met as (
    select
        spans.customer_id,
        months.month,
        spans.span_from,
        spans.span_before,
        count(*) over (partition by spans.customer_id, months.month) as met_count
    from spans
    inner join all_months as months
        on
            spans.span_from <= {{ last_day_of('months.month') }}
            and spans.span_before > {{ first_day_of('months.month') }}
    where spans.span_count > 1
),

hand_overs as (
    select
        customer_id,
        month,
        span_from,
        span_before
    from met
    where met_count > 1
),

hand_over_months as (
    select distinct
        customer_id,
        month
    from hand_overs
),

documents as (
    select
        documents.customer_id,
        documents.month,
        documents.posting_date,
        documents.list_sales,
        documents.invoice_discount,
        documents.returns,
        documents.cogs,
        documents.freight_charged,
        documents.sales_without_cost,
        documents.returns_without_cost,
        documents.line_count,
        documents.return_line_count
    from {{ ref('int_sales_documents') }} as documents
    inner join hand_over_months as months
        on documents.customer_id = months.customer_id and documents.month = months.month
    where documents.is_inside_account
),

-- An order belongs to the day of its first line in the month.
orders as (
    select
        orders.customer_id,
        orders.month,
        orders.order_date
    from {{ ref('int_customer_orders') }} as orders
    inner join hand_over_months as months
        on orders.customer_id = months.customer_id and orders.month = months.month
    where orders.line_count > 0
),

dated as (
    {{ dated_measures('documents', 'posting_date', {
        'list_sales': 'list_sales', 'invoice_discount': 'invoice_discount', 'returns': 'returns', 'cogs': 'cogs',
        'freight': '-freight_charged', 'freight_charged': 'freight_charged',
        'sales_without_cost': 'sales_without_cost', 'returns_without_cost': 'returns_without_cost',
        'line_count': 'line_count', 'return_line_count': 'return_line_count',
    }) }}
    union all
    {{ dated_measures('orders', 'order_date', {'order_count': '1'}) }}
    union all
    {{ dated_measures(ref('int_customer_costs_valued'), 'posting_date', costs) }}
    union all
    {{ dated_measures(ref('int_bonus_accruals'), last_day_of('month'), {'bonus': 'accrued - released'}) }}
    union all
    {{ dated_measures(ref('int_pool_receivers'), last_day_of('month'), shares) }}
    union all
    {{ dated_measures(ref('int_credit_costs'), last_day_of('month'), {'credit_cost': 'amount'}) }}
    union all
    {{ dated_measures(ref('int_visits'), 'activity_date', {'visit_count': 'quantity', 'visit_minutes': 'minutes'}) }}
),

summed as (
    select
        hand_overs.customer_id,
        hand_overs.month,
        hand_overs.span_from,
        {{ each('sum(coalesce(dated.{}, 0)) as {}', measures) }}
    from hand_overs
    left join dated
        on
            hand_overs.customer_id = dated.customer_id
            and hand_overs.month = dated.month
            and hand_overs.span_from <= dated.day
            and hand_overs.span_before > dated.day
    group by hand_overs.customer_id, hand_overs.month, hand_overs.span_from
)

select
    summed.customer_id,
    summed.month,
    summed.span_from,
    {%- for amount in ladder_amounts() %}
    cast(
        case when signs.{{ amount }}__is_used = 1 then summed.{{ amount }} else 0 end
        + case
            when summed.span_from <= {{ first_day_of('summed.month') }} then coalesce(adjustments.{{ amount }}, 0)
            else 0
        end
        as decimal(18, 4)
    ) as {{ amount }},
    {%- endfor %}
    {{ each('cast(summed.{} as decimal(18, 4)) as {}', count_measures()) }}
from summed
cross join signs
-- Of the spans that a month meets, the first holds its first day.
left join {{ ref('adjustment_months') }} as adjustments
    on summed.customer_id = adjustments.customer_id and summed.month = adjustments.month

{# Fails for each file whose loaded records are not the records found in the feed, for every feed the account
   uses. #}
{% macro row_ledger__loaded_equals_the_records_in_the_feed() -%}
{%- set feed_models = {
    'customers': 'stg_customers',
    'products': 'stg_products',
    'product_costs': 'stg_product_costs',
    'salespeople': 'stg_salespeople',
    'customer_costs': 'stg_customer_costs',
    'activities': 'stg_activities',
    'exchange_rates': 'stg_exchange_rates',
    'bonus_agreements': 'stg_bonus_agreements',
    'receivables': 'stg_receivables',
    'ledger_accounts': 'stg_ledger_accounts',
    'cost_pools': 'stg_cost_pools',
    'activity_times': 'stg_activity_times',
    'standard_rates': 'stg_standard_rates',
    'credit_terms': 'stg_credit_terms',
    'adjustments': 'stg_adjustments',
    'ladder_lines': 'stg_ladder_lines',
    'unit_conversions': 'stg_unit_conversions',
    'fiscal_calendar': 'stg_fiscal_calendar',
} %}

with records as (
    select
        'sales_lines' as feed,
        source_file,
        file_sha256
    from {{ ref('int_sales_lines_valued') }}
    where not is_rejected
    union all
    select
        'ledger_entries' as feed,
        source_file,
        file_sha256
    from {{ ref('int_ledger_entries_valued') }}
    where not is_rejected
    {%- for feed, model in feed_models.items() %}
    union all
    select
        '{{ feed }}' as feed,
        source_file,
        file_sha256
    from {{ ref(model) }}
    {%- endfor %}
),

found as (
    select
        feed,
        source_file,
        file_sha256,
        count(*) as record_count
    from records
    group by feed, source_file, file_sha256
),

ledger as (
    select
        feed,
        source_file,
        file_sha256,
        records_loaded
    from {{ ref('row_ledger') }}
    where
        feed in ('sales_lines', 'ledger_entries')
        {%- for feed in feed_models %}
        or feed = '{{ feed }}'
        {%- endfor %}
)

select
    coalesce(ledger.feed, found.feed) as feed,
    coalesce(ledger.source_file, found.source_file) as source_file,
    ledger.records_loaded,
    found.record_count
from ledger
full join found
    on
        ledger.feed = found.feed
        and ledger.source_file = found.source_file
        and ledger.file_sha256 = found.file_sha256
where coalesce(ledger.records_loaded, 0) is distinct from coalesce(found.record_count, 0)
{%- endmacro %}

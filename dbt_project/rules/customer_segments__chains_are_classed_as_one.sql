{# Fails for each customer that is classed as another than the company's segment_level and the list of customers say;
   and, where chains are classed as one, for each chain and month that has two of what it has as one, or another figure
   than its customers have together. #}
{% macro customer_segments__chains_are_classed_as_one() -%}
{%- set shared = [
    'raw_size_class', 'raw_margin_class', 'size_class', 'margin_class', 'calculated_segment', 'override_segment',
    'segment', 'reason_da', 'opening_segment', 'is_good_customer', 'size_value', 'margin_value',
] %}
{%- set figures = {'net_sales': 'net_sales', 'db2': 'db2', 'db3': 'db3', 'dg2': safe_ratio('db2', 'net_sales')} %}
with rows as (
    select
        segments.*,
        case
            when company.segment_level = 'customer' or customers.chain_customers = 1 then customers.customer_id
            when not customers.is_internal then customers.chain_id
        end as expected_id,
        company.segment_level = 'chain' and customers.chain_customers > 1 and not customers.is_internal as is_of_chain
    from {{ ref('customer_segments') }} as segments
    inner join {{ ref('customers') }} as customers
        on segments.customer_id = customers.customer_id
    cross join {{ ref('stg_company') }} as company
),

chains as (
    select
        expected_id,
        month,
        rule_version,
        {%- for column in shared %}
        min(coalesce(cast({{ column }} as string), '')) as first_{{ column }},
        max(coalesce(cast({{ column }} as string), '')) as last_{{ column }},
        {%- endfor %}
        max(size_value) as size_value,
        max(margin_value) as margin_value,
        {{ each('cast(sum({}_r12) as decimal(18, 4)) as {}', ['net_sales', 'db2', 'db3']) }}
    from rows
    where is_of_chain
    group by expected_id, month, rule_version
),

bases as (
    select
        rule_version,
        axis,
        max(basis) as basis
    from {{ ref('segment_rules') }}
    group by rule_version, axis
),

broken as (
    select
        customer_id,
        month,
        'classed_id' as what
    from rows
    where classed_id is distinct from expected_id
    {%- for column in shared %}
    union all
    select
        expected_id as customer_id,
        month,
        '{{ column }}' as what
    from chains
    where first_{{ column }} is distinct from last_{{ column }}
    {%- endfor %}
    {%- for axis in ['size', 'margin'] %}
    union all
    select
        chains.expected_id as customer_id,
        chains.month,
        '{{ axis }}_value, the sum' as what
    from chains
    inner join bases
        on chains.rule_version = bases.rule_version and bases.axis = '{{ axis }}'
    where
        bases.basis in ({{ quoted(figures.keys()) }})
        and chains.{{ axis }}_value is distinct from cast(
            case bases.basis
                {%- for basis, figure in figures.items() %}
                when '{{ basis }}' then {{ figure }}
                {%- endfor %}
            end as decimal(18, 6)
        )
    {%- endfor %}
)

select
    customer_id,
    month,
    what
from broken
{%- endmacro %}

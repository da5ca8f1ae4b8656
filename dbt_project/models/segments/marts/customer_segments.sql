-- Which segment each customer is in, month by month: by the bounds of the rules alone, as calculated, as the sales team
-- has decided, and the one in effect, with the reason. A customer is in exactly one segment each month, and where
-- chains are classed as one (classed_id) in that of its chain. Thresholds belong in the segment rules.

{%- set words = {
    'da': {
        'unknown': 'Poster uden en kunde deles ikke ind.',
        'internal': 'En kunde i koncernen deles ikke ind.',
        'none': 'Ingen ordre endnu.',
        'lost': 'Ingen ordre i tolv måneder.',
        'short': 'For kort historik: første ordre ',
        'rules': 'Reglerne siger ',
        'team': '; salgsteamet har besluttet ',
        'size': 'Størrelse', 'margin': 'dækningsgrad',
        'chain': 'Kæden ',
        'figures': 'efter tallene', 'kept': 'som måneden før; inden for båndet, tallene alene siger',
    },
    'en': {
        'unknown': 'Records without a customer are not classed.',
        'internal': 'A customer inside the group is not classed.',
        'none': 'No order so far.',
        'lost': 'No order in twelve months.',
        'short': 'Too short a history: first order ',
        'rules': 'The rules say ',
        'team': '; the sales team has decided on ',
        'size': 'Size', 'margin': 'margin',
        'chain': 'The chain ',
        'figures': 'by the figures', 'kept': 'as the month before; within the band, the figures alone say',
    },
} %}

with classes as (
    select
        classed_id,
        month,
        max(case when axis = 'size' then class_code end) as size_class,
        max(case when axis = 'margin' then class_code end) as margin_class,
        max(case when axis = 'size' then raw_class_code end) as raw_size_class,
        max(case when axis = 'margin' then raw_class_code end) as raw_margin_class
    from {{ ref('int_segment_classes') }}
    group by classed_id, month
),

decided as (
    select
        basis.customer_id,
        basis.month,
        basis.classed_id,
        basis.is_of_chain,
        basis.is_counted,
        basis.rule_version,
        basis.first_order_month,
        basis.classed_first_order_month,
        basis.state,
        classes.raw_size_class,
        classes.raw_margin_class,
        classes.size_class,
        classes.margin_class,
        coalesce(basis.state, classes.size_class || classes.margin_class) as calculated_segment,
        decisions.segment as override_segment,
        decisions.reason as override_reason,
        basis.size_value,
        basis.margin_value,
        basis.classed_db3,
        basis.classed_order_count,
        basis.net_sales_r12,
        basis.db2_r12,
        basis.db3_r12,
        basis.dg2_r12,
        basis.order_count_r12
    from {{ ref('int_segment_basis') }} as basis
    left join classes
        on basis.classed_id = classes.classed_id and basis.month = classes.month
    left join {{ ref('int_segment_decisions') }} as decisions
        on
            basis.classed_id = decisions.customer_id
            and {{ last_day_of('basis.month') }} >= decisions.decided_on
            and {{ last_day_of('basis.month') }} < decisions.decided_before
            and {{ last_day_of('basis.month') }} <= coalesce(decisions.valid_to, cast('9999-12-31' as date))
),

openings as (
    select
        decided.customer_id,
        decided.month,
        coalesce(opening.override_segment, opening.calculated_segment) as opening_segment
    from decided
    inner join {{ ref('time_windows') }} as windows
        on decided.month = windows.month and windows.time_window = 'month'
    cross join {{ ref('stg_company') }} as company
    inner join decided as opening
        on
            decided.classed_id = opening.classed_id
            and opening.is_counted
            and opening.month
            = {{ add_months(fiscal_year_floor('windows.month', 'company.fiscal_year_start'), '-1') }}
)

select
    decided.customer_id,
    decided.month,
    decided.classed_id,
    decided.rule_version,
    decided.raw_size_class,
    decided.raw_margin_class,
    decided.size_class,
    decided.margin_class,
    decided.calculated_segment,
    decided.override_segment,
    decided.override_reason,
    coalesce(decided.override_segment, decided.calculated_segment) as segment,
    {%- for language, said in words.items() %}
    case when decided.is_of_chain then '{{ said.chain }}' || decided.classed_id || ': ' else '' end || case
        when decided.override_segment is not null
            then
                '{{ said.rules }}' || decided.calculated_segment || '{{ said.team }}' || decided.override_segment
                || ': ' || decided.override_reason
        when decided.state = {{ unknown_id() }} then '{{ said.unknown }}'
        when decided.state = {{ internal_state() }} then '{{ said.internal }}'
        when decided.state = {{ lost_state() }} then '{{ said.lost }}'
        when decided.state = {{ new_state() }} and decided.classed_first_order_month is null then '{{ said.none }}'
        when decided.state = {{ new_state() }}
            then '{{ said.short }}' || substr(cast(decided.classed_first_order_month as string), 1, 7) || '.'
        else
            {{ class_in_words('decided', 'size', said) }}
            || ', ' || {{ class_in_words('decided', 'margin', said) }} || '.'
    end as reason_{{ language }},
    {%- endfor %}
    coalesce(
        openings.opening_segment,
        case
            when decided.calculated_segment in ({{ unknown_id() }}, {{ internal_state() }})
                then decided.calculated_segment
            else {{ new_state() }}
        end
    ) as opening_segment,
    coalesce(
        codes.is_good
        and decided.classed_order_count >= codes.good_minimum_orders
        and (codes.good_minimum_db3 is null or decided.classed_db3 > codes.good_minimum_db3),
        false
    ) as is_good_customer,
    decided.first_order_month,
    decided.size_value,
    decided.margin_value,
    decided.net_sales_r12,
    decided.db2_r12,
    decided.db3_r12,
    decided.dg2_r12,
    decided.order_count_r12
from decided
left join openings
    on decided.customer_id = openings.customer_id and decided.month = openings.month
left join {{ ref('int_segment_codes') }} as codes
    on
        decided.rule_version = codes.rule_version
        and coalesce(decided.override_segment, decided.calculated_segment) = codes.segment

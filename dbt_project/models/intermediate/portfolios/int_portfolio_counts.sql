-- Each salesperson's part of each customer's counts and memo amounts, in both views of ownership, and the share of the
-- month's days that the part stands for.
{%- set counts = count_measures() %}
with handed_over as (
    select
        customer_id,
        month,
        span_from,
        span_before
    from {{ ref('int_customer_month_spans') }}
    where span_count > 1
),

handed_over_months as (
    select distinct
        customer_id,
        month
    from handed_over
),

-- An order belongs to the day of its first line in the month.
sales_lines as (
    select
        lines.customer_id,
        lines.month,
        lines.posting_date,
        lines.document_type,
        lines.line_type,
        lines.freight_charged,
        lines.sales_without_cost,
        lines.order_no,
        case
            when max(lines.order_no) over (partition by lines.customer_id, lines.month, lines.document_no) is null
                then lines.document_no
        end as invoice_without_order
    from {{ ref('int_sales_lines_valued') }} as lines
    inner join handed_over_months as months
        on lines.customer_id = months.customer_id and lines.month = months.month
    where lines.is_inside_account
),

counted as (
    select
        customer_id,
        month,
        posting_date as day,
        0 as order_count,
        case when document_type = 'invoice' and line_type = 'goods' then 1 else 0 end as line_count,
        case when document_type = 'credit_note' and line_type = 'goods' then 1 else 0 end as return_line_count,
        0 as visit_count,
        0 as visit_minutes,
        freight_charged,
        sales_without_cost
    from sales_lines
    union all
    select
        customer_id,
        month,
        min(posting_date) as day,
        1 as order_count,
        0 as line_count,
        0 as return_line_count,
        0 as visit_count,
        0 as visit_minutes,
        0 as freight_charged,
        0 as sales_without_cost
    from sales_lines
    where document_type = 'invoice' and (order_no is not null or invoice_without_order is not null)
    group by customer_id, month, order_no, invoice_without_order
    union all
    select
        customer_id,
        month,
        activity_date as day,
        0 as order_count,
        0 as line_count,
        0 as return_line_count,
        quantity as visit_count,
        minutes as visit_minutes,
        0 as freight_charged,
        0 as sales_without_cost
    from {{ ref('int_visits') }}
),

parts as (
    select
        spans.ownership,
        accounts.customer_id,
        accounts.month,
        {%- for column in counts %}
        cast(accounts.{{ column }} as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        spans.span_from,
        spans.span_before
    from {{ ref('customer_accounts') }} as accounts
    inner join {{ ref('int_customer_month_spans') }} as spans
        on accounts.customer_id = spans.customer_id and accounts.month = spans.month and spans.span_count = 1
    union all
    select
        'posting_date' as ownership,
        handed_over.customer_id,
        handed_over.month,
        {%- for column in counts %}
        cast(coalesce(sum(counted.{{ column }}), 0) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        handed_over.span_from,
        handed_over.span_before
    from handed_over
    left join counted
        on
            handed_over.customer_id = counted.customer_id
            and handed_over.month = counted.month
            and handed_over.span_from <= counted.day
            and handed_over.span_before > counted.day
    group by handed_over.customer_id, handed_over.month, handed_over.span_from, handed_over.span_before
),

owned as (
    select
        parts.ownership,
        owners.salesperson_id,
        parts.customer_id,
        parts.month,
        {%- for column in counts %}
        {{ owner_part('parts.' ~ column, 'owners') }} as {{ column }},
        {%- endfor %}
        owners.share * case
            when parts.ownership = 'today' then {{ days_between('parts.month', 'last_day(parts.month)') }} + 1
            else {{ days_between(
                'greatest(parts.span_from, parts.month)', 'least(parts.span_before, last_day(parts.month) + 1)'
            ) }}
        end as owned_days
    from parts
    inner join {{ ref('int_owner_spans') }} as owners
        on parts.customer_id = owners.customer_id and parts.span_from = owners.span_from
),

summed as (
    select
        ownership,
        salesperson_id,
        customer_id,
        month,
        {%- for column in counts %}
        cast(sum({{ column }}) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        sum(owned_days) as owned_days
    from owned
    group by ownership, salesperson_id, customer_id, month
)

select
    ownership,
    salesperson_id,
    customer_id,
    month,
    {%- for column in counts %}
    {{ column }},
    {%- endfor %}
    cast(
        {{ div_half_up(
            'cast(owned_days * 100000000 as decimal(38, 0))',
            'cast(extract(day from last_day(month)) as decimal(38, 0))'
        ) }} * cast(0.00000001 as decimal(9, 8)) as decimal(18, 8)
    ) as share
from summed

-- Which reasons the returns of the last twelve months have, of the company, its segments, salespeople, customers and
-- products. Month by month they stand in return_reasons.
{%- set of_customers = [
    ('company', "'company'"), ('segment', 'segment'), ('salesperson', 'salesperson_id'), ('customer', 'customer_id'),
] %}

with last_window as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

as_of as (
    select
        windows.month,
        windows.first_month
    from {{ ref('time_windows') }} as windows
    inner join last_window
        on windows.month = last_window.month
    where windows.time_window = 'r12'
),

-- Whose list the customer is on, and which segment it is in, at the end.
customers as (
    select
        effort.customer_id,
        effort.month,
        effort.segment,
        effort.salesperson_id,
        coalesce(sums.invoiced_sales, 0) as invoiced_sales
    from {{ ref('int_visit_plans') }} as effort
    inner join as_of
        on effort.month = as_of.month
    left join {{ ref('int_customer_windows') }} as sums
        on
            effort.customer_id = sums.customer_id
            and effort.month = sums.month
            and sums.time_window = 'r12'
),

returned as (
    select
        returns.customer_id,
        returns.product_id,
        returns.return_reason,
        returns.return_line_count,
        returns.quantity,
        returns.amount
    from {{ ref('return_reasons') }} as returns
    inner join as_of
        on returns.month >= as_of.first_month and returns.month <= as_of.month
),

reasons as (
    {%- for scope_type, scope_id in of_customers %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id if scope_type == 'company' else 'customers.' ~ scope_id }} as scope_id,
        returned.return_reason,
        sum(returned.return_line_count) as return_line_count,
        -- Pieces of different products do not add up.
        cast(null as decimal(18, 6)) as quantity,
        sum(returned.amount) as amount
    from returned
    inner join customers
        on returned.customer_id = customers.customer_id
    group by {{ '' if scope_type == 'company' else 'customers.' ~ scope_id ~ ', ' }}returned.return_reason
    union all
    {%- endfor %}
    select
        'product' as scope_type,
        product_id as scope_id,
        return_reason,
        sum(return_line_count) as return_line_count,
        sum(quantity) as quantity,
        sum(amount) as amount
    from returned
    group by product_id, return_reason
),

sales as (
    {%- for scope_type, scope_id in of_customers %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        sum(invoiced_sales) as invoiced_sales
    from customers
    {%- if scope_type != 'company' %}
    group by {{ scope_id }}
    {%- endif %}
    union all
    {%- endfor %}
    select
        'product' as scope_type,
        products.product_id as scope_id,
        sum(products.invoiced_sales) as invoiced_sales
    from {{ ref('product_accounts') }} as products
    inner join as_of
        on products.month >= as_of.first_month and products.month <= as_of.month
    group by products.product_id
),

-- Together with all reasons of the same scope.
totalled as (
    select
        *,
        sum(amount) over (partition by scope_type, scope_id) as total_amount
    from reasons
)

select
    reasons.scope_type,
    reasons.scope_id,
    as_of.month,
    reasons.return_reason,
    cast(reasons.return_line_count as bigint) as return_line_count,
    cast(reasons.quantity as decimal(18, 6)) as quantity,
    cast(reasons.amount as decimal(18, 4)) as amount,
    {{ safe_ratio('reasons.amount', 'reasons.total_amount') }} as share,
    cast(coalesce(sales.invoiced_sales, 0) as decimal(18, 4)) as invoiced_sales,
    {{ safe_ratio('reasons.amount', 'sales.invoiced_sales') }} as return_pct
from totalled as reasons
cross join as_of
left join sales
    on reasons.scope_type = sales.scope_type and reasons.scope_id = sales.scope_id

-- Each customer's account over each window of time. Ratios and KPIs are not made here.
{%- set repeated_orders -%}
    select
        customer_id,
        month,
        previous_month,
        count(*) as order_count
    from {{ ref('int_customer_orders') }}
    where previous_month is not null
    group by customer_id, month, previous_month
{%- endset %}
{{ window_sums(ref('customer_accounts'), ['customer_id'], repeated_orders, customer_rate_changes()) }}

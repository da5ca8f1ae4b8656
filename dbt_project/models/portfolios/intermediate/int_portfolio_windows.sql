-- Each salesperson's part of each customer's account over each window of time, by who owned the customer on the posting
-- date.
{%- set repeated_orders = repeated_orders_of_owners('orders.order_date', ['salesperson_id', 'customer_id']) %}
{%- set rate_changes = rate_changes_of_owners(last_day_of('changes.month'), ['salesperson_id', 'customer_id']) %}
{{ window_sums(ref('portfolio_accounts'), ['salesperson_id', 'customer_id'], repeated_orders, rate_changes) }}

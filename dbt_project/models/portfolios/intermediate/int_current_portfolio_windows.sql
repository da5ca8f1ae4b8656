-- Each salesperson's account over each window of time, by who owns the customers today in both windows: no portfolio
-- improves by a customer who is handed over. What was theirs when it was posted belongs in int_portfolio_windows.
{%- set repeated_orders = repeated_orders_of_owners('as_of.today', ['salesperson_id']) %}
{%- set rate_changes = rate_changes_of_owners('as_of.today', ['salesperson_id']) %}
{{ window_sums(ref('current_portfolio_accounts'), ['salesperson_id'], repeated_orders, rate_changes) }}

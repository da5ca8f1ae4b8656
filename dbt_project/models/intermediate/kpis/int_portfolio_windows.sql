-- Each salesperson's part of each customer's account over each window of time, by who owned the customer on the posting
-- date.
{{ config(materialized='table') }}

{{ window_sums(ref('portfolio_accounts'), ['salesperson_id', 'customer_id']) }}

-- Each salesperson's part of each customer's account over each window of time, by who owned the customer on the posting
-- date.
{{ window_sums(ref('portfolio_accounts'), ['salesperson_id', 'customer_id']) }}

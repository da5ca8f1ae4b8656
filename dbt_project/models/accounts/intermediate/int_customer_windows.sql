-- Each customer's account over each window of time. Ratios and KPIs are not made here.
{{ window_sums(ref('customer_accounts'), ['customer_id']) }}

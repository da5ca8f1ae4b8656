-- Each customer's account over each window of time. Ratios and KPIs are not made here.
{{ config(materialized='table') }}

{{ window_sums(ref('customer_accounts'), ['customer_id']) }}

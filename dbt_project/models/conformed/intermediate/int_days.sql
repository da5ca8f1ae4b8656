-- The calendar of the accounts day by day. dbt takes no semantic layer without one, though no metric is finer than a
-- month. What is known of a month belongs in months.
{{ config(materialized='view') }}

{{ day_series(ref('int_account_period'), 'first_month', 'last_month') }}

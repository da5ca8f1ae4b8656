-- Fails for each customer and month whose parts over all salespeople do not sum to the customer's account in
-- every column that adds up. Parts are by who owns the customer today.
{{ config(meta={'dagster': {'ref': {'name': 'current_portfolio_accounts'}}}) }}

{{ parts_that_are_not_the_account(ref('current_portfolio_accounts')) }}

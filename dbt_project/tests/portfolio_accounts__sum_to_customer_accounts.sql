-- Fails for each customer and month whose parts over all salespeople do not sum to the customer's account in
-- every column that adds up. Parts are by who owned the customer on the posting date.
{{ config(meta={'dagster': {'ref': {'name': 'portfolio_accounts'}}}) }}

{{ parts_that_are_not_the_account(ref('portfolio_accounts')) }}

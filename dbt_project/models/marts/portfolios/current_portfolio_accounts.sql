-- The customer accounts of all months by who owns the customer today: today's portfolios restated. Today is the last
-- day of the accounts.
{{ portfolio_accounts('today') }}

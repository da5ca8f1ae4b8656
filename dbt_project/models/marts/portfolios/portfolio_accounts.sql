-- Each salesperson's part of each customer account, by who owned the customer on the posting date. Sums over
-- salespeople are the company's.
{{ portfolio_accounts('posting_date') }}

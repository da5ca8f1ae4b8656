-- The same effects for the customers that kept their owners, by owner: a salesperson's own development in
-- portfolio_bridge.
{{ effects_of_scopes(['own_portfolio']) }}

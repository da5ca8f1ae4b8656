-- Which customers each scope has in a bridged window, to look up who is behind a figure. A view, because bridges are
-- made of sums by customer and by owner.
{{ config(materialized='view') }}

{{ scope_customers(['company', 'customer', 'segment', 'segment_opening', 'salesperson', 'own_portfolio']) }}

-- The customers by falling DB III of twelve months, and what they have earned together up to each of them. The figures
-- that sum the curve up belong in portfolio_concentration.
{{ whale_curve_of(ref('int_customer_years'), 'customer') }}

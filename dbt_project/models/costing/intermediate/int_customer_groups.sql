-- Which groups a customer belongs to, as far as the rules of cost pools may ask. The rules themselves are read in
-- the macro is_in_group.
select
    customers.customer_id,
    customers.customer_group,
    customers.industry,
    customers.country_code,
    first_orders.new_in_month
from {{ ref('customers') }} as customers
left join {{ ref('int_first_orders') }} as first_orders
    on customers.customer_id = first_orders.customer_id

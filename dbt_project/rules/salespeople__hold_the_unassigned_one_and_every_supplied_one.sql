{# Fails for each salesperson that the dimension lacks, and when it has no row for what nobody owns. #}
{% macro salespeople__hold_the_unassigned_one_and_every_supplied_one() -%}
with needed as (
    select salesperson_id from {{ ref('stg_salespeople') }}
    union distinct
    select {{ unassigned_id() }} as salesperson_id
)

select needed.salesperson_id
from needed
left join {{ ref('salespeople') }} as salespeople
    on needed.salesperson_id = salespeople.salesperson_id
where salespeople.salesperson_id is null
{%- endmacro %}

{# Fails for each row in which one of the columns is NULL. One test for many columns, because every test is a query. #}
{% test never_null(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}

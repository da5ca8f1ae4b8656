{# One column after the other, each as the form says; {} stands for its name.

   names: list of names, or name -> value, which {value} stands for: the number of decimals, for instance.
   between: what stands between two of them. #}
{% macro each(form, names, between=',\n    ') -%}
{%- for name in names %}
{{- form.replace('{}', name).replace('{value}', names[name] | string if names is mapping else '') }}
{{- between if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# Where the first of several records stands: source_file, source_sheet and source_record of one and the same.

   relation: alias of what has them, where that must be said. #}
{% macro first_place(relation='') -%}
{%- set of = relation ~ '.' if relation else '' %}
{%- set place = of ~ "source_file || ' ' || " ~ of ~ "source_sheet || ' ' || lpad(cast(" ~ of
    ~ "source_record as string), 12, '0')" %}
{{- each('min_by(' ~ of ~ '{}, ' ~ place ~ ') as {}', ['source_file', 'source_sheet', 'source_record']) }}
{%- endmacro %}

{# Values for `in (...)`: texts in quotes, numbers as they are. #}
{% macro quoted(values) -%}
{%- for value in values %}{{ value if value is number else "'" ~ value ~ "'" }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

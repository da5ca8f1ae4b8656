{# One column after the other, each as the form says; {} stands for its name.

   names: list of names, or name -> value, which {value} stands for: the number of decimals, for instance.
   between: what stands between two of them. #}
{% macro each(form, names, between=',\n    ') -%}
{%- for name in names %}
{{- form.replace('{}', name).replace('{value}', names[name] | string if names is mapping else '') }}
{{- between if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# Values for `in (...)`: texts in quotes, numbers as they are. #}
{% macro quoted(values) -%}
{%- for value in values %}{{ value if value is number else "'" ~ value ~ "'" }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

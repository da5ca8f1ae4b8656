{# The rules of a model, all in one test of dbt's: a node per model, and within it a check of its own per rule, which
   keeps its name in audit.check_results, in the quality report, in waivers and in messages.

   Here: the kinds of rules and how they become one query. Which rules a model has stands in its YAML file; the SQL of
   rules that no other model has stands in rules/, one file per rule. #}

{# Gives a row per rule that is broken: its name, and how many rows break it.

   grain: columns of which no two rows share a combination
   never_null, unique, positive: columns
   relationships: {column: model.column in which every value occurs}
   accepted_values: [{name, column, values}]
   ratios_follow_from_sums: {key, ratios: {value: [numerator, denominator]}}
   sums_to: [{name, by, parts and whole (this model if left out), columns, may_lack_parts}]
   keeps_every_record: [{name, of, key, amount and kept_as}]
   own: names of macros in rules/

   Columns and values may be named together, e.g. <lines> or compared_<lines>; named_together has the names. #}
{% test rules(
    model,
    grain=none,
    never_null=none,
    unique=[],
    positive=[],
    relationships={},
    accepted_values=[],
    ratios_follow_from_sums=none,
    sums_to=[],
    keeps_every_record=[],
    own=[]
) %}
{%- set subject = context['model']['file_key_name'].split('.')[1] %}
{%- set rules = [] %}
{%- if grain is not none %}
    {%- do rules.append((subject ~ '__grain_is_unique', rows_that_share(model, grain))) %}
{%- endif %}
{%- if never_null is not none %}
    {%- do rules.append((subject ~ '__has_no_nulls', rows_with_a_null(model, named_together(never_null)))) %}
{%- endif %}
{%- for column in unique %}
    {%- do rules.append(('unique_' ~ subject ~ '_' ~ column, values_that_repeat(model, column))) %}
{%- endfor %}
{%- for column in positive %}
    {%- do rules.append(('positive_' ~ subject ~ '_' ~ column, rows_not_above_zero(model, column))) %}
{%- endfor %}
{%- for column, place in relationships.items() %}
    {%- set parent, field = place.split('.') %}
    {%- set name = 'relationships_' ~ subject ~ '_' ~ column ~ '__' ~ field ~ '__ref_' ~ parent ~ '_' %}
    {%- do rules.append((name, values_without_a_parent(model, column, ref(parent), field))) %}
{%- endfor %}
{%- for rule in accepted_values %}
    {%- do rules.append((rule['name'], values_not_accepted(model, rule['column'], named_together(rule['values'])))) %}
{%- endfor %}
{%- if ratios_follow_from_sums is not none %}
    {%- do rules.append((
        subject ~ '__ratios_are_of_its_sums',
        ratios_not_of_their_sums(model, ratios_follow_from_sums['key'], ratios_follow_from_sums['ratios'])
    )) %}
{%- endif %}
{%- for rule in sums_to %}
    {%- do rules.append((rule['name'], sums_that_differ(
        ref(rule['parts']) if 'parts' in rule else model,
        ref(rule['whole']) if 'whole' in rule else model,
        rule['by'],
        named_together(rule.get('columns', ['<measures>'])),
        rule.get('may_lack_parts', false)
    ))) %}
{%- endfor %}
{%- for rule in keeps_every_record %}
    {%- do rules.append((rule['name'], records_not_kept(
        model, ref(rule['of']), rule['key'], rule.get('amount'), rule.get('kept_as')
    ))) %}
{%- endfor %}
{%- for name in own %}
    {%- do rules.append((name, own_rule(name))) %}
{%- endfor %}
{{- config(meta={'rules': rules | map(attribute=0) | list}) }}
{%- for name, broken in rules %}
-- rule {{ name }}
select
    '{{ name }}' as rule_name,
    count(*) as failing_rows
from (
{{ broken }}
) as broken
having count(*) > 0
{{ 'union all' if not loop.last }}
{%- endfor %}
-- end of the rules
{% endtest %}

{# The names, with each that stands for many, such as <lines>, written out. #}
{% macro named_together(names) -%}
{%- set together = {
    '<lines>': ladder_measures(),
    '<amounts>': ladder_amounts(),
    '<counts>': count_measures(),
    '<measures>': account_measures(),
    '<rates>': rate_measures(),
    '<drivers>': cost_drivers() | map(attribute=0) | list,
    '<cost_types>': cost_type_lines().keys() | list,
} %}
{%- set found = [] %}
{%- for name in names %}
    {%- set many = together | select('in', name | string) | first %}
    {%- for each in together[many] %}
        {%- do found.append(name.replace(many, each)) %}
    {%- else %}
        {%- do found.append(name) %}
    {%- endfor %}
{%- endfor %}
{{ return(found) }}
{%- endmacro %}

{# Each combination of the columns that occurs more than once; two NULLs count as the same value. #}
{% macro rows_that_share(relation, columns) -%}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ relation }}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- endmacro %}

{# Each row in which one of the columns is NULL. #}
{% macro rows_with_a_null(relation, columns) -%}
select {{ columns | join(', ') }}
from {{ relation }}
where {{ columns | join(' is null or ') }} is null
{%- endmacro %}

{# Each value that occurs more than once. NULL is left to never_null. #}
{% macro values_that_repeat(relation, column) -%}
select
    {{ column }},
    count(*) as row_count
from {{ relation }}
where {{ column }} is not null
group by {{ column }}
having count(*) > 1
{%- endmacro %}

{# Each record whose value is not greater than zero. NULL is left to never_null. #}
{% macro rows_not_above_zero(relation, column) -%}
select
    source_file,
    source_sheet,
    source_record,
    {{ column }}
from {{ relation }}
where {{ column }} <= 0
{%- endmacro %}

{# Each row whose value does not occur in the parent. NULL is left to never_null. #}
{% macro values_without_a_parent(relation, column, parent, field) -%}
select children.{{ column }}
from {{ relation }} as children
left join {{ parent }} as parents
    on children.{{ column }} = parents.{{ field }}
where children.{{ column }} is not null and parents.{{ field }} is null
{%- endmacro %}

{# Each value that is not one of the accepted ones. NULL is left to never_null. #}
{% macro values_not_accepted(relation, column, values) -%}
select
    {{ column }},
    count(*) as row_count
from {{ relation }}
where {{ column }} not in ({{ quoted(values) }})
group by {{ column }}
{%- endmacro %}

{# Each row with a ratio that is not its own sums divided, such as an average of other ratios, or that has one although
   the denominator is not positive. ratios: {value: [numerator, denominator]}. #}
{% macro ratios_not_of_their_sums(relation, key, ratios) -%}
{%- set triples = [] %}
{%- set shown = key | list %}
{%- for value, sums in ratios.items() %}
    {%- do triples.append((value, sums[0], sums[1])) %}
    {%- do shown.extend([sums[0], sums[1], value]) %}
{%- endfor %}
select {{ shown | unique | join(', ') }}
from {{ relation }}
where {{ any_is_not_ratio(triples) }}
{%- endmacro %}

{# Each combination of the columns `by` of which the parts do not sum to the whole in every column.

   may_lack_parts: a row of the whole without any part is right where all its columns are zero. #}
{% macro sums_that_differ(parts, whole, by, columns, may_lack_parts) -%}
with parts as (
    select
        {%- for column in columns %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        {{ by | join(', ') }}
    from {{ parts }}
    group by {{ by | join(', ') }}
)

select
    {%- for column in by %}
    coalesce(parts.{{ column }}, whole.{{ column }}) as {{ column }},
    {%- endfor %}
    {%- for column in columns %}
    parts.{{ column }} as {{ column }}_of_parts,
    whole.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from parts
full join {{ whole }} as whole
    on {% for column in by %}parts.{{ column }} = whole.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where
    whole.{{ by[0] }} is null
    {%- if not may_lack_parts %}
    or parts.{{ by[0] }} is null
    {%- endif %}
    {%- for column in columns %}
    or whole.{{ column }} is distinct from {{ 'coalesce(parts.' ~ column ~ ', 0)' if may_lack_parts else 'parts.' ~ column }}
    {%- endfor %}
{%- endmacro %}

{# Each record that the model lost or repeated, e.g. by a join that finds no or two rows, or whose amount it changed.

   of: the relation that holds every record, under the same key
   amount, kept_as: the amount in `of` and the same amount in the model; left out where records have none. #}
{% macro records_not_kept(relation, of, key, amount, kept_as) -%}
{%- for name, source, column in [('original', of, amount), ('kept', relation, kept_as)] %}
{{ 'with ' if loop.first }}{{ name }} as (
    select
        {{ key | join(', ') }},
        {%- if column %}
        sum({{ column }}) as amount,
        {%- endif %}
        count(*) as row_count
    from {{ source }}
    group by {{ key | join(', ') }}
){{ ',' if not loop.last }}
{%- endfor %}

select
    {%- for column in key %}
    coalesce(original.{{ column }}, kept.{{ column }}) as {{ column }},
    {%- endfor %}
    {%- if amount %}
    original.amount as original_amount,
    kept.amount as kept_amount,
    {%- endif %}
    original.row_count as original_rows,
    kept.row_count as kept_rows
from original
full join kept
    on {% for column in key %}original.{{ column }} = kept.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where
    original.row_count is distinct from kept.row_count
    {%- if amount %}
    or original.amount is distinct from kept.amount
    {%- endif %}
{%- endmacro %}

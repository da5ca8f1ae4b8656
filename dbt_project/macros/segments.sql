{# The names of the states that are no class. Which customer is in which, the models decide. #}

{# Not yet to be classed: no order so far, or too short a history. #}
{% macro new_state() -%}
    'Ny'
{%- endmacro %}

{# Ordered once, and not in the last 12 months. #}
{% macro lost_state() -%}
    'Tabt'
{%- endmacro %}

{# A customer inside the group of companies. #}
{% macro internal_state() -%}
    'Intern'
{%- endmacro %}

{# The class of a figure that is negative, or of a ratio that is undefined. #}
{% macro negative_class() -%}
    'N'
{%- endmacro %}

{# True when a segment in effect is a class on each axis, and none of the states above. #}
{% macro is_classed(segment) -%}
    {{ segment }} not in ({{ unknown_id() }}, {{ internal_state() }}, {{ new_state() }}, {{ lost_state() }})
{%- endmacro %}

{# What a version of the segment rules is called where chains are classed as one. version: SQL of its name in the rules. #}
{% macro version_for_chains(version) -%}
    {{ version }} || ' (kæder)'
{%- endmacro %}

{# The name that all good customers have together, whichever segments they are in. #}
{% macro good_customers_name() -%}
    'Den gode kunde'
{%- endmacro %}

{# The key of a salesperson within a segment. #}
{% macro salesperson_in_segment(salesperson, segment) -%}
    {{ salesperson }} || ' / ' || {{ segment }}
{%- endmacro %}

{# Whether one of two comparisons holds; of one that has nothing to compare with nothing is said, and of two neither is. #}
{% macro either(one, other) -%}
    coalesce({{ one }} or {{ other }}, {{ one }}, {{ other }})
{%- endmacro %}

{# The scope types whose customers are those of a segment: as it is now, and as it was at the opening of the year. #}
{% macro segment_scope_types() -%}
    {{ return(['segment', 'segment_opening', 'salesperson_segment']) }}
{%- endmacro %}

{# Which version of the rules said who is in a scope, and whether another one held at the opening of the year or at the
   end of the window that is compared with; NULL for a scope that is made of no segment.
   scope: alias of a relation with scope_type; versions: alias of int_segment_versions. #}
{% macro rules_of_scope(scope, versions) -%}
    case
        when {{ scope }}.scope_type = 'segment' then {{ versions }}.rule_version
        when {{ scope }}.scope_type in ({{ quoted(segment_scope_types()) }}) then {{ versions }}.opening_rule_version
    end as rule_version,
    case
        when {{ scope }}.scope_type = 'segment' then {{ versions }}.is_rule_change
        when {{ scope }}.scope_type in ({{ quoted(segment_scope_types()) }}) then {{ versions }}.is_opening_rule_change
    end as is_rule_change
{%- endmacro %}

{# What a record of a target or budget is about, as the marts name it. A file's segment is who was in it when the year
   opened, unless it says segment_now: moving customers improves no segment. #}
{% macro scope_of_policy() -%}
    scope_type as supplied_scope_type,
    case scope_type
        when 'segment' then 'segment_opening'
        when 'segment_now' then 'segment'
        else scope_type
    end as scope_type,
    case
        when scope_type = 'salesperson_segment' then {{ salesperson_in_segment('scope_id', 'segment') }} else scope_id
    end as scope_id
{%- endmacro %}

{# What stands in the column segment of targets and budgets that are about no salesperson within a segment. #}
{% macro all_segments() -%}
    'all'
{%- endmacro %}

{# Why a customer's class on an axis is what it is, in words.
   relation: alias of what has the class and the raw one; said: the axis by its name, and what to say of a class that the
   figures give and of one that hysteresis kept. #}
{% macro class_in_words(relation, axis, said) -%}
    '{{ said[axis] }} ' || {{ relation }}.{{ axis }}_class || case
                when {{ relation }}.raw_{{ axis }}_class = {{ relation }}.{{ axis }}_class then ' {{ said.figures }}'
                else ' {{ said.kept }} ' || {{ relation }}.raw_{{ axis }}_class
            end
{%- endmacro %}

{# The median, exact and alike on every engine. Of what it is taken, the models decide.

   A median takes two steps, because a place in an order is a window and a median is a group: a CTE that adds
   median_places() to the rows, and median_of() over it, grouped by the same columns. #}

{# Each row's place in the order of each column within its group, and how many rows have a figure there.
   columns: list; by: list of the columns of the group; gives <column>_place and <column>_known. #}
{% macro median_places(columns, by) -%}
{%- for column in columns %}
        row_number() over (
            partition by {{ by | join(', ') }} order by {{ column }} asc nulls last
        ) as {{ column }}_place,
        count({{ column }}) over (partition by {{ by | join(', ') }}) as {{ column }}_known
        {{- ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# The figure in the middle; of an even number, half the sum of the two in the middle, half away from zero.
   NULL counts for nothing, and there is no median of nothing. column: decimal(18, scale) #}
{% macro median_of(column, scale) -%}
    cast(
        round(
            cast(
                sum(
                    case
                        when
                            2 * {{ column }}_place >= {{ column }}_known
                            and 2 * {{ column }}_place <= {{ column }}_known + 2
                            then {{ column }}
                    end
                ) as decimal(19, {{ scale }})
            )
            * cast(case when max({{ column }}_known) % 2 = 0 then 0.5 else 1 end as decimal(2, 1)),
            {{ scale }}
        ) as decimal(18, {{ scale }})
    )
{%- endmacro %}

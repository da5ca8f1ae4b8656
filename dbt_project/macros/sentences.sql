{# Numbers as text in a sentence, for people to read. No model calculates with these. #}

{# A whole number with a separator between thousands, half away from zero: '-152.300'. #}
{% macro whole_text(amount, separator) -%}
{%- set digits = 'cast(abs(cast(round(' ~ amount ~ ', 0) as bigint)) as string)' -%}
    case when cast(round({{ amount }}, 0) as bigint) < 0 then '-' else '' end
            || case
                when length({{ digits }}) > 9
                    then
                        substr({{ digits }}, 1, length({{ digits }}) - 9)
                        || '{{ separator }}' || substr({{ digits }}, length({{ digits }}) - 8, 3)
                        || '{{ separator }}' || substr({{ digits }}, length({{ digits }}) - 5, 3)
                        || '{{ separator }}' || substr({{ digits }}, length({{ digits }}) - 2, 3)
                when length({{ digits }}) > 6
                    then
                        substr({{ digits }}, 1, length({{ digits }}) - 6)
                        || '{{ separator }}' || substr({{ digits }}, length({{ digits }}) - 5, 3)
                        || '{{ separator }}' || substr({{ digits }}, length({{ digits }}) - 2, 3)
                when length({{ digits }}) > 3
                    then
                        substr({{ digits }}, 1, length({{ digits }}) - 3)
                        || '{{ separator }}' || substr({{ digits }}, length({{ digits }}) - 2, 3)
                else {{ digits }}
            end
{%- endmacro %}

{# An amount with its currency: '152.300 kr.' in Danish, '152,300 DKK' in English. #}
{% macro amount_text(amount, currency, language) -%}
    {%- if language == 'da' -%}
    {{ whole_text(amount, '.') }} || case when {{ currency }} = 'DKK' then ' kr.' else ' ' || {{ currency }} end
    {%- else -%}
    {{ whole_text(amount, ',') }} || ' ' || {{ currency }}
    {%- endif -%}
{%- endmacro %}

{# A count that is whole most of the time: '18', '4,5' in Danish, '4.5' in English. #}
{% macro count_text(count, language) -%}
    case
            when {{ count }} = round({{ count }}, 0) then cast(cast(round({{ count }}, 0) as bigint) as string)
            else replace(
                cast(cast(round({{ count }}, 1) as decimal(18, 1)) as string),
                '.',
                '{{ ',' if language == 'da' else '.' }}'
            )
        end
{%- endmacro %}

{# A ratio as a share of a hundred with two decimals, half away from zero: '8,11 %' in Danish, '8.11 %' in English. #}
{% macro percent_text(ratio, language) -%}
    replace(
            cast(cast(round({{ ratio }} * 100, 2) as decimal(18, 2)) as string),
            '.',
            '{{ ',' if language == 'da' else '.' }}'
        ) || ' %'
{%- endmacro %}

{# The word that fits a count. #}
{% macro counted_word(count, one, many) -%}
    case when {{ count }} = 1 then '{{ one }}' else '{{ many }}' end
{%- endmacro %}

{# An aggregate: texts in the order of the alphabet, with a comma between; NULL where there is none. #}
{% macro joined_texts(text) -%}
    {{ adapter.dispatch('joined_texts', 'kunderegnskab')(text) }}
{%- endmacro %}

{% macro default__joined_texts(text) -%}
    string_agg({{ text }}, ', ' order by {{ text }} asc nulls last)
{%- endmacro %}

{% macro spark__joined_texts(text) -%}
    nullif(array_join(sort_array(collect_list({{ text }})), ', '), '')
{%- endmacro %}

{# What sales_effort and terms_beyond_concept both say of visits, and terms_beyond_concept and customer_actions of
   terms. #}

{# Visits that a customer is owed in twelve months, decimal(18, 4); NULL without a plan. A customer of seven months is
   not owed a year of visits. segments, windows, concepts: aliases of customer_segments, of time_windows (r12) and of
   int_service_concept_months. #}
{% macro owed_visits(segments, windows, concepts) -%}
{%- set months = months_between(segments ~ '.first_order_month', segments ~ '.month') -%}
    case
            when {{ months }} < {{ windows }}.month_count
                then {{ div_round(concepts ~ '.visits_per_year * ' ~ months, '12', 4) }}
            else {{ concepts }}.planned_visits
        end
{%- endmacro %}

{# What a customer gets beyond the concept, in words and without what it costs: '32 visits against 10 in the service
   concept of AN'. terms: alias of a relation with term, given, agreed, concept_limit and segment; bonus: the word
   before an amount of bonus. #}
{% macro beyond_concept_text(terms, currency, language, bonus='') -%}
{%- set given = count_text(terms ~ '.given', language) -%}
{%- set agreed = count_text(terms ~ '.agreed', language) -%}
{%- set limit = amount_text(terms ~ '.concept_limit', currency, language) -%}
{%- set given_amount = amount_text(terms ~ '.given', currency, language) -%}
{%- set agreed_amount = amount_text(terms ~ '.agreed', currency, language) -%}
{%- if language == 'da' -%}
    case {{ terms }}.term
            when 'visits' then {{ given }} || ' besøg mod ' || {{ agreed }} || ' i servicekonceptet'
            when 'minimum_order'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' ordre', ' ordrer') }}
                    || ' under mindsteordren på ' || {{ limit }}
            when 'free_freight'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' fragtfri ordre', ' fragtfri ordrer') }}
                    || ' under fragtfrigrænsen på ' || {{ limit }}
            when 'bonus'
                then
                    '{{ bonus }}' || {{ given_amount }} || ' mod højst ' || {{ agreed_amount }}
                    || ' i servicekonceptet'
            else {{ given }} || ' dages betalingsfrist mod højst ' || {{ agreed }} || ' i servicekonceptet'
        end || ' for ' || {{ terms }}.segment
{%- else -%}
    case {{ terms }}.term
            when 'visits'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' visit', ' visits') }}
                    || ' against ' || {{ agreed }} || ' in the service concept'
            when 'minimum_order'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' order', ' orders') }}
                    || ' below the minimum order of ' || {{ limit }}
            when 'free_freight'
                then
                    {{ given }} || {{ counted_word(terms ~ '.given', ' order', ' orders') }}
                    || ' without freight charge below the free freight limit of ' || {{ limit }}
            when 'bonus'
                then
                    '{{ bonus }}' || {{ given_amount }} || ' against at most ' || {{ agreed_amount }}
                    || ' in the service concept'
            else {{ given }} || ' days to pay against at most ' || {{ agreed }} || ' in the service concept'
        end || ' of ' || {{ terms }}.segment
{%- endif -%}
{%- endmacro %}

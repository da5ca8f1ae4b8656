{# What a sales line needs of other lines before it can be valued. Both are queries and no models on the way, because
   the way from a record to a KPI is long enough: int_sales_lines_valued holds them, and a model beside it shows what
   they give. What a line is worth is decided in int_sales_lines_valued. #}

{# A line's unit of measure; '' where it names none. #}
{% macro unit_on_line(unit_of_measure) -%}
    coalesce({{ id_or_null(unit_of_measure) }}, '')
{%- endmacro %}

{# Which units of measure the sales lines of a product are in, and what each is in the product's own: two units of one
   product are never added up, and lines without a product are kept together as one. Lines without a unit are in the
   product's own, if the list says one; where it does not, and other lines of the product name one, nobody knows theirs. A
   company whose lines name no unit has no row. #}
{% macro product_units() -%}
with units as (
    select
        {{ resolved_id('product_id') }} as product_id,
        {{ unit_on_line('unit_of_measure') }} as unit_of_measure,
        count(*) as line_count
    from {{ ref('stg_sales_lines') }}
    where line_type = 'goods'
    group by {{ resolved_id('product_id') }}, {{ unit_on_line('unit_of_measure') }}
),

named as (
    select distinct product_id
    from units
    where unit_of_measure <> ''
),

used as (
    select
        units.product_id,
        units.unit_of_measure,
        units.line_count
    from units
    inner join named
        on units.product_id = named.product_id
),

joined as (
    select
        used.product_id,
        used.unit_of_measure,
        used.line_count,
        {{ id_or_null('products.unit_of_measure') }} as listed_unit,
        case when conversions.factor > 0 then conversions.factor end as factor
    from used
    left join {{ ref('stg_products') }} as products
        on used.product_id = products.product_id
    left join {{ ref('stg_unit_conversions') }} as conversions
        on used.product_id = conversions.product_id and used.unit_of_measure = conversions.unit_of_measure
),

-- Where the list says no unit, it is the one that needs no conversion, if there is just one.
own as (
    select
        product_id,
        coalesce(
            max(listed_unit),
            case
                when sum(case when factor is null and unit_of_measure <> '' then 1 else 0 end) = 1
                    then max(case when factor is null and unit_of_measure <> '' then unit_of_measure end)
            end
        ) as own_unit
    from joined
    group by product_id
)

select
    joined.product_id,
    joined.unit_of_measure,
    own.own_unit,
    cast(joined.line_count as bigint) as line_count,
    cast(
        case when joined.unit_of_measure = own.own_unit then 1 else joined.factor end as decimal(18, 8)
    ) as factor
from joined
inner join own
    on joined.product_id = own.product_id
where joined.unit_of_measure <> '' or joined.listed_unit is null
{%- endmacro %}

{# What goods that come back take back of the cost of the line that sold them, where they name it and carry no cost of
   their own. A company whose lines name none has no row. #}
{% macro returned_lines() -%}
with company as (
    select currency as company_currency
    from {{ ref('stg_company') }}
),

returned as (
    select
        document_no,
        line_no,
        product_id,
        original_document_no,
        original_line_no
    from {{ ref('stg_sales_lines') }}
    where
        original_document_no is not null
        and original_line_no is not null
        and line_type = 'goods'
        and quantity < 0
        and cost_amount is null
),

sold as (
    select
        document_no,
        line_no,
        product_id,
        posting_date,
        {{ id_or_null('currency') }} as currency,
        quantity,
        unit_of_measure,
        cost_amount
    from {{ ref('stg_sales_lines') }}
    where document_type = 'invoice' and line_type = 'goods' and quantity > 0
)

select
    returned.document_no,
    returned.line_no,
    sold.posting_date as sold_on,
    sold.quantity as sold_quantity,
    {{ unit_on_line('sold.unit_of_measure') }} as sold_unit_of_measure,
    cast(
        case
            when exchange_rates.rate is null then sold.cost_amount
            else {{ money(exact_product('sold.cost_amount', 'exchange_rates.rate', 4, 8)) }}
        end as decimal(18, 4)
    ) as sold_cost
from returned
-- Line numbers are used again in other documents, and a document number may be: the goods must be the same.
inner join sold
    on
        returned.original_document_no = sold.document_no
        and returned.original_line_no = sold.line_no
        and returned.product_id = sold.product_id
cross join company
left join {{ ref('stg_exchange_rates') }} as exchange_rates
    on
        sold.currency <> company.company_currency
        and sold.currency = exchange_rates.currency
        and sold.posting_date >= exchange_rates.valid_from
        and sold.posting_date < exchange_rates.valid_before
-- A sale without a rate is in no account, so nothing comes back of it.
where coalesce(sold.currency, company.company_currency) = company.company_currency or exchange_rates.rate is not null
{%- endmacro %}

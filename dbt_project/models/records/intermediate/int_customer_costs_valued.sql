-- Which line of the account every direct customer cost goes to, and whose it is. The lines of the types are listed in
-- macros/measures.sql.
with company as (
    select currency as company_currency
    from {{ ref('stg_company') }}
)

select
    costs.source_file,
    costs.file_sha256,
    costs.source_sheet,
    costs.source_record,
    costs.cost_no,
    costs.document_no,
    costs.cost_type,
    costs.posting_date,
    {{ period_of('costs.posting_date') }} as month,
    costs.customer_id as carried_customer_id,
    {{ resolved_id('costs.customer_id') }} as customer_id,
    case costs.cost_type
        {%- for cost_type, column in cost_type_lines().items() %}
        when '{{ cost_type }}' then '{{ column }}'
        {%- endfor %}
    end as column_name,
    -- A bonus settles what agreements accrued, see int_bonus_accruals; a marketing contribution settles nothing.
    case when costs.cost_type = 'bonus' then {{ month_floor('costs.settles_month') }} end as settles_month,
    company.company_currency,
    costs.amount
from {{ ref('stg_customer_costs') }} as costs
cross join company

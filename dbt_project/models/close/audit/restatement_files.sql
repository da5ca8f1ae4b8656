-- For each closed month, the files that are new, changed or gone since it was closed: why its figures may have
-- changed, beside a changed configuration or program. Which figures have changed is in restatements and
-- figure_restatements.
{#- Feeds whose records belong to a day, and the day: a new file with later records alone changes nothing before. -#}
{%- set dated = {
    'sales_lines': 'posting_date', 'customer_costs': 'least(posting_date, coalesce(' ~ first_day_of('settles_month') ~ ', posting_date))',
    'activities': 'activity_date', 'receivables': 'invoice_date', 'ledger_entries': 'posting_date',
    'adjustments': first_day_of('month'),
} %}

with closes as (
    select
        month,
        publication
    from {{ ref('period_closes') }}
    where is_in_force and event = 'close'
),

first_days as (
    {%- for feed, day in dated.items() %}
    select
        '{{ feed }}' as feed,
        source_file,
        min({{ day }}) as first_day
    from {{ ref('int_sales_documents' if feed == 'sales_lines' else 'stg_' ~ feed) }}
    group by source_file
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

files_now as (
    select
        closes.month,
        closes.publication,
        files.feed,
        files.source_file,
        max(files.file_sha256) as file_sha256
    from {{ ref('stg_files') }} as files
    cross join closes
    group by closes.month, closes.publication, files.feed, files.source_file
),

files_then as (
    select
        closes.month,
        closes.publication,
        files.feed,
        files.source_file,
        max(files.file_sha256) as file_sha256
    from {{ ref('closed_files') }} as files
    inner join closes
        on files.publication = closes.publication
    group by closes.month, closes.publication, files.feed, files.source_file
),

compared as (
    select
        coalesce(files_then.month, files_now.month) as month,
        coalesce(files_then.publication, files_now.publication) as publication,
        coalesce(files_then.feed, files_now.feed) as feed,
        coalesce(files_then.source_file, files_now.source_file) as source_file,
        files_then.file_sha256 as closed_sha256,
        files_now.file_sha256 as current_sha256
    from files_then
    full join files_now
        on
            files_then.month = files_now.month
            and files_then.publication = files_now.publication
            and files_then.feed = files_now.feed
            and files_then.source_file = files_now.source_file
)

select
    compared.publication,
    compared.month,
    compared.feed,
    compared.source_file,
    case
        when compared.closed_sha256 is null then 'new_file'
        when compared.current_sha256 is null then 'removed_file'
        else 'changed_file'
    end as cause,
    compared.closed_sha256,
    compared.current_sha256
from compared
left join first_days
    on compared.feed = first_days.feed and compared.source_file = first_days.source_file
where
    compared.closed_sha256 is distinct from compared.current_sha256
    -- Plans and the closing itself: no figure of an account is made of them.
    and compared.feed not in ('period_events', 'budgets', 'kpi_register', 'kpi_targets')
    and (
        compared.closed_sha256 is not null
        or first_days.first_day is null
        or first_days.first_day <= {{ last_day_of('compared.month') }}
    )

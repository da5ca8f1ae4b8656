-- What has become of the figures of salespeople and of the company in closed months: as closed and now. The lines of
-- customers, by file and with a cause, are in restatements.
with closes as (
    select
        month,
        publication
    from {{ ref('period_closes') }}
    where is_in_force and event = 'close'
),

then_figures as (
    select
        publication,
        month,
        level,
        scope_id,
        measure,
        amount
    from {{ ref('closed_figures') }}
),

now_figures as (
    select
        closes.publication,
        figures.month,
        figures.level,
        figures.scope_id,
        figures.measure,
        figures.amount
    from {{ ref('month_figures') }} as figures
    inner join closes
        on figures.month = closes.month
),

compared as (
    select
        coalesce(then_figures.publication, now_figures.publication) as publication,
        coalesce(then_figures.month, now_figures.month) as month,
        coalesce(then_figures.level, now_figures.level) as level,
        coalesce(then_figures.scope_id, now_figures.scope_id) as scope_id,
        coalesce(then_figures.measure, now_figures.measure) as measure,
        coalesce(then_figures.amount, 0) as closed_amount,
        coalesce(now_figures.amount, 0) as current_amount
    from then_figures
    full join now_figures
        on
            then_figures.publication = now_figures.publication
            and then_figures.month = now_figures.month
            and then_figures.level = now_figures.level
            and then_figures.scope_id = now_figures.scope_id
            and then_figures.measure = now_figures.measure
),

files as (
    select
        publication,
        month,
        {{ joined_texts('source_file') }} as changed_files
    from {{ ref('restatement_files') }}
    group by publication, month
)

select
    compared.month,
    compared.level,
    compared.scope_id,
    compared.measure,
    compared.publication,
    cast(compared.closed_amount as decimal(18, 4)) as closed_amount,
    cast(compared.current_amount as decimal(18, 4)) as current_amount,
    cast(compared.current_amount - compared.closed_amount as decimal(18, 4)) as difference,
    files.changed_files
from compared
left join files
    on compared.publication = files.publication and compared.month = files.month
where compared.closed_amount <> compared.current_amount

-- The figures of salespeople and of the company in months that are closed now, as they were when they were closed.
-- They never change: each publication carries them on. What has become of them since is in figure_restatements,
-- the lines of customers in closed_sources.
select
    figures.publication,
    figures.month,
    figures.level,
    figures.scope_id,
    figures.measure,
    figures.amount
from {{ ref('stg_closed_figures') }} as figures
inner join {{ ref('period_closes') }} as closes
    on figures.month = closes.month and figures.publication = closes.publication
where closes.is_in_force and closes.event = 'close'

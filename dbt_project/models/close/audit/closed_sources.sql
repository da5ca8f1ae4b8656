-- What the lines of months that are closed now were made of when they were closed. These figures never change: each
-- publication carries them on. What has become of them since is in restatements.
select
    sources.publication,
    sources.month,
    sources.customer_id,
    sources.line_code,
    sources.feed,
    sources.source,
    sources.file_sha256,
    sources.amount,
    sources.posting_count
from {{ ref('stg_closed_sources') }} as sources
inner join {{ ref('period_closes') }} as closes
    on sources.month = closes.month and sources.publication = closes.publication
where closes.is_in_force and closes.event = 'close'

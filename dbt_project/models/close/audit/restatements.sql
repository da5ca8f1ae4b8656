-- What has become of closed months: per line and source the amount as closed, the amount now, and why they differ. The
-- closed figures themselves are in closed_sources.
with closes as (
    select
        month,
        publication
    from {{ ref('period_closes') }}
    where is_in_force and event = 'close'
),

-- A file that was delivered again is one source, whatever its content was.
then_amounts as (
    select
        publication,
        month,
        customer_id,
        line_code,
        feed,
        source,
        max(file_sha256) as file_sha256,
        sum(amount) as amount
    from {{ ref('closed_sources') }}
    group by publication, month, customer_id, line_code, feed, source
),

now_amounts as (
    select
        closes.publication,
        sources.month,
        sources.customer_id,
        sources.line_code,
        sources.feed,
        sources.source,
        max(sources.file_sha256) as file_sha256,
        sum(sources.amount) as amount
    from {{ ref('account_sources') }} as sources
    inner join closes
        on sources.month = closes.month
    group by
        closes.publication, sources.month, sources.customer_id, sources.line_code, sources.feed, sources.source
),

compared as (
    select
        coalesce(then_amounts.publication, now_amounts.publication) as publication,
        coalesce(then_amounts.month, now_amounts.month) as month,
        coalesce(then_amounts.customer_id, now_amounts.customer_id) as customer_id,
        coalesce(then_amounts.line_code, now_amounts.line_code) as line_code,
        coalesce(then_amounts.feed, now_amounts.feed) as feed,
        coalesce(then_amounts.source, now_amounts.source) as source,
        then_amounts.file_sha256 as closed_sha256,
        now_amounts.file_sha256 as current_sha256,
        coalesce(then_amounts.amount, 0) as closed_amount,
        coalesce(now_amounts.amount, 0) as current_amount
    from then_amounts
    full join now_amounts
        on
            then_amounts.publication = now_amounts.publication
            and then_amounts.month = now_amounts.month
            and then_amounts.customer_id = now_amounts.customer_id
            and then_amounts.line_code = now_amounts.line_code
            and then_amounts.feed = now_amounts.feed
            and then_amounts.source = now_amounts.source
),

files_now as (
    select
        source_file,
        max(file_sha256) as file_sha256
    from {{ ref('stg_files') }}
    group by source_file
),

files_then as (
    select
        publication,
        source_file,
        max(file_sha256) as file_sha256
    from {{ ref('closed_files') }}
    group by publication, source_file
),

-- What changed beside the posting's own file: a rate, a cost, an owner or the ledger reaches it through the models.
changed as (
    select
        publication,
        month,
        {{ joined_texts('source_file') }} as changed_files
    from {{ ref('restatement_files') }}
    group by publication, month
),

caused as (
    select
        compared.publication,
        compared.month,
        compared.customer_id,
        compared.line_code,
        compared.feed,
        compared.source,
        case
            when compared.feed = 'cost_pools' then 'pool'
            when compared.feed = 'bonus_agreements' then 'agreement'
            when files_then.source_file is null then 'new_file'
            when files_now.source_file is null then 'removed_file'
            when files_then.file_sha256 = files_now.file_sha256 then 'rule'
            else 'changed_file'
        end as cause,
        compared.closed_amount,
        compared.current_amount,
        coalesce(compared.closed_sha256, files_then.file_sha256) as closed_sha256,
        coalesce(compared.current_sha256, files_now.file_sha256) as current_sha256
    from compared
    left join files_now
        on compared.source = files_now.source_file
    left join files_then
        on compared.source = files_then.source_file and compared.publication = files_then.publication
    where compared.closed_amount <> compared.current_amount
)

select
    caused.month,
    caused.customer_id,
    caused.line_code,
    caused.feed,
    caused.source,
    caused.publication,
    caused.cause,
    cast(caused.closed_amount as decimal(18, 4)) as closed_amount,
    cast(caused.current_amount as decimal(18, 4)) as current_amount,
    cast(caused.current_amount - caused.closed_amount as decimal(18, 4)) as difference,
    caused.closed_sha256,
    caused.current_sha256,
    case when caused.cause in ('rule', 'pool', 'agreement') then changed.changed_files end as changed_files
from caused
left join changed
    on caused.publication = changed.publication and caused.month = changed.month

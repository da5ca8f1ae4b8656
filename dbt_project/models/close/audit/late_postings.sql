-- The records behind restatements of closed months: those of files that were not there, or had another content, when
-- the month was closed. Postings, ledger entries of pools and of lines that no customer carries, and costs and pool
-- rules in force in the month. Which amounts changed by how much is in restatements and figure_restatements.
with closes as (
    select
        month,
        publication
    from {{ ref('period_closes') }}
    where is_in_force and event = 'close'
),

files_then as (
    select
        publication,
        source_file,
        max(file_sha256) as file_sha256
    from {{ ref('closed_files') }}
    group by publication, source_file
),

-- Lines of the company, below the customers' accounts.
restated_lines as (
    select
        figures.month,
        figures.measure,
        ladder.line_code
    from {{ ref('figure_restatements') }} as figures
    inner join {{ ref('ladder') }} as ladder
        on figures.measure = ladder.column_name
    where figures.level = 'company' and ladder.level = 'company' and ladder.line_kind = 'amount'
),

-- Pools that give to customers, and those of which something stays with the company.
restated_pools as (
    select
        month,
        line_code,
        source as cost_pool_id
    from {{ ref('restatements') }}
    where feed = 'cost_pools'
    union distinct
    select
        steps.month,
        restated_lines.line_code,
        steps.cost_pool_id
    from {{ ref('allocation_steps') }} as steps
    inner join restated_lines
        on
            steps.month = restated_lines.month
            and case restated_lines.measure
                when 'segment_cost' then steps.segment_cost
                when 'unused_capacity' then steps.unused
                when 'unallocated' then steps.unallocated
                when 'rate_difference' then steps.rate_difference
            end <> 0
),

-- Costs and rules hold until the next one.
product_costs as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        valid_from,
        lead(valid_from) over (partition by product_id order by valid_from asc nulls last) as valid_before
    from {{ ref('stg_product_costs') }}
),

cost_pools as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        cost_pool_id,
        valid_from,
        lead(valid_from) over (partition by cost_pool_id order by valid_from asc nulls last) as valid_before
    from {{ ref('stg_cost_pools') }}
),

activity_times as (
    select
        source_file,
        file_sha256,
        source_sheet,
        source_record,
        cost_pool_id,
        valid_from,
        lead(valid_from) over (
            partition by cost_pool_id, activity_type, applies_to order by valid_from asc nulls last
        ) as valid_before
    from {{ ref('stg_activity_times') }}
),

restated_goods as (
    select distinct
        restatements.month,
        restatements.line_code
    from {{ ref('restatements') }} as restatements
    inner join {{ ref('ladder') }} as ladder
        on restatements.line_code = ladder.line_code
    where ladder.column_name = 'cogs'
),

records as (
    select
        postings.feed,
        postings.source_file,
        postings.file_sha256,
        postings.source_sheet,
        postings.source_record,
        postings.posting_date,
        postings.month,
        postings.line_code,
        postings.customer_id,
        postings.amount
    from {{ ref('postings') }} as postings
    inner join {{ ref('restatements') }} as restatements
        on
            postings.month = restatements.month
            and postings.customer_id = restatements.customer_id
            and postings.line_code = restatements.line_code
            and postings.feed = restatements.feed
            and postings.source_file = restatements.source
    union all
    select
        'ledger_entries' as feed,
        entries.source_file,
        entries.file_sha256,
        entries.source_sheet,
        entries.source_record,
        entries.posting_date,
        entries.month,
        restated_pools.line_code,
        cast(null as string) as customer_id,
        entries.amount
    from {{ ref('int_ledger_entries_valued') }} as entries
    inner join restated_pools
        on entries.month = restated_pools.month and entries.cost_pool_id = restated_pools.cost_pool_id
    where entries.role_kind = 'pool' and not entries.is_rejected
    union all
    select
        'ledger_entries' as feed,
        entries.source_file,
        entries.file_sha256,
        entries.source_sheet,
        entries.source_record,
        entries.posting_date,
        entries.month,
        entries.line_code,
        cast(null as string) as customer_id,
        entries.amount
    from {{ ref('int_ledger_entries_valued') }} as entries
    inner join restated_lines
        on entries.month = restated_lines.month and entries.line_code = restated_lines.line_code
    where entries.role_kind = 'line' and not entries.is_rejected
    union all
    select
        'cost_pools' as feed,
        pools.source_file,
        pools.file_sha256,
        pools.source_sheet,
        pools.source_record,
        pools.valid_from as posting_date,
        restated_pools.month,
        restated_pools.line_code,
        cast(null as string) as customer_id,
        cast(null as decimal(18, 4)) as amount
    from cost_pools as pools
    inner join restated_pools
        on
            pools.valid_from <= {{ last_day_of('restated_pools.month') }}
            and coalesce(pools.valid_before, cast('9999-12-31' as date)) > {{ last_day_of('restated_pools.month') }}
            and pools.cost_pool_id = restated_pools.cost_pool_id
    union all
    select
        'activity_times' as feed,
        times.source_file,
        times.file_sha256,
        times.source_sheet,
        times.source_record,
        times.valid_from as posting_date,
        restated_pools.month,
        restated_pools.line_code,
        cast(null as string) as customer_id,
        cast(null as decimal(18, 4)) as amount
    from activity_times as times
    inner join restated_pools
        on
            times.valid_from <= {{ last_day_of('restated_pools.month') }}
            and coalesce(times.valid_before, cast('9999-12-31' as date)) > {{ last_day_of('restated_pools.month') }}
            and times.cost_pool_id = restated_pools.cost_pool_id
    union all
    select
        'product_costs' as feed,
        costs.source_file,
        costs.file_sha256,
        costs.source_sheet,
        costs.source_record,
        costs.valid_from as posting_date,
        restated_goods.month,
        restated_goods.line_code,
        cast(null as string) as customer_id,
        cast(null as decimal(18, 4)) as amount
    from product_costs as costs
    inner join restated_goods
        on
            costs.valid_from <= {{ last_day_of('restated_goods.month') }}
            and coalesce(costs.valid_before, cast('9999-12-31' as date)) > restated_goods.month
)

select
    records.feed,
    records.source_file,
    records.source_sheet,
    records.source_record,
    records.posting_date,
    records.month,
    records.line_code,
    records.customer_id,
    cast(records.amount as decimal(18, 4)) as amount,
    case when files_then.source_file is null then 'new_file' else 'changed_file' end as cause,
    records.file_sha256
from records
inner join closes
    on records.month = closes.month
left join files_then
    on closes.publication = files_then.publication and records.source_file = files_then.source_file
where files_then.source_file is null or records.file_sha256 <> files_then.file_sha256

{# Fails for each total that is not what the stage before handed on, and for each feed whose files were read with
   another number of records than the ledger of records has. #}
{% macro control_totals__agree() -%}
with ledger as (
    select
        feed,
        sum(records_read) as records_read
    from {{ ref('row_ledger') }}
    group by feed
),

counted as (
    select
        feed,
        total
    from {{ ref('control_totals') }}
    where stage = 'landing' and measure = 'record_count'
)

select
    feed,
    stage,
    measure,
    total,
    left_out_total,
    difference
from {{ ref('control_totals') }}
where difference is distinct from 0
union all
select
    coalesce(ledger.feed, counted.feed) as feed,
    'landing' as stage,
    'record_count' as measure,
    counted.total,
    cast(0 as decimal(28, 6)) as left_out_total,
    cast(ledger.records_read - counted.total as decimal(28, 6)) as difference
from ledger
full join counted
    on ledger.feed = counted.feed
where ledger.records_read is distinct from counted.total
{%- endmacro %}

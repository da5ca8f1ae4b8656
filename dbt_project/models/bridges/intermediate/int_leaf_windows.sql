-- Every leaf over each bridged window and the one it is compared with, to look up a single leaf's part in a bridge.
-- A view, because bridges are made of sums by customer (int_customer_effects), and no leaf is kept.
{{ config(materialized='view') }}

with sums as (
    {{ leaf_sums() }}
),

changes as (
    {{ leaf_changes('sums') }}
)

select
    customer_id,
    leaf_id,
    unit_of_measure,
    currency,
    month,
    time_window,
    {{ leaf_kind(
        'class',
        'max(was_there) over (partition by customer_id, month, time_window)',
        'max(is_there) over (partition by customer_id, month, time_window)',
    ) }} as kind,
    {{ each('{}', leaf_figures()) }}
from changes

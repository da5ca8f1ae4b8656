-- Price, volume, mix and their like for each scope and window, side by side. How they are shown is in price_volume_mix.
with effects_of_each as (
    {{ effects_of_scopes(['company', 'customer', 'segment', 'segment_opening', 'salesperson']) }}
)

select
    effects_of_each.scope_type,
    effects_of_each.scope_id,
    effects_of_each.month,
    effects_of_each.time_window,
    effects_of_each.opening,
    effects_of_each.opening_db1,
    effects_of_each.price,
    effects_of_each.exchange_rate,
    effects_of_each.volume,
    effects_of_each.volume_db1,
    effects_of_each.mix,
    effects_of_each.mix_db1,
    effects_of_each.new_customer,
    effects_of_each.new_customer_db1,
    effects_of_each.new_product,
    effects_of_each.new_product_db1,
    effects_of_each.lost_customer,
    effects_of_each.lost_customer_db1,
    effects_of_each.lost_product,
    effects_of_each.lost_product_db1,
    effects_of_each.not_comparable,
    effects_of_each.not_comparable_db1,
    effects_of_each.unit_cost,
    effects_of_each.off_invoice,
    effects_of_each.other_goods_cost,
    effects_of_each.closing,
    effects_of_each.closing_db1,
    {{ rules_of_scope('effects_of_each', 'versions') }}
from effects_of_each
inner join {{ ref('int_segment_versions') }} as versions
    on effects_of_each.month = versions.month and effects_of_each.time_window = versions.time_window

-- The exact arithmetic of the models as DuckDB macros, for the rules of `explain`: each gives what the macro of that
-- name in dbt_project/macros gives. The rules are in explain/rules/*.yaml.

-- safe_ratio: six decimals, half away from zero, NULL unless d > 0; in whole numbers, so exact.
create macro ratio(n, d) as
    case when d > 0 then (
        sign(n) * (
            (
                2 * abs(n::decimal(38, 6) * 1000000)::hugeint * 1000000
                + (d::decimal(38, 6) * 1000000)::hugeint
            ) // (2 * (d::decimal(38, 6) * 1000000)::hugeint)
        )
    )::decimal(38, 0)::decimal(24, 0) * 0.000001::decimal(7, 6) end;

-- long_ratio, of twelve decimals.
create macro long_ratio(n, d) as
    case when d > 0 then (
        sign(n) * (
            (
                2 * abs((n::decimal(24, 6) * 1000000)::hugeint) * 1000000000000
                + (d::decimal(24, 6) * 1000000)::hugeint
            ) // (2 * (d::decimal(24, 6) * 1000000)::hugeint)
        )
    )::decimal(38, 0)::decimal(18, 0) * 0.000000000001::decimal(13, 12) end;

-- div_round to four decimals, of amounts of either sign.
create macro quotient(n, d) as (
    sign(n) * sign(d) * (
        (
            2 * abs((n::decimal(22, 4) * 10000)::hugeint) * 10000
            + abs((d::decimal(22, 4) * 10000)::hugeint)
        ) // nullif(2 * abs((d::decimal(22, 4) * 10000)::hugeint), 0)
    )
)::decimal(18, 0) * 0.0001::decimal(5, 4);

-- fine_share.
create macro fine_share(n, d) as
    case when abs(n::decimal(28, 4)) < d::decimal(28, 4) * 100000 then long_ratio(n, d) end;

-- scaled_by: amount x n / d with six decimals.
create macro scaled_by(amount, n, d) as (
    sign(amount) * sign(n) * (
        (
            2 * abs((amount::decimal(22, 4) * 10000)::hugeint)
            * abs((n::decimal(24, 6) * 1000000)::hugeint) * 100 + (d::decimal(24, 6) * 1000000)::hugeint
        ) // (2 * (d::decimal(24, 6) * 1000000)::hugeint)
    )
)::decimal(38, 0)::decimal(24, 0) * 0.000001::decimal(7, 6);

-- owner_part, rounded so that the parts of all owners sum to the amount.
create macro owner_part(amount, share, share_through, digits) as
    case when share = 1 then amount::decimal(18, 6) else (
        round(amount::decimal(19, 6) * share_through::decimal(18, 8), digits)
        - round(amount::decimal(19, 6) * (share_through - share)::decimal(18, 8), digits)
    )::decimal(18, 6) end;

-- Whole numbers of figures; div_half_up, n / d in whole numbers for a whole d > 0; driver_name.
create macro millionths(figure) as (figure::decimal(38, 6) * 1000000)::hugeint;

create macro half_up(n, d) as (
    case when n < 0 then -1 else 1 end
    * ((2 * abs(n::hugeint) + d::hugeint) // nullif(2 * d::hugeint, 0))
)::decimal(38, 0)::decimal(24, 0);

create macro driver_name(activity_type) as
    case activity_type
        when 'order' then 'orders' when 'order_line' then 'order_lines' when 'sales_visit' then 'visits'
        when 'shipment' then 'shipments' else activity_type end;

-- customer_hash.
create macro customer_hash(customer_id) as coalesce(('0x' || substr(md5(customer_id), 1, 8))::bigint, 0);

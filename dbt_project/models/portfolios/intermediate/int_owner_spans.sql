-- Who owns each customer from which day to which, and with what share. The shares of a span sum to 1: what nobody owns
-- is 'Ikke tildelt'. What was sold in a span does not belong here.
-- An owner whom the company does not know as a salesperson is nobody; gate checks name them.
with owners as (
    select
        owners.customer_id,
        coalesce(salespeople.salesperson_id, {{ unassigned_id() }}) as salesperson_id,
        owners.valid_from,
        coalesce(owners.valid_to, cast('9999-12-30' as date)) as valid_to,
        owners.share
    from {{ ref('stg_customer_owners') }} as owners
    inner join {{ ref('customers') }} as customers
        on owners.customer_id = customers.customer_id
    left join {{ ref('salespeople') }} as salespeople
        on owners.salesperson_id = salespeople.salesperson_id
),

-- An owner begins, an owner ends: between two such days nothing changes.
days as (
    select
        customer_id,
        cast('0001-01-01' as date) as span_from
    from {{ ref('customers') }}
    union distinct
    select
        customer_id,
        valid_from as span_from
    from owners
    union distinct
    select
        customer_id,
        valid_to + 1 as span_from
    from owners
),

spans as (
    select
        customer_id,
        span_from,
        coalesce(
            lead(span_from) over (partition by customer_id order by span_from asc nulls last),
            cast('9999-12-31' as date)
        ) as span_before
    from days
),

owned as (
    select
        spans.customer_id,
        spans.span_from,
        spans.span_before,
        owners.salesperson_id,
        owners.share
    from spans
    inner join owners
        on
            spans.customer_id = owners.customer_id
            and spans.span_from >= owners.valid_from
            and spans.span_from <= owners.valid_to
),

unowned as (
    select
        spans.customer_id,
        spans.span_from,
        spans.span_before,
        {{ unassigned_id() }} as salesperson_id,
        1 - coalesce(sum(owned.share), 0) as share
    from spans
    left join owned
        on spans.customer_id = owned.customer_id and spans.span_from = owned.span_from
    group by spans.customer_id, spans.span_from, spans.span_before
),

shares as (
    select
        customer_id,
        span_from,
        span_before,
        salesperson_id,
        cast(sum(share) as decimal(18, 8)) as share
    from (
        select
            customer_id,
            span_from,
            span_before,
            salesperson_id,
            share
        from owned
        union all
        select
            customer_id,
            span_from,
            span_before,
            salesperson_id,
            share
        from unowned
        -- Shares above 1 are an error that a test shows; they are not made to fit here.
        where share > 0
    ) as all_shares
    group by customer_id, span_from, span_before, salesperson_id
)

select
    customer_id,
    span_from,
    span_before,
    salesperson_id,
    share,
    cast(sum(share) over owners_so_far as decimal(18, 8)) as share_through
from shares
where span_before > span_from
window owners_so_far as (
    partition by customer_id, span_from
    order by salesperson_id asc nulls last
    rows between unbounded preceding and current row
)

-- What each scope has to show over each window of time: the company, its teams, salespeople (by who owned the customers
-- then, and by who owns them today), segments (who is in them now, and who was at the opening of the year), salespeople
-- within a segment, chains with the rest of the customers, and each customer. KPIs are made of it in kpi_values, rates
-- of cost drivers in driver_bridge.

{#- Type, relation, and which columns of it are the scope's key, its salesperson and its segment. -#}
{%- set scopes = [
    ('company', 'customers', 'company_id', none, none),
    ('team', 'teams', 'team', none, none),
    ('salesperson', 'portfolios', 'salesperson_id', 'salesperson_id', none),
    ('salesperson_today', 'portfolios_today', 'salesperson_id', 'salesperson_id', none),
    ('segment', 'customers', 'segment', none, 'segment'),
    ('segment_opening', 'customers', 'opening_segment', none, 'opening_segment'),
    ('salesperson_segment', 'portfolios', salesperson_in_segment('salesperson_id', 'opening_segment'),
        'salesperson_id', 'opening_segment'),
    ('chain', 'members', 'chain', none, none),
] %}
{%- set counts = customer_count_measures() %}
{%- set good = good_customer_measures() %}
{%- set measures = account_measures() + customer_base_measures() %}
{%- set rates = rate_measures() %}
{%- set cast_both =
    'cast(scopes.{} as decimal(18, 4)) as {}, cast(scopes.compared_{} as decimal(18, 4)) as compared_{}' %}

-- Who bought, who ordered for the first time, and who has gone: the last order was in the same window a year ago.
-- Nobody is new or lost where there is nothing to compare with.
with buyers as (
    select
        customers.customer_id,
        customers.month,
        customers.time_window,
        windows.compared_last_month,
        case when customers.order_count > 0 then 1 else 0 end as has_bought,
        case when customers.compared_order_count > 0 then 1 else 0 end as had_bought,
        case
            when windows.compared_first_month is null then null
            when first_orders.new_in_month >= windows.first_month and first_orders.new_in_month <= windows.month then 1
            else 0
        end as is_new,
        case
            when windows.compared_last_month = {{ add_months('windows.month', '-12') }}
                then
                    case
                        when customers.compared_order_count > 0 and coalesce(years.order_count, 0) = 0 then 1
                        else 0
                    end
        end as is_lost,
        first_orders.chain,
        coalesce(classes.is_good_customer, false) as is_good,
        coalesce(classes_then.is_good_customer, false) as was_good
    from {{ ref('int_customer_windows') }} as customers
    inner join {{ ref('time_windows') }} as windows
        on customers.month = windows.month and customers.time_window = windows.time_window
    left join {{ ref('int_customer_groups') }} as first_orders
        on customers.customer_id = first_orders.customer_id
    left join {{ ref('int_customer_windows') }} as years
        on
            customers.customer_id = years.customer_id
            and customers.month = years.month
            and years.time_window = 'r12'
    left join {{ ref('customer_segments') }} as classes
        on customers.customer_id = classes.customer_id and customers.month = classes.month
    left join {{ ref('customer_segments') }} as classes_then
        on
            customers.customer_id = classes_then.customer_id
            and windows.compared_last_month = classes_then.month
),

-- Windows that could be compared then; a customer without a row in one of them was not new.
compared_then as (
    select
        windows.month,
        windows.time_window,
        earlier.compared_first_month is not null as is_compared_then
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('time_windows') }} as earlier
        on windows.compared_last_month = earlier.month and windows.time_window = earlier.time_window
    where windows.compared_first_month is not null
),

flags as (
    select
        buyers.customer_id,
        buyers.month,
        buyers.time_window,
        buyers.has_bought,
        buyers.had_bought,
        buyers.is_new,
        buyers.is_lost,
        buyers.chain,
        buyers.is_good,
        buyers.was_good,
        case when compared_then.is_compared_then then coalesce(earlier.is_new, 0) end as was_new
    from buyers
    left join compared_then
        on buyers.month = compared_then.month and buyers.time_window = compared_then.time_window
    left join buyers as earlier
        on
            buyers.customer_id = earlier.customer_id
            and buyers.compared_last_month = earlier.month
            and buyers.time_window = earlier.time_window
            and earlier.is_new = 1
),

-- A segment's customers are the same ones in both windows: those whom it has now, or had when the year opened. Only of
-- the latter can be said that moving a customer improves no segment.
customers as (
    select
        windows.*,
        'company' as company_id,
        segments.segment,
        segments.opening_segment,
        flags.chain,
        1 as scope_customers,
        flags.has_bought as customer_count,
        flags.had_bought as compared_customer_count,
        flags.is_new as new_customer_count,
        flags.was_new as compared_new_customer_count,
        flags.is_lost as lost_customer_count,
        cast(null as bigint) as compared_lost_customer_count,
        {{ each(
            'case when flags.is_good then windows.{value} else 0 end as {}, '
            ~ 'case when flags.was_good then windows.compared_{value} else 0 end as compared_{}', good
        ) }}
    from {{ ref('int_customer_windows') }} as windows
    inner join flags
        on
            windows.customer_id = flags.customer_id
            and windows.month = flags.month
            and windows.time_window = flags.time_window
    left join {{ ref('customer_segments') }} as segments
        on windows.customer_id = segments.customer_id and windows.month = segments.month
),

-- Without chains there is no rest beside them.
members as (
    select *
    from customers
    where chain is not null
),

-- A salesperson's customer counts as one, also where it is shared; who is new to the company is new to its salesperson,
-- and who is lost, is lost by whoever had its orders a year ago.
portfolios as (
    select
        windows.*,
        coalesce(salespeople.team, {{ unassigned_id() }}) as team,
        segments.opening_segment,
        1 as scope_customers,
        case when windows.has_orders then 1 else 0 end as customer_count,
        case when windows.compared_has_orders then 1 else 0 end as compared_customer_count,
        case when windows.has_orders then flags.is_new else flags.is_new * 0 end as new_customer_count,
        case when windows.compared_has_orders then flags.was_new else flags.was_new * 0 end
            as compared_new_customer_count,
        case when windows.compared_has_orders then flags.is_lost else flags.is_lost * 0 end as lost_customer_count,
        cast(null as bigint) as compared_lost_customer_count,
        {{ each(
            'case when flags.is_good then windows.{value} else 0 end as {}, '
            ~ 'case when flags.was_good then windows.compared_{value} else 0 end as compared_{}', good
        ) }}
    from {{ ref('int_portfolio_windows') }} as windows
    inner join flags
        on
            windows.customer_id = flags.customer_id
            and windows.month = flags.month
            and windows.time_window = flags.time_window
    left join {{ ref('salespeople') }} as salespeople
        on windows.salesperson_id = salespeople.salesperson_id
    left join {{ ref('customer_segments') }} as segments
        on windows.customer_id = segments.customer_id and windows.month = segments.month
),

-- So does a team's, also where two of its salespeople share it.
teams as (
    select
        team,
        customer_id,
        month,
        time_window,
        1 as scope_customers,
        {{ each('sum({}) as {}, sum(compared_{}) as compared_{}', account_measures() + good.keys() | list) }},
        {{ each('sum({}) as {}', rates) }},
        {{ each('max({}) as {}, max(compared_{}) as compared_{}', counts) }}
    from portfolios
    group by team, customer_id, month, time_window
),

as_of as (
    select {{ last_day_of('max(month)') }} as today
    from {{ ref('time_windows') }}
),

counts_today as (
    select
        owners.salesperson_id,
        customers.month,
        customers.time_window,
        {%- for measure in good %}
        sum({{ owner_part('customers.' ~ measure, 'owners') }}) as {{ measure }},
        sum({{ owner_part('customers.compared_' ~ measure, 'owners') }}) as compared_{{ measure }},
        {%- endfor %}
        count(*) as scope_customers,
        {{ each('sum(customers.{}) as {}, sum(customers.compared_{}) as compared_{}', counts) }}
    from customers
    cross join as_of
    inner join {{ ref('int_owner_spans') }} as owners
        on
            customers.customer_id = owners.customer_id
            and as_of.today >= owners.span_from
            and as_of.today < owners.span_before
    group by owners.salesperson_id, customers.month, customers.time_window
),

portfolios_today as (
    select
        windows.*,
        counts.scope_customers,
        {{ each('counts.{}, counts.compared_{}', customer_base_measures()) }}
    from {{ ref('int_current_portfolio_windows') }} as windows
    left join counts_today as counts
        on
            windows.salesperson_id = counts.salesperson_id
            and windows.month = counts.month
            and windows.time_window = counts.time_window
),

scopes as (
    {%- for scope_type, relation, scope_id, salesperson, segment in scopes %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        {{ salesperson or 'cast(null as string)' }} as salesperson_id,
        {{ segment or 'cast(null as string)' }} as segment,
        month,
        time_window,
        sum(scope_customers) as scope_customers,
        {{ each('sum({}) as {}, sum(compared_{}) as compared_{}', measures) }},
        {{ each('sum({}) as {}', rates) }}
    from {{ relation }}
    group by
        {% if salesperson and segment %}{{ salesperson }}, {{ segment }}{% else %}{{ scope_id }}{% endif %}, month,
        time_window
    union all
    {%- endfor %}
    -- One customer's rows are summed already.
    select
        'customer' as scope_type,
        customer_id as scope_id,
        cast(null as string) as salesperson_id,
        cast(null as string) as segment,
        month,
        time_window,
        scope_customers,
        {{ each('{}, compared_{}', measures) }},
        {{ each('{}', rates) }}
    from customers
),

-- How many were lost a year ago is what the scope had to say then; a segment's customers of now were not lost then.
lost_then as (
    select
        scopes.scope_type,
        scopes.scope_id,
        windows.month,
        windows.time_window,
        scopes.lost_customer_count
    from {{ ref('time_windows') }} as windows
    inner join scopes
        on windows.compared_last_month = scopes.month and windows.time_window = scopes.time_window
    where scopes.lost_customer_count > 0
)

select
    scopes.scope_type,
    scopes.scope_id,
    scopes.month,
    scopes.time_window,
    scopes.salesperson_id,
    scopes.segment,
    cast(scopes.scope_customers as decimal(18, 4)) as scope_customers,
    {{ rules_of_scope('scopes', 'versions') }},
    {{ each(cast_both, account_measures() + ['customer_count', 'new_customer_count']) }},
    cast(scopes.lost_customer_count as decimal(18, 4)) as lost_customer_count,
    case
        when
            scopes.scope_type not in ({{ quoted(segment_scope_types()) }})
            and compared_then.is_compared_then
            and windows.compared_last_month = {{ add_months('windows.month', '-12') }}
            then cast(coalesce(lost_then.lost_customer_count, 0) as decimal(18, 4))
    end as compared_lost_customer_count,
    {{ each(cast_both, good) }},
    -- Nothing of a window that is compared with none comes of other rates.
    {{ each('cast(scopes.{} as decimal(18, 4)) as {}', rates) }}
from scopes
inner join {{ ref('time_windows') }} as windows
    on scopes.month = windows.month and scopes.time_window = windows.time_window
left join compared_then
    on scopes.month = compared_then.month and scopes.time_window = compared_then.time_window
left join lost_then
    on
        scopes.scope_type = lost_then.scope_type
        and scopes.scope_id = lost_then.scope_id
        and scopes.month = lost_then.month
        and scopes.time_window = lost_then.time_window
inner join {{ ref('int_segment_versions') }} as versions
    on scopes.month = versions.month and scopes.time_window = versions.time_window

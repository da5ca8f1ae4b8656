-- The step between days and months as DuckDB macros, for the rules of `explain`: each gives what the macro of that name
-- in dbt_project/macros gives. They read the publication's fiscal calendar, so they are made after it.

create macro period_of(of_day) as coalesce(
    list_extract(
        (select max(months) from staging.stg_fiscal_months),
        greatest(
            date_diff('day', (select max(listed_from) from staging.stg_fiscal_months), of_day::date) + 1, 0
        )
    ),
    date_trunc('month', of_day::date)::date
);

create macro first_month_held(valid_from) as greatest(period_of(valid_from), date_trunc('month', valid_from::date)::date);

create macro last_month_held(valid_from, valid_to) as greatest(
    least(period_of(valid_to), date_trunc('month', valid_to::date)::date),
    case when valid_to >= valid_from then first_month_held(valid_from) else date '0001-01-01' end
);

create macro named_fiscal_year(of_month) as list_extract(
    (select max(fiscal_years) from staging.stg_fiscal_months),
    greatest(
        date_diff('month', (select max(listed_from_month) from staging.stg_fiscal_months), of_month::date) + 1, 0
    )
);

create macro first_day_of(of_month) as coalesce(
    list_extract(
        (select max(first_days) from staging.stg_fiscal_months),
        greatest(
            date_diff('month', (select max(listed_from_month) from staging.stg_fiscal_months), of_month::date) + 1,
            0
        )
    ),
    of_month::date
);

create macro last_day_of(of_month) as coalesce(
    list_extract(
        (select max(last_days) from staging.stg_fiscal_months),
        greatest(
            date_diff('month', (select max(listed_from_month) from staging.stg_fiscal_months), of_month::date) + 1,
            0
        )
    ),
    last_day(of_month::date)
);

"""Stands for dbt's `adapter` when sqlfluff renders the models without dbt.

Only what the project's macros call on `adapter` belongs here.
"""

from __future__ import annotations

from collections.abc import Callable

EXAMPLES: dict[str, str] = {
    "int_div": "({0} // {1})",
    "bigint_div": "(({0}) // ({1}))",
    "days_between": "date_diff('day', {0}, {1})",
    "add_months": "({0} + {1})",
    "month_series": "select {1} as month\n    from {0}",
    "customer_hash": "coalesce(cast({0} as bigint), 0)",
    "joined_texts": "string_agg({0}, ', ')",
    "day_series": "select {1} as day\n    from {0}",
    "list_element": "list_extract({0}, {1})",
    "ordered_list": "list({0} order by {1} asc nulls last)",
}


def dispatch(macro_name: str, macro_namespace: str) -> Callable[..., str]:
    """A function that renders SQL of the same shape as the engine's own version of the macro.

    Raises KeyError for a macro that has no example here.
    """
    return EXAMPLES[macro_name].format

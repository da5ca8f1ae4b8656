"""`kunderegnskab sample`: source records for an audit.

Drawing them belongs in kunderegnskab/audit/sampling.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json


def sample(
    size: Annotated[int, typer.Argument(help="How many source records to draw.", min=1)],
    method: Annotated[
        str, typer.Option(help="random, or monetary: each krone has the same chance.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="The same seed draws the same records.")] = 1,
    first: Annotated[str | None, typer.Option(help="First month, e.g. 2025-01.")] = None,
    last: Annotated[str | None, typer.Option(help="Last month.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write the sample to this workbook.")] = None,
    publication: Annotated[
        str | None, typer.Option(help="Name or number; the current one if left out.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw source records for an audit, with their text and where each of them counts."""
    from kunderegnskab.audit.sampling import CannotSample, draw, write_workbook
    from kunderegnskab.audit.trace import opened
    from kunderegnskab.months import month_of

    if method not in ("random", "monetary"):
        raise CannotSample(f"--method {method} is not known; use random or monetary.")
    with opened(find_workspace(workspace), publication) as trace:
        drawn = draw(
            trace,
            size,
            method="monetary" if method == "monetary" else "random",
            seed=seed,
            first_month=month_of(first) if first else None,
            last_month=month_of(last) if last else None,
        )
    if xlsx is not None:
        write_workbook(xlsx, drawn)
    if as_json:
        print_json(
            {
                "publication": drawn.publication,
                "method": drawn.method,
                "seed": drawn.seed,
                "population": drawn.population,
                "population_amount": str(drawn.population_amount),
                "strata": drawn.strata,
                "interval": None if drawn.interval is None else str(drawn.interval),
                "records": [
                    {
                        "feed": each.record.feed,
                        "file": each.record.source_file,
                        "sha256": each.record.sha256,
                        "file_state": each.record.file_state,
                        "sheet": each.record.source_sheet,
                        "record": each.record.source_record,
                        "raw": each.record.raw,
                        "read": each.record.read,
                        "amount": str(each.record.value),
                        "stratum": each.stratum,
                        "counts": [
                            {
                                "customer_id": counted.customer_id,
                                "month": f"{counted.month:%Y-%m}",
                                "lines": {line: str(amount) for line, amount in counted.lines.items()},
                            }
                            for counted in each.counts
                        ],
                        "shown_in": list(each.shown_in),
                    }
                    for each in drawn.drawn
                ],
            }
        )
        return
    OUT.print(
        f"{drawn.publication}: {len(drawn.drawn)} of {drawn.population:,} records drawn "
        f"({drawn.method}, seed {drawn.seed}; "
        f"{', '.join(f'{count:,} of {name}' for name, count in drawn.strata.items())})"
    )
    for each in drawn.drawn:
        record = each.record
        counts = "; ".join(
            f"{f'customer {counted.customer_id}, ' if counted.customer_id else ''}{counted.month:%Y-%m}, "
            f"{', '.join(counted.lines)}"
            for counted in each.counts
        )
        OUT.print(
            f"  {record.source_file}, {f'sheet {record.source_sheet}, ' if record.source_sheet else ''}"
            f"record {record.source_record}: {record.value} "
            f"({each.stratum}: {counts})"
        )

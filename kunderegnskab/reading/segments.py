"""Groups of customers: the list of segments, and one with profile, moves, service and members."""

from __future__ import annotations

from dataclasses import dataclass

from kunderegnskab.reading.reader import NothingToRead, Reader, Row

GOOD_CUSTOMERS = "Den gode kunde"
"""All good customers, as marts.segment_profiles names them, whichever segments they are in."""
_NEGATIVE = "N"
_AXES = ("size", "margin")


@dataclass(frozen=True)
class Axes:
    """The classes that the rules in force have, from best to worst. A segment is a size and a margin.

    Attributes:
        margins: without that of customers who leave nothing.
        negative: the margin class of those.
    """

    sizes: tuple[str, ...]
    margins: tuple[str, ...]
    negative: str = _NEGATIVE

    @property
    def segments(self) -> list[str]:
        """All segments, size by size."""
        return [size + margin for size in self.sizes for margin in (*self.margins, self.negative)]


def axes(reader: Reader) -> Axes:
    """The classes of the newest month's rules."""
    rows = reader.rows(
        """
        select axis, class_code from audit.segment_rules
        where last_day($month) >= valid_from and last_day($month) < valid_before
        order by position
        """,
        {"month": reader.last_month},
    )
    codes = {axis: tuple(row["class_code"] for row in rows if row["axis"] == axis) for axis in _AXES}
    return Axes(codes["size"], codes["margin"])


def segments(reader: Reader) -> list[Row]:
    """The viewer's customers by segment of now: segment, customers, net_sales, db2, db3, good_customers.

    In the order of the axes, those after them who are in none of their classes.
    """
    rows = reader.rows(
        """
        select segment, count(*) as customers, sum(net_sales_r12) as net_sales, sum(db2_r12) as db2,
            sum(db3_r12) as db3, count(*) filter (where is_good_customer) as good_customers
        from marts.customer_segments where month = ?
        group by segment order by segment
        """,
        [reader.last_month],
    )
    places = {name: place for place, name in enumerate(axes(reader).segments)}
    return sorted(rows, key=lambda row: places.get(row["segment"], len(places)))


def good_customers(reader: Reader) -> Row | None:
    """What describes the good customers: their row of marts.segment_profiles; None if too few."""
    return reader.row(
        "select * from marts.segment_profiles where segment = ? and month = ?",
        [GOOD_CUSTOMERS, reader.last_month],
    )


@dataclass(frozen=True)
class Segment:
    """One segment of now.

    Attributes:
        profile: the row of marts.segment_profiles; None where the viewer may not tell so small a group.
        concept: the row of marts.segment_service_concepts.
        moves_in, moves_out: rows of marts.segment_migration, most customers first; empty where not seen.
        members: the viewer's customers in it, most DB III first.
        owed: visits planned, made and remaining of the viewer's customers in it.
    """

    segment: str
    profile: Row | None
    concept: Row | None
    moves_in: tuple[Row, ...]
    moves_out: tuple[Row, ...]
    members: tuple[Row, ...]
    owed: Row


def segment(reader: Reader, name: str) -> Segment:
    """What is told of one segment.

    Raises NothingToRead where the viewer sees nothing of it.
    """
    month = reader.last_month
    members = reader.rows(
        """
        select customer_id, customer_name, net_sales_r12 as net_sales, db2_r12 as db2, db3_r12 as db3,
            reason_da, reason_en, opening_segment, customer_segments.month
        from marts.customer_segments inner join marts.customers using (customer_id)
        where month = ? and segment = ? order by db3_r12 desc nulls last, customer_id
        """,
        [month, name],
    )
    profile = reader.row(
        "select * from marts.segment_profiles where segment = ? and month = ?", [name, month]
    )
    # A group that has become empty is still told of: customers have come from it.
    was_there = reader.viewer.sees_all and reader.row(
        "select 1 from marts.customer_segments where segment = ? limit 1", [name]
    )
    if profile is None and not members and not was_there:
        raise NothingToRead(f"There is no segment {name} to read.")
    moves: dict[str, list[Row]] = {"to": [], "from": []}
    if reader.has("marts.segment_migration"):
        for side, other in (("to", "from"), ("from", "to")):
            moves[side] = reader.rows(
                f"""
                select *, {other}_segment as other from marts.segment_migration
                where month = ? and {side}_segment = ? and from_segment <> to_segment
                order by customers desc, other
                """,
                [month, name],
            )
    owed = reader.row(
        """
        select coalesce(sum(planned_visits), 0) as planned, coalesce(sum(actual_visits), 0) as made,
            coalesce(sum(remaining_visits), 0) as remaining, coalesce(sum(visits_beyond_plan), 0) as beyond
        from marts.sales_effort where month = ? and segment = ?
        """,
        [month, name],
    )
    assert owed is not None
    return Segment(
        name,
        profile,
        reader.row(
            "select * from marts.segment_service_concepts where month = ? and segment = ?", [month, name]
        ),
        tuple(moves["to"]),
        tuple(moves["from"]),
        tuple(members),
        owed,
    )

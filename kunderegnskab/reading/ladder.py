"""Which lines a subtotal of the account is the sum of, by the company's own ladder.

Here: the ladder's sums. Not here: its lines with their amounts (accounts.py).
"""

from __future__ import annotations

from kunderegnskab.reading.reader import Reader


def subtotals(reader: Reader) -> dict[str, dict[str, int]]:
    """Of each subtotal's column the columns of the lines in it, with 1 or -1: added or taken off.

    Lines that the company does not use are left out.
    """
    found: dict[str, dict[str, int]] = {}
    for row in reader.rows(
        """
        select ladder_terms.column_name, terms.column_name as term, ladder_terms.sign
        from audit.ladder_terms
        inner join audit.ladder as terms on terms.line_code = ladder_terms.line_code and terms.is_used
        inner join audit.ladder as subtotals
            on subtotals.column_name = ladder_terms.column_name and subtotals.line_kind = 'subtotal'
        where subtotals.is_used and subtotals.level = 'customer'
        order by subtotals.position, terms.position
        """
    ):
        found.setdefault(row["column_name"], {})[row["term"]] = row["sign"]
    return found

"""Accounts on paper and in Excel: a customer's statement, a salesperson's list of visits, the month's report.

Here: what stands on each (one module per paper, and the workbook), its words in Danish and English, and
making files of it. Whoever makes the same twice of one publication gets the same bytes, on any machine. Not
here: asking the publication, which reading/ does.
"""

from __future__ import annotations

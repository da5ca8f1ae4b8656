"""Scenarios: the records of the current publication under another policy, beside it, and what differs then.

Here: what is tried (trial.py), building and comparing it (trying.py, comparison.py), and the files of the
comparison (files.py). Not here: a warehouse beside the refresh's (refresh/beside.py), and what a terminal
shows (the command). Nothing of a scenario is published, and nothing that a refresh writes is written.
"""

"""Checks of the data and the proof that they passed. Only the package marker lives here; import the modules.

Feeds are checked at the door (door.py), marts at the gate (gate.py); dbt tests check what lies between.
"""

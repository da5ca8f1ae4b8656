"""News: what people and their programs are told of refreshes, as company.yaml names them.

Here: what an event says, as JSON and in words, and calling those who are told. Not here: when there is an
event (refresh/telling.py), and what is late (publication/freshness.py). The form of an event is a promise:
docs/contracts/events.md.
"""

"""Definitions only: ingestion, transformation, checks, publication, automation. Logic lives elsewhere."""

"""How a published number came about: lineage of columns today; explaining and verifying build on it."""

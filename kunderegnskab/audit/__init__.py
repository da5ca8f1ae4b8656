"""How a published number came about, what has changed since, and whether it is still what was published."""

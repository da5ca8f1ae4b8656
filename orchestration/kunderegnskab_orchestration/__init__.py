"""Who starts what, and when: Dagster definitions and the command line over them.

What the steps do belongs in `kunderegnskab`, which never imports this package.
"""

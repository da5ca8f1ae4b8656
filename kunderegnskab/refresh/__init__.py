"""What each step of a refresh does: read in, check the files, build, check the totals, publish.

Here: the steps as plain functions over a workspace that their caller alone may write in. Not here: when
they run and how Dagster shows them (orchestration/), and the work itself (the other rooms, dbt_project).
"""

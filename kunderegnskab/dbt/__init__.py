"""dbt as a refresh asks it: the project that it builds, its process, and what its answers mean.

The models belong in dbt_project/, and the program that runs dbt in
orchestration/kunderegnskab_orchestration/dbt_launcher.py.
"""

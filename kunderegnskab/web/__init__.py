"""The web page of a publication (`kunderegnskab serve`): who may open it, and what every page has in common.

Here: the application (app.py), the table of its routes (routes.py), users, sessions and the log of who saw
what. A page asks `kunderegnskab/reading/` for what it shows, and nothing else; what a figure means and who
may see which rows is decided there.
"""

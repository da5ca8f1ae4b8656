"""The command `kunderegnskab`: one file per command, which says how it is called and what it shows.

Here: arguments, output, exit codes. Not here: what a command does, which is a function of `kunderegnskab` or
`kunderegnskab_orchestration`. Each command imports what it needs when it runs, so that the quick ones answer
at once.
"""

"""Customer accounts (kunderegnskaber) from raw sales and cost records: plain Python, no orchestration.

Nothing in this package imports dagster; `kunderegnskab_orchestration` says who starts what, and when.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("kunderegnskab")
except PackageNotFoundError:  # a source tree that was not installed
    __version__ = "0+unknown"

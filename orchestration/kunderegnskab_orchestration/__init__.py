"""Who starts what, and when: Dagster definitions and the command line over them.

What the steps do belongs in `kunderegnskab`, which never imports this package.
"""

import os

# Nothing here is algebra, and where memory is short OpenBLAS, which numpy and scipy bring along, waits for
# ever for that of its threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

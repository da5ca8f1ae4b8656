"""Python reads this when it starts, where PYTHONPATH leads here: the worker of a run is to stop at a place.

The place stands in the file that STOP_WORKER names, and counts for one worker. See `stopping`.
"""

import json
import os
import sys
from pathlib import Path

if "kunderegnskab_orchestration.worker" in sys.orig_argv and Path(os.environ["STOP_WORKER"]).exists():
    from stopping import Place, stop_at

    place = Place(**json.loads(Path(os.environ["STOP_WORKER"]).read_text(encoding="utf-8")))
    Path(os.environ["STOP_WORKER"]).unlink()
    stop_at(place)

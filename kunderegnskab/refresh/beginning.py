"""What a refresh does before its run, whoever starts it.

Whether there is anything to do is asked afterwards, in due.py.
"""

from __future__ import annotations

import shutil

from kunderegnskab.progress import Progress
from kunderegnskab.publication import heads, store
from kunderegnskab.refresh.telling import tell_outcome
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer


def make_ready(workspace: Workspace, progress: Progress) -> list[str]:
    """Remove what the last failure lists, and mend what a killed refresh left of its publication.

    Hooks are told of a publication that was finished and is made current now.

    Returns:
        A sentence for each head that was not received (`heads.hand_on`) and hook that did not take its event.

    Raises:
        WorkspaceBusy: another refresh is at work, which needs its lists and its unfinished publication.
    """
    told: list[str] = []
    with sole_writer(workspace):
        before = store.current_if_whole(workspace.published)
        shutil.rmtree(workspace.state / "failures", ignore_errors=True)
        for sentence in store.recover(workspace.published):
            progress(sentence, 0, 1)
        after = store.current(workspace.published)
        # Of a run that was killed after it had published.
        if (problem := heads.hand_on(workspace)) is not None:
            told.append(problem)
    if after is not None and (before is None or before.name != after.name):
        told += tell_outcome(workspace, "published", after.manifest.run_id)
    return told

"""`scia up` is killed again and again under load. SCIA_KILLS=200 for the long version, SCIA_SEED=N to repeat a run."""

import os
import random
import sys

import pytest

from crash import kill_loop
from scia_testing import ControlPlane, processes_below, wait_for

pytestmark = pytest.mark.usefixtures("sandbox")


def test_killed_at_random_nothing_acknowledged_is_lost(session_folder, repositories):
    kills = int(os.environ.get("SCIA_KILLS", "10"))
    seed = int(os.environ.get("SCIA_SEED", random.SystemRandom().randrange(1 << 30)))
    repository = repositories("site", {"index.html": "<p>here</p>\n"})
    control_plane = ControlPlane(session_folder / "kill-loop")
    try:
        done = kill_loop(control_plane, repository, kills, seed, say=lambda text: print(text, file=sys.stderr))
        print(done, file=sys.stderr)
        assert done["acknowledged"] > 5 * kills, "there was load"
    except BaseException:
        print(f"SCIA_SEED={seed} repeats this\n{control_plane.log_tail()}", file=sys.stderr)
        raise
    finally:
        control_plane.kill()
        control_plane.start(stop_applications=True)
        assert control_plane.stop() == 0
    wait_for("everything is stopped", lambda: (not processes_below(control_plane.folder),
                                               processes_below(control_plane.folder)), 10)

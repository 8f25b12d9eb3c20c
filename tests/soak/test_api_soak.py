"""The embedded API under kills, for a quarter of the soak's time each: random moments, then fault points."""
import os
import pathlib
import random
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
import history_crash  # noqa: E402

SECONDS = float(os.environ.get("SCIA_SOAK_MINUTES", "30")) * 60


@pytest.mark.parametrize("faults", [False, True], ids=["kill -9", "fault points"])
def test_histories_are_linearizable(faults):
    until, seed, kills, checked = time.monotonic() + SECONDS / 4, random.SystemRandom().randrange(1 << 30), 0, 0
    print(f"seed {seed}", file=sys.stderr, flush=True)
    while time.monotonic() < until:
        checked += history_crash.crash_loop(25, seed + kills, faults)
        kills += 25
        print(f"{kills} kills, {checked} operations and events checked", file=sys.stderr, flush=True)

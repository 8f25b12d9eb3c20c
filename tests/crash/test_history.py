"""What many clients are told while the server is killed: history_crash.py, short. `./dev soak` runs it long."""
import history_crash
import pytest


@pytest.mark.parametrize("faults", [False, True], ids=["kill -9", "fault points"])
def test_histories_are_linearizable(faults):
    assert history_crash.crash_loop(5, seed=7, faults=faults) > 50

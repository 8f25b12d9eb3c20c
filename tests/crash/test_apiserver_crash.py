"""kill -9 under load: apiserver_crash.py, short."""
import apiserver_crash
import pytest


@pytest.mark.parametrize("faults", [False, True], ids=["kill -9", "fault points"])
def test_no_acknowledged_write_is_lost(faults):
    assert apiserver_crash.crash_loop(10, seed=42, faults=faults) > 10

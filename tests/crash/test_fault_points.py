"""`scia up` is killed exactly at each of its fault points; the next start finds and finishes what was begun."""

import re
import time

import pytest

from crash import leftovers
from scia_testing import ROOT, WEB_SPEC, ControlPlane, http_get, processes_below, wait_for, web_app

pytestmark = pytest.mark.usefixtures("sandbox")


def fault_points():
    found = set()
    for folder in ("src/apiserver", "src/provider", "src/operator", "src/compose"):
        for source in (ROOT / folder).rglob("*.c"):
            if not source.name.endswith("_test.c"):
                found |= set(re.findall(r'fault_point\("([^"]+)"\)', source.read_text()))
    # The other points of the store are not on the way of every write; the store's own tests kill there.
    return sorted(p for p in found if not p.startswith("store.") or p.startswith("store.commit."))


def hits(point):
    """Which hit of it kills: a few of the store's, which has hundreds, and the first ones of the others."""
    return (3, 20, 45) if point.startswith("store.") else (1, 2)


@pytest.mark.parametrize("point, hit", [(p, n) for p in fault_points() for n in hits(p)])
def test_killed_at(session_folder, repositories, point, hit):
    control_plane = ControlPlane(session_folder / f"fault-{point}-{hit}")
    repository = repositories(f"fault-{point}-{hit}", web_app())
    control_plane.launch(stop_applications=False, SCIA_FAULT=f"{point}=kill@{hit}")
    try:
        created = False

        def is_dead():
            nonlocal created
            if control_plane.process.poll() is not None:
                return True
            try:
                if not created and control_plane.is_ready():
                    control_plane.deploy("app", repository, strategy="kubernetes", scaling={"min": 2}, **WEB_SPEC)
                    created = True
                elif created:
                    go_on(control_plane)
            except (OSError, RuntimeError):
                pass  # it died meanwhile
            return False, seen_of(control_plane)
        wait_for(f"{point} is hit {hit} times", is_dead, 30)
        assert control_plane.process.returncode == -9, control_plane.log_tail()
        control_plane.start(stop_applications=False)
        if not control_plane.deployment("app"):
            assert not created, "what was acknowledged is there"
            control_plane.deploy("app", repository, strategy="kubernetes", scaling={"min": 2}, **WEB_SPEC)
        control_plane.wait_running("app")
        wait_for("two replicas, no more and no less", lambda: (
            control_plane.process_of("app")["status"]["replicasReady"] == 2 and count(control_plane) == 2,
            count(control_plane)), 20)
        assert http_get(control_plane.url("app"))[0] == 200
        control_plane.delete("app")
        assert not leftovers(control_plane, set())
    finally:
        control_plane.kill()
        control_plane.start(stop_applications=True)
        assert control_plane.stop() == 0


def seen_of(control_plane):
    try:
        return {"deployment": control_plane.deployment("app"), "log": control_plane.log_tail()}
    except (OSError, RuntimeError):
        return "no answer"


def go_on(control_plane):
    """Writes, so that every hit comes: at first only objects, then what runs changes too."""
    control_plane.api.patch("deployments", "app", {"metadata": {"annotations": {"n": str(time.time())}}})
    d = control_plane.deployment("app")
    if d.get("status", {}).get("phase") == "Running" and "env" not in d["spec"]:
        control_plane.api.patch("deployments", "app", {"spec": {"env": [{"name": "GREETING", "value": "hello"}]}})


def count(control_plane):
    return sum(c.split(" ")[0].endswith("/scia-shim") for c in processes_below(control_plane.folder).values())

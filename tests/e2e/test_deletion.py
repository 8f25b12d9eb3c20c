"""The end of a Deployment leaves nothing behind, unless it was asked to."""

import pytest

from scia_testing import WEB_SPEC, http_get, processes_below, wait_for, web_app

pytestmark = pytest.mark.usefixtures("sandbox")


def app_folders(control_plane):
    return sorted(str(p.relative_to(control_plane.data)) for p in (control_plane.data / "local/apps").glob("*/*"))


def owned_by(control_plane, name):
    return [f"{plural}/{o['metadata']['name']}"
            for plural in ("deployments", "deploymentrevisions", "infrastructures", "processes")
            for o in control_plane.api.list(plural) if o["metadata"]["name"].split("-")[0] == name]


def shims(control_plane):
    return [c for c in processes_below(control_plane.folder).values() if "scia-shim" in c.split(" ")[0]]


def test_deletion_leaves_nothing(control_plane, deployed):
    deployed("gone", strategy="kubernetes", scaling={"min": 2})
    url = control_plane.url("gone")
    assert len(shims(control_plane)) == 2
    assert app_folders(control_plane) == ["local/apps/default/gone-app"]
    said = control_plane.cli("delete", "gone").stdout
    assert "gone is deleted" in said
    wait_for("nothing of it is in the API", lambda: (not owned_by(control_plane, "gone"),
                                                     owned_by(control_plane, "gone")), 10)
    assert not shims(control_plane)
    assert not app_folders(control_plane)
    assert http_get(url)[0] == 0, "its endpoint is closed"
    assert not list((control_plane.data / "scratch").iterdir())


def test_deletion_while_it_builds(control_plane, deployed):
    deployed("building", {"Makefile": "all:\n\tsleep 60\n", "Procfile": "web: python3 -m http.server $PORT\n"},
             wait=False, overrides={"buildCommand": "sleep 60"})
    state = lambda: ((control_plane.process_of("building") or {}).get("status") or {}).get("state")
    wait_for("it builds", lambda: (state() == "Building", state()), 20)
    control_plane.delete("building", timeout=20)
    wait_for("its folder is gone", lambda: (not app_folders(control_plane), app_folders(control_plane)), 10)
    wait_for("its build is gone", lambda: not any("sleep 60" in c for c in processes_below(control_plane.folder).values()),
             10)


def test_deletion_of_what_never_ran(control_plane, deployed):
    deployed("never", {"README.md": "nothing that could run\n"}, wait=False)
    control_plane.wait_phase("never", "Failed")
    control_plane.delete("never", timeout=15)
    wait_for("nothing of it is left", lambda: (not owned_by(control_plane, "never"),
                                               owned_by(control_plane, "never")), 10)


def test_orphaned_application_goes_on(control_plane, repositories):
    control_plane.deploy("orphan", repositories("orphan", web_app()), deletionPolicy="Orphan", **WEB_SPEC)
    control_plane.wait_running("orphan")
    url, answer = control_plane.url("orphan"), http_get(control_plane.url("orphan"))
    control_plane.delete("orphan")
    wait_for("nothing of it is in the API", lambda: (not owned_by(control_plane, "orphan"),
                                                     owned_by(control_plane, "orphan")), 10)
    assert http_get(url) == answer, "it goes on"
    assert len(shims(control_plane)) == 1
    # A Deployment of that name takes it over.
    control_plane.deploy("orphan", repositories("orphan", web_app()), **WEB_SPEC)
    control_plane.wait_running("orphan")
    control_plane.delete("orphan")
    wait_for("now it is gone", lambda: (not shims(control_plane), shims(control_plane)), 10)
    wait_for("and its folder", lambda: (not app_folders(control_plane), app_folders(control_plane)), 10)


def test_deleting_a_namespace_deletes_what_runs_in_it(control_plane, repositories):
    control_plane.kubectl("create", "namespace", "team-a")
    control_plane.kubectl("label", "namespace", "team-a", "scia.io/tenant=true")
    wait_for("its CloudProvider", lambda: control_plane.api.get("cloudproviders", "local", "team-a"), 10)
    control_plane.deploy("app", repositories("in-team-a", web_app()), ns="team-a", **WEB_SPEC)
    control_plane.wait_running("app", ns="team-a")
    assert control_plane.cli("get", "-A").stdout.splitlines()[1].split()[:2] == ["team-a", "app"]
    control_plane.kubectl("delete", "namespace", "team-a", "--timeout=60s")
    wait_for("it does not run any more", lambda: (not shims(control_plane), shims(control_plane)), 10)
    assert not app_folders(control_plane)

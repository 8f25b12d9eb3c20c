"""The control plane may stop, or be killed, at any time: applications go on, and are found again."""

import os
import shutil
import signal
import time

import pytest

from scia_testing import ControlPlane, http_get, processes_below, wait_for, web_app, WEB_SPEC

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def own(session_folder, request):
    """A control plane of the test's own, for it to stop and start."""
    control_plane = ControlPlane(session_folder / request.node.name)
    yield control_plane
    control_plane.kill()
    control_plane.start(stop_applications=True)
    assert control_plane.stop() == 0
    wait_for("its applications are stopped", lambda: (not processes_below(control_plane.folder),
                                                      processes_below(control_plane.folder)), 10)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_applications_outlive_the_control_plane(own, repositories, how):
    own.start(stop_applications=False)
    repository = repositories(f"app-{how}", web_app())
    own.deploy("app", repository, strategy="kubernetes", scaling={"min": 2}, **WEB_SPEC)
    own.deploy("single", repository, **WEB_SPEC)
    own.wait_running("app")
    own.wait_running("single")
    url, single = own.url("app"), own.url("single")
    tokens = {http_get(url)[1] for _ in range(20)}
    pids = sorted(own.shim_pids("app") + own.shim_pids("single"))
    port = own.api.port
    if how == "stop":
        assert own.stop() == 0
    else:
        own.kill()
    assert all(pid in processes_below(own.folder) for pid in pids), "applications go on"
    own.start(stop_applications=False)
    assert own.api.port == port, "the API is where it was"
    own.wait_running("app")
    own.wait_running("single")
    wait_for("the endpoint answers again", lambda: http_get(url)[0] == 200, 10)
    assert own.url("app") == url and own.url("single") == single
    # A while, in which a control plane that did not recognise them would start others.
    time.sleep(2)
    assert sorted(own.shim_pids("app") + own.shim_pids("single")) == pids, "the same processes"
    assert {http_get(url)[1] for _ in range(20)} == tokens, "none was restarted"
    assert own.process_of("app")["status"]["restarts"] == 0
    shims = [c for c in processes_below(own.folder).values() if "scia-shim " in c.split(" --")[0]]
    assert len(shims) == 3, shims
    assert own.deployment("app")["status"]["currentRevision"] == 1


def test_what_changed_while_it_was_down_is_caught_up(own, repositories):
    own.start(stop_applications=False)
    repository = repositories("moved-on", web_app())
    own.deploy("app", repository, **WEB_SPEC)
    own.wait_running("app")
    pid = own.shim_pids("app")[0]
    own.kill()
    os.kill(pid, signal.SIGKILL)
    repository.commit(web_app("2"))
    own.start(stop_applications=False)
    own.wait_running("app", revision=2)
    assert wait_for("it answers", lambda: (lambda a: a[0] == 200 and a[1])(http_get(own.url("app"))), 15)[0] == "2"


def test_stop_applications_stops_them_and_a_start_brings_them_back(own, repositories):
    own.start(stop_applications=True)
    own.deploy("app", repositories("brought-back", web_app()), **WEB_SPEC)
    own.wait_running("app")
    url = own.url("app")
    assert own.stop() == 0
    assert not processes_below(own.folder)
    assert http_get(url)[0] == 0
    own.start(stop_applications=True)
    own.wait_running("app")
    wait_for("it answers again", lambda: http_get(own.url("app"))[0] == 200, 15)


def test_second_control_plane_on_the_same_data_is_refused(own):
    own.start()
    second = ControlPlane(own.folder)
    second.log_path = own.folder / "second.log"
    with pytest.raises(RuntimeError) as refused:
        second.start()
    assert second.process.returncode == 1
    assert str(own.data) in str(refused.value)
    assert own.api.list("deployments") == []


def test_backup_of_the_store_is_enough(own, repositories):
    own.start(stop_applications=True)
    own.deploy("app", repositories("backed-up", web_app()), **WEB_SPEC)
    own.wait_running("app")
    uid = own.deployment("app")["metadata"]["uid"]
    assert own.stop() == 0
    copy = own.folder / "copy"
    copy.mkdir(mode=0o700)
    for name in ("store.db", "store.db-wal", "kubeconfig", "port"):
        if (own.data / name).exists():
            shutil.copy2(own.data / name, copy)
    shutil.copytree(own.data / "pki", copy / "pki")
    own.data = copy
    own.start(stop_applications=True)
    assert own.deployment("app")["metadata"]["uid"] == uid
    own.wait_running("app", revision=1)
    wait_for("it answers", lambda: http_get(own.url("app"))[0] == 200, 15)

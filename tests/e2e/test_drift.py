"""What somebody breaks comes back, and the Deployment's events say so."""

import os
import re
import signal

import pytest

from scia_testing import application_pids, http_get, wait_for

pytestmark = pytest.mark.usefixtures("sandbox")


def wait_drift_events(control_plane, name, mentions):
    """Both events on the Deployment, of which the first says what it was."""
    def check():
        detected = [e["message"] for e in control_plane.api.events(name, "DriftDetected")]
        healed = [e["message"] for e in control_plane.api.events(name, "DriftHealed")]
        return bool(healed and any(mentions in m for m in detected)), {"detected": detected, "healed": healed}
    wait_for(f"DriftDetected (with \"{mentions}\") and DriftHealed on Deployment {name}", check, 15)


def wait_answer(control_plane, name, accept=lambda body: True, timeout=20):
    url = control_plane.url(name)

    def check():
        status, body = http_get(url)
        return status == 200 and accept(body), (status, body)
    return wait_for(f"{url} answers", check, timeout)[1]


def test_killed_process_comes_back(control_plane, deployed):
    deployed("killed")
    before = wait_answer(control_plane, "killed")
    shim = control_plane.shim_pids("killed")[0]
    victims = application_pids(shim)
    assert victims, "the application runs below its shim"
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    after = wait_answer(control_plane, "killed", lambda body: body != before)
    assert after.split()[0] == "1"
    wait_drift_events(control_plane, "killed", "signal 9")
    d = control_plane.wait_running("killed")
    assert d["status"]["currentRevision"] == 1
    restarts = lambda: control_plane.process_of("killed")["status"]["restarts"]
    wait_for("the restart is counted", lambda: (restarts() == 1, restarts()), 5)


def test_killed_shim_comes_back(control_plane, deployed):
    """Not the application but the program that watches over it: the application may not run twice."""
    deployed("shimless")
    before = wait_answer(control_plane, "shimless")
    shim = control_plane.shim_pids("shimless")[0]
    below = application_pids(shim)
    os.kill(shim, signal.SIGKILL)
    wait_answer(control_plane, "shimless", lambda body: body != before)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in below), "the old one is gone"


def test_edited_process_is_put_back(control_plane, deployed):
    deployed("edited")
    name = control_plane.process_of("edited")["metadata"]["name"]
    control_plane.kubectl("patch", "processes.local.scia.io", name, "--type=merge", "-p",
                          '{"spec":{"forProvider":{"replicas":7,"startCommand":"sleep 1000"}}}')
    spec = lambda: control_plane.process_of("edited")["spec"]["forProvider"]
    wait_for("the spec is as it was declared",
             lambda: ("app.py" in spec()["startCommand"] and spec()["replicas"] != 7, spec()), 15)
    wait_drift_events(control_plane, "edited", "replicas")
    messages = " ".join(e["message"] for e in control_plane.api.events("edited", "DriftDetected"))
    assert "kubectl" in messages, f"who changed it is named: {messages}"
    control_plane.wait_running("edited")
    wait_answer(control_plane, "edited")


def test_deleted_process_comes_back(control_plane, deployed):
    deployed("unprocessed")
    process = control_plane.process_of("unprocessed")["metadata"]
    control_plane.api.delete("processes", process["name"])
    uid = lambda: (control_plane.process_of("unprocessed") or {}).get("metadata", {}).get("uid")
    wait_for("a new Process", lambda: uid() not in (None, process["uid"]), 30)
    control_plane.wait_running("unprocessed")
    wait_answer(control_plane, "unprocessed")
    wait_drift_events(control_plane, "unprocessed", "deleted")
    bad = [e["message"] for e in control_plane.api.events("unprocessed", "HealthCheckFailed")]
    assert not bad, "what is on its way is not unhealthy"


def test_deleted_infrastructure_comes_back(control_plane, deployed):
    deployed("uninfra")
    url = control_plane.url("uninfra")
    uid = control_plane.api.get("infrastructures", "uninfra")["metadata"]["uid"]
    control_plane.kubectl("delete", "infrastructures.scia.io", "uninfra", "--wait=false")
    now = lambda: (control_plane.api.get("infrastructures", "uninfra") or {}).get("metadata", {}).get("uid")
    wait_for("a new Infrastructure", lambda: now() not in (None, uid), 30)
    control_plane.wait_running("uninfra")
    wait_answer(control_plane, "uninfra")
    wait_drift_events(control_plane, "uninfra", "deleted")
    assert url.startswith("http://127.0.0.1:")


def test_edited_infrastructure_is_put_back(control_plane, deployed):
    deployed("editedinfra")
    control_plane.api.patch("infrastructures", "editedinfra", {"spec": {"parameters": {"startCommand": "false"}}})
    command = lambda: control_plane.api.get("infrastructures", "editedinfra")["spec"]["parameters"]["startCommand"]
    wait_for("the parameter is as it was decided", lambda: ("app.py" in command(), command()), 15)
    wait_drift_events(control_plane, "editedinfra", "startCommand")
    control_plane.wait_running("editedinfra")


def test_deleted_local_cloud_provider_comes_back(control_plane):
    uid = control_plane.api.get("cloudproviders", "local")["metadata"]["uid"]
    control_plane.api.delete("cloudproviders", "local")
    now = lambda: (control_plane.api.get("cloudproviders", "local") or {}).get("metadata", {}).get("uid")
    wait_for("a new CloudProvider local", lambda: now() not in (None, uid), 10)


def test_drift_is_counted(control_plane, deployed):
    def counted(kind):
        text = control_plane.kubectl("get", "--raw", "/metrics").stdout
        found = re.search(rf'^scia_drift_total{{kind="{kind}"}} (\d+)', text, re.MULTILINE)
        return int(found.group(1)) if found else 0
    deployed("counted")
    before = {kind: counted(kind) for kind in ("Program", "Process", "Infrastructure")}
    os.kill(application_pids(control_plane.shim_pids("counted")[0])[0], signal.SIGKILL)
    control_plane.api.patch("infrastructures", "counted", {"spec": {"parameters": {"replicas": 9}}})
    process = control_plane.process_of("counted")["metadata"]["name"]
    wait_for("the program and the Infrastructure are counted", lambda: (
        counted("Program") == before["Program"] + 1 and counted("Infrastructure") == before["Infrastructure"] + 1,
        (before, counted("Program"), counted("Infrastructure"))), 15)
    control_plane.wait_running("counted")
    control_plane.api.delete("processes", process)
    wait_for("the Process is counted", lambda: (counted("Process") > before["Process"], counted("Process")), 20)
    control_plane.wait_running("counted")

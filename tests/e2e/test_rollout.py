"""New commits, bad commits, rollbacks, approvals, pauses."""

import http.client
import subprocess
import threading
import time
import urllib.parse

import pytest

from scia_testing import http_get, kubectl_program, wait_for, web_app

pytestmark = pytest.mark.usefixtures("sandbox")
CONTROL_PLANE_OPTIONS = ("--poll", "1s")


class Load:
    """Requests one after the other, on kept and on fresh connections, until it is told to stop."""

    def __init__(self, url, threads=3):
        self.url = urllib.parse.urlsplit(url)
        self.versions, self.failures, self.count = set(), [], 0
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n % 2 == 0,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(15)

    def _run(self, keep):
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=10)
                connection.request("GET", "/")
                response = connection.getresponse()
                body = response.read().decode()
                failure = None if response.status == 200 else f"{response.status} {body}"
            except (OSError, http.client.HTTPException) as error:
                failure, body = repr(error), ""
            with self.lock:
                self.count += 1
                if failure:
                    self.failures.append((round(time.monotonic(), 2), failure))
                elif body:
                    self.versions.add(body.split()[0])
            if failure or not keep:
                connection.close()
                connection = None
            time.sleep(0.002)


class PhaseWatch:
    """Every phase a Deployment was ever in, by `kubectl get --watch`."""

    def __init__(self, control_plane, name):
        self.program = subprocess.Popen(
            [str(kubectl_program("current")), "get", "sd", name, "-w", "-o", "jsonpath={.status.phase}{\"\\n\"}"],
            env=control_plane.environment(), stdout=subprocess.PIPE, text=True)
        assert self.program.stdout.readline().strip() == "Running"

    def stop(self):
        self.program.terminate()
        return {"Running"} | set(self.program.communicate()[0].split())


def version_of(control_plane, name):
    status, body = http_get(control_plane.url(name))
    return body.split()[0] if status == 200 else f"({status}) {body}"


def wait_version(control_plane, name, version, timeout=40):
    wait_for(f"{name} answers as version {version}",
             lambda: (version_of(control_plane, name) == version, version_of(control_plane, name)), timeout)


def history(d):
    return {entry["revision"]: entry["outcome"] for entry in d["status"]["history"]}


def test_new_commit_rolls_out_without_a_failed_request(control_plane, deployed):
    repository = deployed("rolling", strategy="kubernetes", scaling={"min": 2})
    phases = PhaseWatch(control_plane, "rolling")
    assert control_plane.process_of("rolling")["status"]["replicasReady"] == 2
    with Load(control_plane.url("rolling")) as load:
        for version in ("2", "3"):
            commit = repository.commit(web_app(version))
            d = control_plane.wait_running("rolling", revision=int(version), timeout=60)
            assert d["status"]["commit"] == commit
            wait_version(control_plane, "rolling", version)
        time.sleep(0.3)
    assert load.failures == [], f"{len(load.failures)} of {load.count} requests failed: {load.failures[:5]}"
    assert load.versions == {"1", "2", "3"}
    assert load.count > 100
    assert history(d) == {1: "Superseded", 2: "Superseded", 3: "Success"}
    assert phases.stop() <= {"Running", "Analyzing", "Deciding", "Provisioning"}, "a rollout is no trouble"
    process = control_plane.process_of("rolling")
    assert process["status"]["revision"] == 3
    wait_for("two replicas of the new version, and nothing of the old", lambda: (
        [p["revision"] for p in control_plane.process_of("rolling")["status"]["processes"]] == [3, 3],
        control_plane.process_of("rolling")["status"]), 60)


@pytest.mark.parametrize("how, files, said", [
    ("unhealthy", web_app("2", health=500), "GET /healthz answered 500"),
    ("crashing", {"app.py": "import sys\nprint('cannot find the flux capacitor')\nsys.exit(3)\n"}, "exited with 3"),
])
def test_bad_commit_leaves_the_old_revision_serving_and_a_good_one_heals(control_plane, deployed, how, files, said):
    name = f"bad-{how}"
    repository = deployed(name, strategy="kubernetes", scaling={"min": 2})
    with Load(control_plane.url(name)) as load:
        repository.commit(files)
        d = control_plane.wait_phase(name, "Degraded", timeout=60)
        wait_for("it settles", lambda: history(control_plane.deployment(name)) == {1: "Success", 2: "Failed"} and
                 control_plane.deployment(name)["status"]["phase"] == "Degraded", 20)
        d = control_plane.wait_phase(name, "Degraded")
        assert said in d["status"]["rootCause"]["message"]
        assert d["status"]["currentRevision"] == 1
        ready = next(c for c in d["status"]["conditions"] if c["type"] == "Ready")
        assert ready["status"] == "False" and "revision 1 serves" in ready["message"]
        control_plane.api.wait_event(name, "RolledBack")
        wait_version(control_plane, name, "1")
        repository.commit(web_app("3"))
        d = control_plane.wait_running(name, revision=3, timeout=60)
        wait_version(control_plane, name, "3")
    assert load.failures == [], f"{len(load.failures)} of {load.count} requests failed: {load.failures[:5]}"
    assert load.versions == {"1", "3"}
    assert history(d) == {1: "Superseded", 2: "Failed", 3: "Success"}
    assert "rootCause" not in d["status"]


def test_rollback_pins_until_the_spec_changes(control_plane, deployed):
    repository = deployed("pinned")
    repository.commit(web_app("2"))
    control_plane.wait_running("pinned", revision=2)
    wait_version(control_plane, "pinned", "2")
    said = control_plane.cli("rollback", "pinned").stdout
    assert "revision 1" in said
    control_plane.wait_running("pinned", revision=1)
    wait_version(control_plane, "pinned", "1")
    repository.commit(web_app("3"))
    time.sleep(3)
    assert version_of(control_plane, "pinned") == "1", "a pin holds against new commits"
    assert control_plane.deployment("pinned")["status"]["currentRevision"] == 1
    control_plane.api.patch("deployments", "pinned", {"spec": {"env": [{"name": "GREETING", "value": "hello"}]}})
    d = control_plane.wait_running("pinned", revision=3)
    wait_version(control_plane, "pinned", "3")
    assert "rollbackTo" not in d["spec"], "the pin is released"
    assert "hello" in http_get(control_plane.url("pinned"))[1]


def test_rollback_to_a_revision_and_release(control_plane, deployed):
    repository = deployed("released")
    repository.commit(web_app("2"))
    control_plane.wait_running("released", revision=2)
    control_plane.cli("rollback", "released", "--to-revision", "1")
    control_plane.wait_running("released", revision=1)
    control_plane.cli("rollback", "released", "--release")
    control_plane.wait_running("released", revision=2)
    wait_version(control_plane, "released", "2")
    missing = control_plane.cli("rollback", "released", "--to-revision", "99", check=False)
    assert missing.returncode == 3, missing.stderr


def test_manual_approval_waits_for_each_plan(control_plane, deployed):
    repository = deployed("approved", wait=False, approval="Manual")
    d = control_plane.wait_phase("approved", "AwaitingApproval")
    assert control_plane.api.get("infrastructures", "approved") is None, "nothing is made before"
    assert d["status"]["plan"]["changes"] == [{"action": "create", "resource": "Infrastructure/approved"}]
    control_plane.api.wait_event("approved", "PlanReady")
    control_plane.api.patch("deployments", "approved",
                            {"metadata": {"annotations": {"scia.io/approved-plan": "0" * 16}}})
    time.sleep(1)
    assert control_plane.deployment("approved")["status"]["phase"] == "AwaitingApproval", "that was another plan"
    control_plane.cli("approve", "approved")
    control_plane.wait_running("approved", revision=1)
    control_plane.api.wait_event("approved", "PlanApproved")
    repository.commit(web_app("2"))
    d = control_plane.wait_phase("approved", "AwaitingApproval")
    assert version_of(control_plane, "approved") == "1", "what was approved goes on"
    control_plane.cli("approve", "approved")
    control_plane.wait_running("approved", revision=2)
    wait_version(control_plane, "approved", "2")


def test_paused_deployment_is_left_alone(control_plane, deployed):
    repository = deployed("paused")
    control_plane.cli("pause", "paused")
    before = control_plane.deployment("paused")["metadata"]["resourceVersion"]
    repository.commit(web_app("2"))
    time.sleep(3)
    d = control_plane.deployment("paused")
    assert d["metadata"]["resourceVersion"] == before
    assert version_of(control_plane, "paused") == "1"
    control_plane.cli("resume", "paused")
    control_plane.wait_running("paused", revision=2)


def test_spec_change_makes_a_new_revision(control_plane, deployed):
    deployed("changed")
    control_plane.api.patch("deployments", "changed", {"spec": {"env": [{"name": "GREETING", "value": "salut"}]}})
    control_plane.wait_running("changed", revision=2)
    wait_for("the new environment answers", lambda: "salut" in http_get(control_plane.url("changed"))[1], 10)


def test_old_revisions_are_pruned(control_plane, deployed):
    repository = deployed("pruned", revisionHistoryLimit=2)
    for version in (2, 3, 4):
        repository.commit(web_app(str(version)))
        d = control_plane.wait_running("pruned", revision=version)
    numbers = lambda: sorted(r["spec"]["revision"] for r in control_plane.api.list("deploymentrevisions")
                             if r["spec"]["deployment"] == "pruned")
    wait_for("two revisions are kept", lambda: (numbers() == [3, 4], numbers()), 10)
    wait_for("the history tells of those", lambda: (sorted(history(control_plane.deployment("pruned"))) == [3, 4],
                                                    history(control_plane.deployment("pruned"))), 10)

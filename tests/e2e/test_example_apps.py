"""Every example deploys as its deployment.yaml says."""

import json
import shutil
import subprocess
import time

import pytest

from scia_testing import ROOT, example_manifest, http_get, wait_for

pytestmark = pytest.mark.usefixtures("sandbox")


def apply(control_plane, repositories, name):
    repository = repositories.example(name)
    control_plane.kubectl("apply", "-f", "-", text=example_manifest(name, repository))
    return repository


def answer(control_plane, name):
    status, body = http_get(control_plane.url(name))
    assert status == 200, body
    return body


def test_static_site_runs_in_a_few_seconds(control_plane, repositories):
    started = time.monotonic()
    apply(control_plane, repositories, "static-site")
    d = control_plane.wait_running("site", timeout=10)
    assert time.monotonic() - started < 10
    assert d["status"]["deployment"]["strategy"] == "vm"
    assert d["status"]["analysis"]["framework"] == "static"
    url = control_plane.url("site")
    index = (ROOT / "examples/static-site/index.html").read_text()
    assert http_get(url) == (200, index)
    assert http_get(url + "style.css")[0] == 200
    assert http_get(url + "missing")[0] == 404
    assert http_get(url + ".git/config")[0] == 404, "hidden files are nobody's business"
    control_plane.delete("site")


def npm_problem():
    if not shutil.which("npm"):
        return "npm is not installed"
    try:
        result = subprocess.run(["npm", "ping", "--fetch-retries=0", "--fetch-timeout=10000"], capture_output=True,
                                text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "the npm registry does not answer"
    return None if result.returncode == 0 else f"the npm registry does not answer: {result.stderr[-200:]}"


@pytest.mark.npm
def test_express_runs_two_replicas_with_npm_dependencies(control_plane, repositories):
    problem = npm_problem()
    if problem:
        pytest.skip(problem)
    apply(control_plane, repositories, "express")
    d = control_plane.wait_running("hello-express", timeout=120)
    assert d["status"]["analysis"]["framework"] == "express"
    assert d["status"]["analysis"]["packageManager"] == "npm"
    assert d["status"]["deployment"]["strategy"] == "kubernetes"
    process = control_plane.process_of("hello-express")
    assert process["status"]["replicasReady"] == 2
    assert json.loads(answer(control_plane, "hello-express"))["message"] == "Good day from Express"
    assert http_get(control_plane.url("hello-express") + "healthz") == (200, "ok")
    log = control_plane.cli("logs", "hello-express", "--build").stdout
    assert "npm ci" in log or "npm install" in log
    control_plane.delete("hello-express")


def test_flask_runs_three_replicas_with_a_secret(control_plane, repositories):
    if subprocess.run(["/usr/bin/python3", "-c", "import flask, venv"], capture_output=True).returncode != 0:
        pytest.skip("Debian's python3-flask or python3-venv is not installed")
    apply(control_plane, repositories, "flask")
    d = control_plane.wait_running("hello-flask", timeout=120)
    assert d["status"]["analysis"]["framework"] == "flask"
    assert control_plane.process_of("hello-flask")["status"]["replicasReady"] == 3
    body = json.loads(answer(control_plane, "hello-flask"))
    assert body["message"] == "Hello from Flask"
    assert body["secret_is_set"] is True
    everything = json.dumps(d) + json.dumps(control_plane.process_of("hello-flask")) + control_plane.log_tail(10000)
    assert "not-a-real-one" not in everything, "the secret's value stays in the Secret"
    control_plane.delete("hello-flask")


def test_c_server_is_started_by_its_first_request_and_stopped_when_idle(control_plane, repositories):
    repository = repositories.example("c-server")
    manifest = example_manifest("c-server", repository)
    control_plane.kubectl("apply", "-f", "-", text=manifest)
    d = control_plane.wait_running("c-server", timeout=60)
    assert d["status"]["deployment"]["strategy"] == "serverless"
    # The time it may idle is part of the decision; a managed resource's own field shortens it for this test, on an
    # Infrastructure that is held still meanwhile.
    for plural, name in (("deployments", "c-server"), ("infrastructures", "c-server")):
        control_plane.api.patch(plural, name, {"metadata": {"annotations": {"scia.io/paused": "true"}}})
    process = control_plane.process_of("c-server")["metadata"]["name"]
    control_plane.api.patch("processes", process, {"spec": {"forProvider": {"idleSeconds": 1}}})
    state = lambda: control_plane.process_of("c-server")["status"]
    idle = wait_for("it is stopped when idle", lambda: (state()["state"] == "Idle" and not state()["processes"], state()),
                    20)
    assert idle["replicasReady"] == 0
    started = time.monotonic()
    assert http_get(control_plane.url("c-server"), timeout=30) == (200, "Hello from C\n"), "a request starts it"
    assert time.monotonic() - started < 10
    assert state()["processes"]
    wait_for("it is stopped again, well before its next health check", lambda: (
        state()["state"] == "Idle" and not state()["processes"], state()), 6)
    for plural, name in (("infrastructures", "c-server"), ("deployments", "c-server")):
        control_plane.api.patch(plural, name, {"metadata": {"annotations": {"scia.io/paused": None}}})
    control_plane.delete("c-server")


def test_broken_fails_and_names_the_health_check(control_plane, repositories):
    apply(control_plane, repositories, "broken")
    d = control_plane.wait_phase("broken", "Failed", timeout=60)
    cause = d["status"]["rootCause"]
    assert cause["reason"] == "HealthCheckFailed"
    assert cause["resource"] == "Process/broken-app"
    assert "GET /healthz answered 500" in cause["message"]
    ready = next(c for c in d["status"]["conditions"] if c["type"] == "Ready")
    assert ready["status"] == "False" and "GET /healthz answered 500" in ready["message"]
    wait_for("an event says so", lambda: control_plane.api.events("broken", "HealthCheckFailed"), 40)
    log = control_plane.cli("logs", "broken").stdout
    log += control_plane.cli("logs", "broken", "--previous").stdout
    assert "cannot reach the database" in log
    waited = control_plane.cli("deploy", "-f", "-", "--wait", check=False, text=example_manifest(
        "broken", d["spec"]["repository"]["url"]))
    assert waited.returncode == 5
    assert "GET /healthz answered 500" in waited.stderr
    control_plane.delete("broken")


def test_two_services_run_from_their_folders(control_plane, repositories):
    apply(control_plane, repositories, "two-services")
    control_plane.wait_running("web", timeout=60)
    control_plane.wait_running("api", timeout=60)
    assert "<html" in answer(control_plane, "web").lower()
    assert answer(control_plane, "api")
    assert control_plane.url("web") != control_plane.url("api")
    control_plane.delete("web")
    control_plane.delete("api")

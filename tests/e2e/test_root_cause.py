"""status.rootCause names the failing part and says the cause in one sentence."""

import pytest

from scia_testing import http_get, wait_for

pytestmark = pytest.mark.usefixtures("sandbox")


def cause_of(control_plane, name, timeout=60):
    d = control_plane.wait_phase(name, "Failed", timeout=timeout, where=lambda d: "rootCause" in d["status"])
    cause = d["status"]["rootCause"]
    assert set(cause) == {"resource", "reason", "message", "since"}
    assert "\n" not in cause["message"], "one sentence"
    return cause


def test_repository_that_is_not_there(control_plane):
    control_plane.deploy("nowhere", "/nonexistent/repository")
    cause = cause_of(control_plane, "nowhere")
    assert cause["resource"] == "Deployment"
    assert "/nonexistent/repository" in cause["message"]
    analyzed = next(c for c in control_plane.deployment("nowhere")["status"]["conditions"] if c["type"] == "Analyzed")
    assert analyzed["status"] == "False" and analyzed["message"] == cause["message"]
    control_plane.api.wait_event("nowhere", "AnalysisFailed")
    control_plane.delete("nowhere")


def test_branch_that_is_not_there(control_plane, repositories):
    repository = repositories("branch", {"index.html": "x"})
    control_plane.api.create("deployments", {
        "apiVersion": "scia.io/v1alpha1", "kind": "Deployment", "metadata": {"name": "branch"},
        "spec": {"repository": {"url": str(repository), "ref": "feature/none"}}})
    assert "feature/none" in cause_of(control_plane, "branch")["message"]
    control_plane.api.patch("deployments", "branch", {"spec": {"repository": {"ref": "main"}}})
    control_plane.wait_running("branch")
    assert "rootCause" not in control_plane.deployment("branch")["status"]
    control_plane.delete("branch")


def test_repository_with_nothing_to_run(control_plane, deployed):
    deployed("nothing", {"README.md": "words\n"}, wait=False)
    assert "spec.overrides.startCommand" in cause_of(control_plane, "nothing")["message"]


def test_failing_build_names_the_line(control_plane, deployed):
    deployed("unbuildable", {
        "Makefile": "server: server.c\n\t$(CC) -o $@ $<\n",
        "server.c": "int main(void)\n{\n\treturn undeclared_thing;\n}\n"}, wait=False)
    cause = cause_of(control_plane, "unbuildable")
    assert cause["resource"] == "Process/unbuildable-app"
    assert cause["reason"] == "BuildFailed"
    assert "undeclared_thing" in cause["message"]
    assert "of the build log" in cause["message"]
    log = control_plane.cli("logs", "unbuildable", "--build").stdout
    line = int(cause["message"].rsplit("(line ", 1)[1].split(" ")[0])
    assert "undeclared_thing" in log.splitlines()[line - 1], "the line it names is the one it quotes"


def test_failing_install(control_plane, deployed):
    deployed("uninstallable", wait=False, overrides={"installCommand": "echo fetching; echo 'ERROR: no such package'; exit 9"})
    cause = cause_of(control_plane, "uninstallable")
    assert cause["reason"] == "InstallFailed"
    assert "exited with 9" in cause["message"] and "no such package" in cause["message"]


def test_program_that_exits(control_plane, deployed):
    deployed("exiting", {"app.py": "import sys\nprint('fatal: no database configured')\nsys.exit(1)\n",
                         "Procfile": "web: python3 app.py\n"}, wait=False)
    cause = cause_of(control_plane, "exiting")
    assert cause["reason"] == "Exited"
    assert "exited with 1" in cause["message"]
    assert "no database configured" in cause["message"], "its last words"
    status = control_plane.process_of("exiting")["status"]
    assert status["lastExit"]["code"] == 1
    assert "no database configured" in status["lastExit"]["log"]


def test_start_command_that_is_not_there(control_plane, deployed):
    deployed("missing", wait=False, overrides={"startCommand": "no-such-program --serve"})
    assert "no-such-program" in cause_of(control_plane, "missing")["message"]


def test_port_that_never_opens(control_plane, deployed):
    deployed("deaf", {"app.py": "import time\nprint('up')\ntime.sleep(1000)\n", "Procfile": "web: python3 app.py\n"},
             wait=False)
    cause = cause_of(control_plane, "deaf", timeout=100)
    assert cause["reason"] == "PortNeverOpened"
    assert "PORT=" in cause["message"]


def test_secret_that_is_missing_and_then_comes(control_plane, deployed):
    deployed("secretless", wait=False, env=[
        {"name": "GREETING", "valueFrom": {"secretKeyRef": {"name": "greeting", "key": "text"}}}])
    cause = wait_for("the cause names the Secret", lambda: (lambda c: c if "greeting" in c.get("message", "") else None)(
        control_plane.deployment("secretless").get("status", {}).get("rootCause", {})), 20)
    assert "not found" in cause["message"]
    control_plane.api.create("secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "greeting"},
                                         "stringData": {"text": "bonjour"}})
    control_plane.wait_running("secretless", timeout=60)
    assert "bonjour" in http_get(control_plane.url("secretless"))[1]


def test_cloud_provider_that_is_not_there(control_plane, deployed):
    deployed("cloudless", wait=False, cloudProvider="aws-production")
    assert 'no CloudProvider "aws-production"' in cause_of(control_plane, "cloudless")["message"]
    control_plane.api.create("cloudproviders", {
        "apiVersion": "scia.io/v1alpha1", "kind": "CloudProvider", "metadata": {"name": "aws-production"},
        "spec": {"type": "none"}})
    control_plane.wait_running("cloudless")


def test_cause_is_gone_when_it_is_mended(control_plane, deployed):
    deployed("mended", wait=False, overrides={"startCommand": "exit 7"})
    assert "exited with 7" in cause_of(control_plane, "mended")["message"]
    control_plane.api.patch("deployments", "mended", {"spec": {"overrides": {"startCommand": "python3 app.py"}}})
    d = control_plane.wait_running("mended")
    assert "rootCause" not in d["status"]

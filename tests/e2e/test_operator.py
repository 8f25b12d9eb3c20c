"""The operator alone, as in a cluster: an API server it knows only by a kubeconfig, with SCIA's CRDs applied by kubectl.

Two of them elect a leader; the other takes over when it is gone, and finds what the first one left.
"""

import os
import signal
import subprocess

import pytest

from scia_testing import BUILD, ROOT, SCIA, Api, kubectl_program, run, wait_for, web_app

DEPLOYMENT = {"apiVersion": "scia.io/v1alpha1", "kind": "Deployment"}


class Started:
    """A program whose output goes into a file."""

    def __init__(self, log, *command):
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True)

    def says(self, text):
        said = self.log.read_text(errors="replace")
        return text in said, said[-1500:]

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def cluster(session_folder):
    """An API server with nothing of SCIA's in it but the CRDs."""
    folder = session_folder / "cluster"
    folder.mkdir()
    server = Started(folder / "api.log", BUILD / "tests/scia-apiserver", "--data", folder / "api")
    kubeconfig = folder / "api/kubeconfig"
    try:
        wait_for("the API server says where its kubeconfig is", lambda: server.says("kubeconfig"))
        environment = os.environ | {"KUBECONFIG": str(kubeconfig), "HOME": str(folder)}
        run([str(kubectl_program("current")), "apply", "-f", str(ROOT / "api/crds")], environment)
        yield kubeconfig
    finally:
        server.end()


@pytest.fixture
def operators(cluster, session_folder):
    """Starts operators that share a data folder, as pods of one machine would; ends them all."""
    started = []

    def start(name):
        operator = Started(session_folder / f"{name}.log", SCIA, "operator", "--kubeconfig", cluster, "--data", session_folder / "operator",
                           "--allow-local-repositories", "--local", "--log-format", "human")
        started.append(operator)
        return operator

    yield start
    for operator in started:
        operator.end()


def is_running(api, name):
    deployment = api.get("deployments", name)
    return deployment and deployment.get("status", {}).get("phase") == "Running", deployment and deployment.get("status")


def test_operator_alone_deploys_and_deletes(cluster, operators, repositories):
    operator = operators("alone")
    wait_for("the operator works", lambda: operator.says("the operator works"))
    api = Api(cluster)
    spec = {"repository": {"url": str(repositories("operator-app", web_app()))}, "strategy": "vm"}
    api.create("deployments", DEPLOYMENT | {"metadata": {"name": "alone"}, "spec": spec})
    wait_for("it runs", lambda: is_running(api, "alone"), 60)
    api.delete("deployments", "alone")
    wait_for("it is gone", lambda: (api.get("deployments", "alone") is None, api.get("deployments", "alone")), 40)
    assert api.list("processes") == []
    assert operator.end() == 0, "an end that was asked for is no failure"


def test_operator_takes_over_from_one_that_was_killed(cluster, operators, repositories):
    first = operators("first")
    wait_for("the first operator works", lambda: first.says("the operator works"), 40)
    second = operators("second")
    api = Api(cluster)
    spec = {"repository": {"url": str(repositories("handed-over", web_app()))}, "strategy": "vm"}
    api.create("deployments", DEPLOYMENT | {"metadata": {"name": "handed-over"}, "spec": spec})
    wait_for("it runs", lambda: is_running(api, "handed-over"), 60)
    pids = [p["pid"] for p in api.get("processes", "handed-over-app")["status"]["processes"]]
    assert not second.says("the operator works")[0], "two must not work at a time"
    first.end(signal.SIGKILL)
    wait_for("the second operator leads", lambda: second.says("the operator works"), 60)
    wait_for("what ran is found again, not started again", lambda: (
        [p["pid"] for p in api.get("processes", "handed-over-app")["status"]["processes"]] == pids, pids))
    api.delete("deployments", "handed-over")
    wait_for("it is gone", lambda: (api.get("deployments", "handed-over") is None, api.get("deployments", "handed-over")), 40)

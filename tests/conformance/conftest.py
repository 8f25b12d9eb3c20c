"""Tests of the embedded API against what the Kubernetes documentation says an API does (kubernetes.io/docs/reference/
using-api/api-concepts and the KEPs each test names)."""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import apiclient  # noqa: E402

ROOT = apiclient.ROOT
NUMBERS = itertools.count(1)

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["parts"]},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                                                     "statusReplicasPath": ".status.replicas"}},
            "selectableFields": [{"jsonPath": ".spec.color"}],
            "additionalPrinterColumns": [
                {"name": "Color", "type": "string", "jsonPath": ".spec.color"},
                {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
                {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
            ],
            "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
                "spec": {"type": "object", "description": "What it is.", "properties": {
                    "color": {"type": "string", "enum": ["red", "green", "blue"], "default": "red",
                              "description": "Its colour."},
                    "size": {"type": "integer", "minimum": 1, "maximum": 10},
                    "replicas": {"type": "integer", "default": 1},
                    "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                              "items": {"type": "object", "required": ["name"], "properties": {
                                  "name": {"type": "string"}, "count": {"type": "integer", "default": 1}}}},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                }},
                "status": {"type": "object", "properties": {
                    "phase": {"type": "string"}, "replicas": {"type": "integer"},
                    "conditions": {"type": "array", "items": {"type": "object",
                                                              "x-kubernetes-preserve-unknown-fields": True}}}},
            }}},
        }],
    },
}


@pytest.fixture(scope="session")
def server():
    running = apiclient.Server()
    setup = apiclient.Client(running.kubeconfig)
    answer = setup.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS)
    assert answer.status == 201, answer
    yield running
    assert running.stop() == 0
    running.remove()


@pytest.fixture()
def api(server):
    client = apiclient.Client(server.kubeconfig)
    yield client
    if client.connection:
        client.connection.close()


@pytest.fixture()
def ns(api):
    """A namespace of the test's own."""
    name = f"t{next(NUMBERS)}"
    assert api.post("/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    yield name
    api.delete(f"/api/v1/namespaces/{name}")


def kubectls():
    cache = pathlib.Path(os.environ.get("SCIA_CACHE", ROOT / ".cache"))
    found = [str(p) for p in (cache / "kubectl-debian" / "kubectl", cache / "kubectl-current" / "kubectl") if p.exists()]
    return found or [p for p in [shutil.which("kubectl")] if p]


class Kubectl:
    def __init__(self, program, kubeconfig, namespace, folder):
        self.program, self.folder = program, folder
        self.base = [program, "--kubeconfig", kubeconfig, "-n", namespace, "--cache-dir", str(folder / "cache")]

    def _surroundings(self, environment=None):
        """Whatever it writes, it writes there: without HOME it would make a .kube where the tests are run."""
        return {"env": {**os.environ, "HOME": str(self.folder), **(environment or {})}, "cwd": self.folder, "text": True}

    def run(self, *arguments, stdin=None, environment=None):
        return subprocess.run([*self.base, *arguments], input=stdin, capture_output=True, timeout=60,
                              **self._surroundings(environment))

    def begin(self, *arguments):
        """Runs beside the test, which reads its output."""
        return subprocess.Popen([*self.base, *arguments], stdout=subprocess.PIPE, **self._surroundings())

    def ok(self, *arguments, **more):
        result = self.run(*arguments, **more)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def fails(self, *arguments, **more):
        result = self.run(*arguments, **more)
        assert result.returncode != 0, result.stdout
        return result.stderr


@pytest.fixture(params=kubectls(), ids=lambda p: pathlib.Path(p).parent.name)
def kubectl(request, server, ns, tmp_path):
    return Kubectl(request.param, server.kubeconfig, ns, tmp_path)

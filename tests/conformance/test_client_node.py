"""@kubernetes/client-node, Kubernetes' client for JavaScript: objects, patches, apply, watches, informers (client_node.mjs)."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import apiclient
import pytest

CACHE = pathlib.Path(os.environ.get("SCIA_CACHE", apiclient.ROOT / ".cache"))
CLIENT = CACHE / "client-node" / "node_modules" / "@kubernetes" / "client-node"
SCRIPT = pathlib.Path(__file__).with_name("client_node.mjs")
CASES = re.findall(r"^  async (\w+)\(\) \{$", SCRIPT.read_text(), re.MULTILINE)

pytestmark = pytest.mark.skipif(not CLIENT.exists() or not shutil.which("node"),
                                reason="./dev deps could not install @kubernetes/client-node")


@pytest.fixture(scope="module")
def results(server):
    api = apiclient.Client(server.kubeconfig)
    assert api.post("/api/v1/namespaces", {"metadata": {"name": "javascript"}}).status == 201
    run = subprocess.run(["node", str(SCRIPT), server.kubeconfig, "javascript", str(CLIENT)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0 and run.stdout, run.stderr
    yield json.loads(run.stdout)
    api.delete("/api/v1/namespaces/javascript")


def test_all_cases_ran(results):
    assert len(CASES) >= 10 and sorted(results) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_client_node(results, case):
    assert results[case] == "ok", results[case]

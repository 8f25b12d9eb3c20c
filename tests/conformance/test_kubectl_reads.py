"""How people read and delete with kubectl: forms of output, pages, waiting, cascades (reference, "kubectl"; both kubectls)."""
import json
import re
import subprocess

import pytest
import yaml
from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"


def current(kubectl):
    return "debian" not in kubectl.program


@pytest.fixture()
def filled(kubectl, api, ns):
    for i in range(7):
        api.post(CM.format(ns), {"metadata": {"name": f"c{i}", "labels": {"n": str(i)}}, "data": {"v": str(i)}})
    api.post(WD.format(ns), {"metadata": {"name": "w"}, "spec": {"color": "blue", "size": 3}})
    return kubectl


def rows(text):
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("chunk", [3, 500])
def test_chunks(filled, chunk):
    names = [r[0] for r in rows(filled.ok("get", "cm", "--no-headers", f"--chunk-size={chunk}", "-l", "n"))]
    assert names == [f"c{i}" for i in range(7)]
    items = json.loads(filled.ok("get", "cm", "-o", "json", f"--chunk-size={chunk}", "-l", "n"))["items"]
    assert [o["metadata"]["name"] for o in items] == names and all(o["kind"] == "ConfigMap" and o["apiVersion"] == "v1" for o in items)


@pytest.mark.parametrize("output, check", [
    ("name", lambda t: t.split()[0] == "configmap/c0"), ("yaml", lambda t: yaml.safe_load(t)["items"][3]["data"] == {"v": "3"}),
    ("jsonpath={range .items[*]}{.metadata.name}={.data.v};{end}", lambda t: t.startswith("c0=0;c1=1;")),
    ("jsonpath={.items[?(@.data.v==\"4\")].metadata.name}", lambda t: t == "c4"),
    ("custom-columns=NAME:.metadata.name,V:.data.v", lambda t: rows(t)[:2] == [["NAME", "V"], ["c0", "0"]]),
    ("go-template={{range .items}}{{.data.v}}{{end}}", lambda t: t == "0123456"), ("wide", lambda t: rows(t)[0] == ["NAME", "DATA", "AGE"]),
])
def test_outputs(filled, output, check):
    text = filled.ok("get", "cm", "-l", "n", "-o", output)
    assert check(text), text


def test_sorting_and_labels(filled):
    assert [r[0] for r in rows(filled.ok("get", "cm", "-l", "n", "--no-headers", "--sort-by=.data.v"))][-1] == "c6"
    assert rows(filled.ok("get", "cm", "-l", "n in (2)", "--no-headers", "-L", "n"))[0][-1] == "2"


def test_several_kinds_at_once(filled):
    names = filled.ok("get", "cm,widgets", "-o", "name").split()
    assert "configmap/c0" in names and "widget.example.org/w" in names


def test_raw(filled, ns):
    assert json.loads(filled.ok("get", "--raw", CM.format(ns) + "?limit=2"))["metadata"]["remainingItemCount"] >= 5
    assert filled.ok("get", "--raw", "/readyz") == "ok"
    assert "the server could not find the requested resource" in filled.fails("get", "--raw", "/api/v1/birds")


def test_watching_a_list(filled, ns, api):
    watcher = filled.begin("get", "cm", "-l", "n=6", "-w", "--no-headers")
    try:
        assert watcher.stdout.readline().split()[:2] == ["c6", "1"]
        api.patch(CM.format(ns) + "/c6", {"data": {"more": "x"}})
        assert watcher.stdout.readline().split()[:2] == ["c6", "2"]
        api.delete(CM.format(ns) + "/c6")
        assert watcher.stdout.readline().split()[:2] == ["c6", "2"]
    finally:
        watcher.kill()
        watcher.communicate()


def test_watching_one_as_text(filled, ns, api):
    watcher = filled.begin("get", "cm", "c1", "-w", "-o", "jsonpath={.data.v}{\"\\n\"}")
    try:
        assert watcher.stdout.readline() == "1\n"
        api.patch(CM.format(ns) + "/c1", {"data": {"v": "new"}})
        assert watcher.stdout.readline() == "new\n"
    finally:
        watcher.kill()
        watcher.communicate()


def test_waiting_for_a_field(filled, ns, api):
    if not current(filled):
        pytest.skip("kubectl 1.20 waits for conditions only")
    waiter = filled.begin("wait", "--for=jsonpath={.status.phase}=Up", "wd/w", "--timeout=20s")
    api.patch(WD.format(ns) + "/w/status", {"status": {"phase": "Up"}})
    assert waiter.communicate(timeout=25)[0] == "widget.example.org/w condition met\n"


@pytest.mark.parametrize("cascade, child_stays", [("background", False), ("foreground", False), ("orphan", True)])
def test_cascades(filled, ns, api, cascade, child_stays):
    owner = api.get(WD.format(ns) + "/w").json["metadata"]
    ref = {"apiVersion": "example.org/v1", "kind": "Widget", "name": "w", "uid": owner["uid"], "blockOwnerDeletion": True}
    api.post(CM.format(ns), {"metadata": {"name": "child", "ownerReferences": [ref]}})
    assert filled.ok("delete", "wd", "w", f"--cascade={cascade}") == 'widget.example.org "w" deleted\n'
    assert api.get(WD.format(ns) + "/w").status == 404
    if child_stays:
        assert "ownerReferences" not in api.get(CM.format(ns) + "/child").json["metadata"]
    else:
        eventually(lambda: api.get(CM.format(ns) + "/child").status == 404)


def test_deleting_waits_for_finalizers(filled, ns, api):
    api.post(CM.format(ns), {"metadata": {"name": "held", "finalizers": ["example.org/hold"]}})
    deleter = filled.begin("delete", "cm", "held")
    eventually(lambda: "deletionTimestamp" in api.get(CM.format(ns) + "/held").json["metadata"])
    with pytest.raises(subprocess.TimeoutExpired):
        deleter.wait(1)
    api.patch(CM.format(ns) + "/held", {"metadata": {"finalizers": None}})
    assert deleter.communicate(timeout=20)[0] == 'configmap "held" deleted\n'


def test_deleting_a_selection(filled, ns, api):
    assert filled.ok("delete", "cm", "-l", "n in (1,2)").count("deleted") == 2
    assert "server dry run" in filled.ok("delete", "cm", "--all", "--dry-run=server")
    assert "c3" in filled.ok("get", "cm", "-o", "name")
    filled.ok("delete", "cm", "--all")
    assert [o["metadata"]["name"] for o in api.get(CM.format(ns), labelSelector="n").json["items"]] == []


def test_a_namespace_that_is_stuck(filled, ns, api):
    api.post(CM.format(ns), {"metadata": {"name": "held", "finalizers": ["example.org/hold"]}})
    filled.ok("delete", "namespace", ns, "--wait=false")
    eventually(lambda: len(api.get(f"/api/v1/namespaces/{ns}").json["status"].get("conditions", [])) == 5)
    conditions = json.loads(filled.ok("get", "namespace", ns, "-o", "json"))["status"]["conditions"]
    assert "Some resources are remaining: configmaps. has 1 resource instances" in [c["message"] for c in conditions]
    if current(filled):
        assert re.search(r"NamespaceContentRemaining\s+True\s+.*SomeResourcesRemain", filled.ok("describe", "namespace", ns))
    assert "Terminating" in filled.ok("get", "namespace", ns)
    api.patch(CM.format(ns) + "/held", {"metadata": {"finalizers": None}})
    eventually(lambda: api.get(f"/api/v1/namespaces/{ns}").status == 404)
    assert "not found" in filled.fails("get", "namespace", ns)


def test_errors_read_as_from_a_cluster(filled, ns):
    assert filled.fails("get", "cm", "none") == 'Error from server (NotFound): configmaps "none" not found\n'
    assert "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt" in filled.fails("get", "cm", "-l", "a b")
    assert '"data.v" is not a known field selector: only "metadata.name", "metadata.namespace"' in filled.fails("get", "cm", "--field-selector", "data.v=1")
    assert "error: the server doesn't have a resource type \"birds\"" in filled.fails("get", "birds")
    assert 'namespaces "default" is forbidden: this namespace may not be deleted' in filled.fails("delete", "namespace", "default")


def test_resources_and_versions(filled):
    table = rows(filled.ok("api-resources", "--no-headers", "--verbs=list,watch,delete", "--namespaced=true"))
    assert {"configmaps", "secrets", "widgets"} <= {r[0] for r in table} and "namespaces" not in {r[0] for r in table}
    assert {"v1", "apiextensions.k8s.io/v1", "coordination.k8s.io/v1", "example.org/v1"} <= set(filled.ok("api-versions").split())
    assert "Server Version" in filled.ok("version") or "serverVersion" in filled.ok("version", "-o", "json")

"""The same as a person does it, with Debian's kubectl (1.20) and a current one."""
import re
import subprocess

import pytest
import yaml

WIDGET = """\
apiVersion: example.org/v1
kind: Widget
metadata: {name: w, labels: {app: shop}}
spec: {color: blue, size: 3}
"""


@pytest.fixture()
def widget(kubectl):
    path = kubectl.folder / "widget.yaml"
    path.write_text(WIDGET)
    kubectl.ok("apply", "-f", str(path))
    return str(path)


def current(kubectl):
    return "debian" not in kubectl.program


def test_apply_and_diff(kubectl, widget):
    assert kubectl.ok("apply", "-f", widget) == "widget.example.org/w unchanged\n"
    path = kubectl.folder / "widget.yaml"
    path.write_text(WIDGET.replace("size: 3", "size: 4"))
    result = kubectl.run("diff", "-f", widget)
    assert result.returncode == 1 and "-  size: 3" in result.stdout and "+  size: 4" in result.stdout
    assert kubectl.ok("apply", "-f", widget) == "widget.example.org/w configured\n"
    assert kubectl.run("diff", "-f", widget).returncode == 0
    path.write_text(WIDGET.replace(", size: 3", ""))
    kubectl.ok("apply", "-f", widget)
    assert "size" not in yaml.safe_load(kubectl.ok("get", "wd", "w", "-o", "yaml"))["spec"]


def test_apply_dry_run(kubectl, widget):
    path = kubectl.folder / "widget.yaml"
    path.write_text(WIDGET.replace("size: 3", "size: 4"))
    assert kubectl.ok("apply", "-f", widget, "--dry-run=server") == "widget.example.org/w configured (server dry run)\n"
    assert kubectl.ok("get", "wd", "w", "-o", "jsonpath={.spec.size}") == "3"
    path.write_text(WIDGET.replace("size: 3", "size: 40"))
    assert "should be less than or equal to 10" in kubectl.fails("apply", "-f", widget, "--dry-run=server")


def test_apply_validates_on_the_client(kubectl):
    path = kubectl.folder / "bad.yaml"
    path.write_text(WIDGET.replace("size: 3", "sise: 3"))
    assert "sise" in kubectl.fails("apply", "-f", str(path))


def test_server_side_apply(kubectl):
    path = kubectl.folder / "widget.yaml"
    path.write_text(WIDGET)
    assert kubectl.ok("apply", "--server-side", "-f", str(path)) == "widget.example.org/w serverside-applied\n"
    path.write_text(WIDGET.replace("blue", "green"))
    error = kubectl.fails("apply", "--server-side", "--field-manager=other", "-f", str(path))
    assert 'conflict with "kubectl": .spec.color' in error
    kubectl.ok("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", str(path))
    assert kubectl.ok("get", "wd", "w", "-o", "jsonpath={.spec.color}") == "green"


def test_client_side_apply_after_server_side(kubectl, widget):
    kubectl.ok("apply", "--server-side", "--force-conflicts", "-f", widget)
    assert "last-applied-configuration" in kubectl.ok("get", "wd", "w", "-o", "yaml")
    assert "color: blue" in kubectl.ok("apply", "view-last-applied", "-f", widget)


def test_get_forms(kubectl, widget):
    table = kubectl.ok("get", "widgets").splitlines()
    assert re.split(r"\s+", table[0].strip()) == ["NAME", "COLOR", "AGE"]
    assert re.fullmatch(r"w\s+blue\s+\d+s", table[1].strip())
    assert re.split(r"\s+", kubectl.ok("get", "widgets", "-o", "wide").splitlines()[0].strip()) == ["NAME", "COLOR", "SIZE", "AGE"]
    assert kubectl.ok("get", "wd", "-o", "name") == "widget.example.org/w\n"
    assert kubectl.ok("get", "parts", "-o", "name") == "widget.example.org/w\n"
    assert kubectl.ok("get", "wd", "-o", "jsonpath={.items[*].spec.size}") == "3"
    assert kubectl.ok("get", "wd", "-o", "go-template={{range .items}}{{.spec.color}}{{end}}") == "blue"
    assert kubectl.ok("get", "wd", "-o", "custom-columns=C:.spec.color").split() == ["C", "blue"]
    assert yaml.safe_load(kubectl.ok("get", "wd", "w", "-o", "json"))["kind"] == "Widget"
    assert kubectl.ok("get", "wd", "--sort-by=.spec.size", "--no-headers").startswith("w ")
    assert "app=shop" in kubectl.ok("get", "wd", "--show-labels")
    assert "w " in kubectl.ok("get", "wd", "-l", "app=shop") and kubectl.ok("get", "wd", "-l", "app!=shop") == ""
    assert "w " in kubectl.ok("get", "wd", "--field-selector", "metadata.name=w")
    assert "w " in kubectl.ok("get", "wd", "-A")
    assert 'widgets.example.org "no" not found' in kubectl.fails("get", "wd", "no")


def test_describe_shows_events(kubectl, widget, ns, api):
    uid = kubectl.ok("get", "wd", "w", "-o", "jsonpath={.metadata.uid}")
    made = api.post(f"/api/v1/namespaces/{ns}/events", {
        "metadata": {"name": "w.1"}, "reason": "Painted", "message": "it is blue now", "type": "Normal", "count": 1,
        "involvedObject": {"apiVersion": "example.org/v1", "kind": "Widget", "name": "w", "namespace": ns, "uid": uid},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z", "source": {"component": "painter"}})
    assert made.status == 201, made
    text = kubectl.ok("describe", "widget", "w")
    assert re.search(r"Name:\s+w\n", text) and re.search(r"Color:\s+blue", text)
    assert re.search(r"Normal\s+Painted\s+\S+\s+painter\s+it is blue now", text)
    assert re.search(r"Normal\s+Painted\s+widget/w\s+it is blue now", kubectl.ok("get", "events"))


def test_explain(kubectl):
    text = kubectl.ok("explain", "widgets.spec.color")
    assert "Its colour." in text
    assert "What it is." in kubectl.ok("explain", "widgets.spec")
    assert "FIELDS" in kubectl.ok("explain", "secrets")


def test_edit(kubectl, widget):
    result = kubectl.ok("edit", "widget", "w", environment={"EDITOR": "sed -i s/blue/green/"})
    assert result == "widget.example.org/w edited\n"
    assert kubectl.ok("get", "wd", "w", "-o", "jsonpath={.spec.color}") == "green"
    kubectl.ok("create", "configmap", "c", "--from-literal=key=value")
    kubectl.ok("edit", "configmap", "c", environment={"EDITOR": "sed -i 's/key: value/key: other/'"})
    assert kubectl.ok("get", "cm", "c", "-o", "jsonpath={.data.key}") == "other"


def test_patch(kubectl, widget):
    kubectl.ok("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"size":5}}')
    kubectl.ok("patch", "wd", "w", "--type=json", "-p", '[{"op":"replace","path":"/spec/color","value":"red"}]')
    assert kubectl.ok("get", "wd", "w", "-o", "jsonpath={.spec.size}{.spec.color}") == "5red"
    kubectl.ok("create", "configmap", "c", "--from-literal=a=1")
    kubectl.ok("patch", "cm", "c", "-p", '{"data":{"b":"2"}}')
    assert kubectl.ok("get", "cm", "c", "-o", "jsonpath={.data.a}{.data.b}") == "12"
    assert "less than or equal to 10" in kubectl.fails("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"size":50}}')


def test_label_and_annotate(kubectl, widget):
    kubectl.ok("label", "wd", "w", "tier=front")
    assert "already has a value" in kubectl.fails("label", "wd", "w", "tier=back")
    kubectl.ok("label", "--overwrite", "wd", "w", "tier=back")
    kubectl.ok("annotate", "wd", "w", "note=hello")
    kubectl.ok("label", "wd", "w", "app-")
    meta = yaml.safe_load(kubectl.ok("get", "wd", "w", "-o", "yaml"))["metadata"]
    assert meta["labels"] == {"tier": "back"} and meta["annotations"]["note"] == "hello"


def test_scale(kubectl, widget):
    kubectl.ok("scale", "widget", "w", "--replicas=4")
    assert kubectl.ok("get", "wd", "w", "-o", "jsonpath={.spec.replicas}") == "4"


def test_delete(kubectl, widget):
    assert 'deleted (server dry run)' in kubectl.ok("delete", "wd", "w", "--dry-run=server")
    assert 'widget.example.org "w" deleted' in kubectl.ok("delete", "-f", widget)
    assert "not found" in kubectl.fails("delete", "wd", "w")
    kubectl.ok("delete", "wd", "w", "--ignore-not-found")
    for i in range(3):
        kubectl.ok("create", "configmap", f"c{i}")
    assert kubectl.ok("delete", "cm", "-l", "a=b").strip() == "No resources found"
    assert kubectl.ok("delete", "configmap", "c0", "c1", "c2").count("deleted") == 3


def test_wait(kubectl, widget, ns, api):
    watcher = kubectl.begin("wait", "--for=condition=Ready", "wd/w", "--timeout=20s")
    path = f"/apis/example.org/v1/namespaces/{ns}/widgets/w/status"
    assert api.patch(path, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}).status == 200
    assert watcher.communicate(timeout=25)[0] == "widget.example.org/w condition met\n" and watcher.returncode == 0
    kubectl.ok("patch", "wd", "w", "--type=merge", "-p", '{"metadata":{"finalizers":["example.org/hold"]}}')
    kubectl.ok("delete", "wd", "w", "--wait=false")
    deleter = kubectl.begin("wait", "--for=delete", "wd/w", "--timeout=20s")
    with pytest.raises(subprocess.TimeoutExpired):
        deleter.wait(1)
    kubectl.ok("patch", "wd", "w", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert deleter.wait(25) == 0


def test_watch(kubectl, widget):
    watcher = kubectl.begin("get", "wd", "-w", "--no-headers")
    try:
        assert watcher.stdout.readline().split()[:2] == ["w", "blue"]
        kubectl.ok("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"color":"green"}}')
        assert watcher.stdout.readline().split()[:2] == ["w", "green"]
    finally:
        watcher.kill()
        watcher.communicate()


def test_create_and_replace(kubectl, widget):
    assert 'already exists' in kubectl.fails("create", "-f", widget)
    kubectl.ok("replace", "-f", widget)
    kubectl.ok("create", "secret", "generic", "s", "--from-literal=password=hidden")
    assert kubectl.ok("get", "secret", "s", "-o", "jsonpath={.data.password}") == "aGlkZGVu"
    assert "hidden" not in kubectl.ok("describe", "secret", "s")
    kubectl.ok("create", "serviceaccount", "robot")
    kubectl.ok("create", "namespace", f"{kubectl.folder.name.replace('_', '-')[:40].strip('-')}-x")


def test_api_resources(kubectl):
    names = kubectl.ok("api-resources", "-o", "name").split()
    assert {"configmaps", "secrets", "namespaces", "events.events.k8s.io", "widgets.example.org",
            "customresourcedefinitions.apiextensions.k8s.io", "leases.coordination.k8s.io"} <= set(names)
    assert "example.org/v1" in kubectl.ok("api-versions").split()


def test_auth_can_i(kubectl):
    assert kubectl.ok("auth", "can-i", "create", "widgets") == "yes\n"
    assert "*.*" in kubectl.ok("auth", "can-i", "--list")
    if current(kubectl):
        assert "system:masters" in kubectl.ok("auth", "whoami")


def test_namespace_deletion(kubectl, ns):
    kubectl.ok("create", "configmap", "c")
    assert f'namespace "{ns}" deleted' in kubectl.ok("delete", "namespace", ns)
    assert kubectl.run("get", "namespace", ns).returncode != 0


def test_crd_through_kubectl(kubectl):
    path = kubectl.folder / "crd.yaml"
    path.write_text("""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: knobs.example.net}
spec:
  group: example.net
  names: {plural: knobs, kind: Knob}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
""")
    kubectl.ok("apply", "-f", str(path))
    kubectl.ok("wait", "--for=condition=established", "crd/knobs.example.net", "--timeout=10s")
    knob = kubectl.folder / "knob.yaml"
    knob.write_text("apiVersion: example.net/v1\nkind: Knob\nmetadata: {name: k}\nturns: 11\n")
    kubectl.ok("apply", "-f", str(knob))
    assert kubectl.ok("get", "knobs", "k", "-o", "jsonpath={.turns}") == "11"
    assert "knobs.example.net" in kubectl.ok("get", "crd")
    assert "established" in kubectl.ok("describe", "crd", "knobs.example.net").lower()
    kubectl.ok("delete", "-f", str(path))
    assert kubectl.run("get", "knobs").returncode != 0

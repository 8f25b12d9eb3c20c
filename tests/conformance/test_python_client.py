"""Debian's python3-kubernetes, a generated client: its types, its watch, its dynamic discovery."""
import pytest
from apiclient import eventually

kubernetes = pytest.importorskip("kubernetes")


@pytest.fixture()
def client(server):
    return kubernetes.config.new_client_from_config(server.kubeconfig)


def test_typed_objects(client, ns):
    core = kubernetes.client.CoreV1Api(client)
    made = core.create_namespaced_config_map(ns, {"metadata": {"name": "c"}, "data": {"a": "b"}})
    assert made.metadata.uid and made.metadata.creation_timestamp.tzinfo
    core.patch_namespaced_config_map("c", ns, {"data": {"c": "d"}})
    assert core.read_namespaced_config_map("c", ns).data == {"a": "b", "c": "d"}
    events = kubernetes.watch.Watch().stream(core.list_namespaced_config_map, ns, timeout_seconds=1)
    assert [(e["type"], e["object"].metadata.name) for e in events] == [("ADDED", "c")]
    assert core.delete_namespaced_config_map("c", ns).status == "Success"
    with pytest.raises(kubernetes.client.ApiException) as failure:
        core.read_namespaced_config_map("c", ns)
    assert failure.value.status == 404


def test_replace_with_its_own_form_of_times(client, ns):
    """The client writes times with an offset; that is the same time, not a changed field."""
    leases = kubernetes.client.CoordinationV1Api(client)
    lease = leases.create_namespaced_lease(ns, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}})
    lease.spec.holder_identity = "b"
    assert leases.replace_namespaced_lease("l", ns, lease).spec.holder_identity == "b"
    with pytest.raises(kubernetes.client.ApiException) as failure:
        leases.replace_namespaced_lease("l", ns, lease)
    assert failure.value.status == 409


def test_custom_objects_and_dynamic_client(client, ns):
    custom = kubernetes.client.CustomObjectsApi(client)
    body = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 2}}
    custom.create_namespaced_custom_object("example.org", "v1", ns, "widgets", body)
    assert custom.get_namespaced_custom_object("example.org", "v1", ns, "widgets", "w")["spec"]["color"] == "red"
    custom.patch_namespaced_custom_object_status("example.org", "v1", ns, "widgets", "w", {"status": {"phase": "Up"}})
    widgets = kubernetes.dynamic.DynamicClient(client).resources.get(api_version="example.org/v1", kind="Widget")
    assert widgets.get(name="w", namespace=ns).status.phase == "Up"
    assert [w.metadata.name for w in widgets.get(namespace=ns).items] == ["w"]


def test_definitions_and_version(client):
    definitions = kubernetes.client.ApiextensionsV1Api(client).list_custom_resource_definition().items
    assert "widgets.example.org" in [d.metadata.name for d in definitions]
    assert kubernetes.client.VersionApi(client).get_code().git_version.startswith("v1.32")


def test_pages_and_snapshots(client, ns):
    core = kubernetes.client.CoreV1Api(client)
    for i in range(5):
        core.create_namespaced_config_map(ns, {"metadata": {"name": f"c{i}", "labels": {"p": "1"}}})
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(ns, limit=2, _continue=token, label_selector="p=1")
        names += [o.metadata.name for o in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == [f"c{i}" for i in range(5)]


def test_informer_like_resume(client, ns):
    """List, watch from there, lose the connection, go on from the last version seen: nothing is missed or seen twice."""
    core = kubernetes.client.CoreV1Api(client)
    version = core.list_namespaced_config_map(ns).metadata.resource_version
    seen = []
    for round_number in range(3):
        for i in range(3):
            core.create_namespaced_config_map(ns, {"metadata": {"name": f"r{round_number}-{i}"}})
        watch = kubernetes.watch.Watch()
        for event in watch.stream(core.list_namespaced_config_map, ns, resource_version=version, timeout_seconds=10):
            seen.append((event["type"], event["object"].metadata.name))
            version = event["object"].metadata.resource_version
            if len(seen) == 3 * (round_number + 1):
                watch.stop()
    assert seen == [("ADDED", f"r{r}-{i}") for r in range(3) for i in range(3)]


def test_deletion_options(client, ns):
    core = kubernetes.client.CoreV1Api(client)
    owner = core.create_namespaced_config_map(ns, {"metadata": {"name": "owner"}})
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
    core.create_namespaced_config_map(ns, {"metadata": {"name": "child", "ownerReferences": [ref]}})
    wrong = kubernetes.client.V1DeleteOptions(preconditions=kubernetes.client.V1Preconditions(uid="other"))
    with pytest.raises(kubernetes.client.ApiException) as failure:
        core.delete_namespaced_config_map("owner", ns, body=wrong)
    assert failure.value.status == 409
    core.delete_namespaced_config_map("owner", ns, propagation_policy="Orphan")
    eventually(lambda: "owner" not in [o.metadata.name for o in core.list_namespaced_config_map(ns).items])
    assert core.read_namespaced_config_map("child", ns).metadata.owner_references is None
    core.delete_collection_namespaced_config_map(ns, label_selector="!x")
    assert core.list_namespaced_config_map(ns).items == []


def test_dynamic_client_watches_and_applies(client, ns):
    dynamic = kubernetes.dynamic.DynamicClient(client)
    widgets = dynamic.resources.get(api_version="example.org/v1", kind="Widget")
    version = widgets.get(namespace=ns).metadata.resourceVersion
    widgets.create(body={"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "d"}, "spec": {}}, namespace=ns)
    widgets.patch(name="d", namespace=ns, body={"spec": {"size": 4}}, content_type="application/merge-patch+json")
    events = []
    for event in widgets.watch(namespace=ns, resource_version=version, timeout=5):
        events.append((event["type"], event["object"].metadata.name))
        if len(events) == 2:
            break
    assert events == [("ADDED", "d"), ("MODIFIED", "d")]

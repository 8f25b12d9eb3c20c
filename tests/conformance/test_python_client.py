"""Debian's python3-kubernetes, a generated client: its types, its watch, its dynamic discovery."""
import pytest

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

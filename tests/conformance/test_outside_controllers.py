"""What kube-controller-manager's namespace, garbage-collector, resource-quota and service-account controllers send, while the
server's own controllers do the same (client-go's metadata client and controllers; KEP-2334 metadata only)."""
import apiclient
import pytest
from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def chain(kind):
    """The Accept header of client-go's metadata client: protobuf first, then JSON."""
    as_kind = f"as={kind};g=meta.k8s.io;v=v1"
    return {"Accept": f"{PROTOBUF};{as_kind},application/json;{as_kind},application/json"}


def make(api, path, name, **meta):
    answer = api.post(path, {"metadata": {"name": name, **meta}, **({"spec": {}} if "widgets" in path else {})})
    assert answer.status == 201, answer
    return answer.json


def owned_by(owner, kind="ConfigMap", api_version="v1", **more):
    return {"apiVersion": api_version, "kind": kind, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], **more}


def test_discovery_names_what_can_be_collected(api):
    """The garbage collector watches what can be listed, watched and deleted; the namespace controller empties what can be listed
    and deleted as a collection."""
    collectable, emptied = set(), set()
    groups = ["/api/v1"] + [f"/apis/{v['groupVersion']}" for g in api.get("/apis").json["groups"] for v in [g["preferredVersion"]]]
    for path in groups:
        for resource in api.get(path).json["resources"]:
            verbs = set(resource["verbs"])
            if {"list", "watch", "delete"} <= verbs:
                collectable.add(resource["name"])
            if resource["namespaced"] and {"delete", "list", "deletecollection"} <= verbs:
                emptied.add(resource["name"])
    assert {"configmaps", "secrets", "namespaces", "serviceaccounts", "widgets", "customresourcedefinitions"} <= collectable
    assert {"configmaps", "secrets", "serviceaccounts", "widgets", "events"} <= emptied and "namespaces" not in emptied


@pytest.mark.parametrize("path", ["/api/v1/configmaps", "/apis/example.org/v1/widgets", "/api/v1/namespaces", "/api/v1/serviceaccounts",
                                  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/coordination.k8s.io/v1/leases"])
def test_metadata_lists_and_watches_of_any_resource(api, path):
    listed = api.request("GET", path, headers=chain("PartialObjectMetadataList"), limit=500, resourceVersion="0")
    assert listed.status == 200 and listed.json["kind"] == "PartialObjectMetadataList"
    assert all(o["kind"] == "PartialObjectMetadata" and o["metadata"]["uid"] for o in listed.json["items"])
    version = listed.json["metadata"]["resourceVersion"]
    events = list(api.watch(path, headers=chain("PartialObjectMetadata"), resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=1))
    assert events[-1]["type"] == "BOOKMARK" and events[-1]["object"]["kind"] == "PartialObjectMetadata"


def test_the_collector_reads_an_owner(api, ns):
    make(api, CM.format(ns), "a")
    answer = api.request("GET", CM.format(ns) + "/a", headers=chain("PartialObjectMetadata"))
    assert answer.status == 200 and answer.json["kind"] == "PartialObjectMetadata"
    assert api.request("GET", CM.format(ns) + "/none", headers=chain("PartialObjectMetadata")).json["reason"] == "NotFound"


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
@pytest.mark.parametrize("path", [CM, WD])
def test_the_collector_deletes_with_preconditions(api, ns, path, policy):
    made = make(api, path.format(ns), "a")["metadata"]
    options = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "propagationPolicy": policy,
               "preconditions": {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}}
    answer = api.request("DELETE", path.format(ns) + "/a", options, headers=chain("PartialObjectMetadata"))
    assert answer.status == 200
    eventually(lambda: api.get(path.format(ns) + "/a").status == 404)
    stale = api.delete(path.format(ns) + "/a", options)
    assert stale.status == 404


def test_the_collector_removes_an_owner_by_strategic_merge(api, ns):
    one, two = make(api, CM.format(ns), "one"), make(api, CM.format(ns), "two")
    child = make(api, CM.format(ns), "child", ownerReferences=[owned_by(one), owned_by(two)])["metadata"]
    patch = {"metadata": {"ownerReferences": [{"$patch": "delete", "uid": one["metadata"]["uid"]}], "uid": child["uid"]}}
    answer = api.request("PATCH", CM.format(ns) + "/child", patch, headers={"Content-Type": "application/strategic-merge-patch+json", **chain("PartialObjectMetadata")})
    assert answer.status == 200 and [r["name"] for r in answer.json["metadata"]["ownerReferences"]] == ["two"]
    patch["metadata"]["uid"] = "00000000-1111-4222-8333-444444444444"
    refused = api.patch(CM.format(ns) + "/child", patch, "strategic")
    assert refused.status == 422 and "metadata.uid: Invalid value: \"00000000-1111-4222-8333-444444444444\": field is immutable" in refused.json["message"]


def test_the_collector_falls_back_to_a_merge_patch_for_custom_resources(api, ns):
    owner = make(api, CM.format(ns), "owner")
    child = make(api, WD.format(ns), "child", ownerReferences=[owned_by(owner)])["metadata"]
    strategic = api.patch(WD.format(ns) + "/child", {"metadata": {"uid": child["uid"]}}, "strategic")
    assert strategic.status == 415 and strategic.json["reason"] == "UnsupportedMediaType"
    patch = {"metadata": {"resourceVersion": child["resourceVersion"], "ownerReferences": []}}
    assert api.patch(WD.format(ns) + "/child", patch).status == 200
    assert api.patch(WD.format(ns) + "/child", patch).status == 409


def test_the_collector_removes_a_finalizer(api, ns):
    owner = make(api, CM.format(ns), "owner", finalizers=["foregroundDeletion", "example.org/hold"])
    api.delete(CM.format(ns) + "/owner", {"propagationPolicy": "Foreground"})
    def remaining():
        answer = api.get(CM.format(ns) + "/owner").json["metadata"]
        return answer.get("finalizers") == ["example.org/hold"] and answer
    meta = eventually(remaining)  # the server's own collector was faster
    # The one from outside comes late, with what it has seen.
    patch = {"metadata": {"resourceVersion": owner["metadata"]["resourceVersion"], "finalizers": ["example.org/hold"]}}
    assert api.patch(CM.format(ns) + "/owner", patch).status == 409
    patch["metadata"] = {"resourceVersion": meta["resourceVersion"], "finalizers": []}
    assert api.patch(CM.format(ns) + "/owner", patch).status == 200
    assert api.get(CM.format(ns) + "/owner").status == 404


def test_the_namespace_controller(api):
    """Its whole way, beside the server's own: collections, lists of what remains, status, finalize."""
    name = "outside"
    assert api.post("/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    for path in (CM, WD):
        make(api, path.format(name), "a")
    make(api, CM.format(name), "held", finalizers=["example.org/hold"])
    namespace = api.delete(f"/api/v1/namespaces/{name}").json
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    for path in (CM, WD, "/api/v1/namespaces/{}/events", "/api/v1/namespaces/{}/serviceaccounts"):
        answer = api.request("DELETE", path.format(name), options, headers=chain("PartialObjectMetadata") if path == WD else {})
        assert answer.status in (200, 406), answer
        assert api.request("GET", path.format(name), headers=chain("PartialObjectMetadataList")).status == 200
    status = {**namespace, "status": {"phase": "Terminating"}}
    del status["metadata"]["resourceVersion"]
    assert api.put(f"/api/v1/namespaces/{name}/status", status).status == 200
    api.patch(CM.format(name) + "/held", {"metadata": {"finalizers": None}})
    finalize = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": namespace["metadata"]["uid"]}, "spec": {}}
    assert api.put(f"/api/v1/namespaces/{name}/finalize", finalize).status in (200, 404, 409)
    eventually(lambda: api.get(f"/api/v1/namespaces/{name}").status == 404)


def test_the_service_account_controller(api, ns):
    """It makes an account that is there already, and does not mind."""
    path = f"/api/v1/namespaces/{ns}/serviceaccounts"
    eventually(lambda: api.get(path + "/default").status == 200)
    answer = api.post(path, {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default", "namespace": ns}})
    assert answer.status == 409 and answer.json["reason"] == "AlreadyExists"
    assert answer.json["message"] == 'serviceaccounts "default" already exists'


def test_two_collectors_at_once(api, ns, server):
    """A second one deletes dependents as the first does; nobody is in the way of the other."""
    owner = make(api, CM.format(ns), "owner")
    children = [make(api, CM.format(ns), f"child-{i}", ownerReferences=[owned_by(owner)]) for i in range(40)]
    other = apiclient.Client(server.kubeconfig)
    api.delete(CM.format(ns) + "/owner")
    for child in children:
        meta = child["metadata"]
        answer = other.delete(CM.format(ns) + "/" + meta["name"], {"preconditions": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}})
        assert answer.status in (200, 404), answer
    eventually(lambda: api.get(CM.format(ns)).json["items"] == [])
    other.connection.close()

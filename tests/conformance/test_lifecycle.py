"""Namespaces and garbage collection (kubernetes.io/docs/concepts/architecture/garbage-collection)."""
from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"


def make(api, ns, name, *owners, block=False, **meta):
    refs = [{"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"],
             "blockOwnerDeletion": block} for o in owners]
    answer = api.post(CM.format(ns), {"metadata": {"name": name, "ownerReferences": refs, **meta}})
    assert answer.status == 201, answer
    return answer.json


def exists(api, ns, name):
    return api.get(CM.format(ns) + "/" + name).status == 200


def test_background_deletion_takes_dependents(api, ns):
    owner = make(api, ns, "owner")
    child = make(api, ns, "child", owner)
    make(api, ns, "grandchild", child)
    make(api, ns, "other")
    assert api.delete(CM.format(ns) + "/owner").json["status"] == "Success"
    eventually(lambda: not exists(api, ns, "child") and not exists(api, ns, "grandchild"))
    assert exists(api, ns, "other")


def test_a_dependent_of_two_owners_stays_with_the_last(api, ns):
    one, two = make(api, ns, "one"), make(api, ns, "two")
    make(api, ns, "child", one, two)
    api.delete(CM.format(ns) + "/one")
    refs = eventually(lambda: len(r := api.get(CM.format(ns) + "/child").json["metadata"]["ownerReferences"]) == 1 and r)
    assert refs[0]["name"] == "two"
    api.delete(CM.format(ns) + "/two")
    eventually(lambda: not exists(api, ns, "child"))


def test_a_dependent_of_an_absent_owner_goes(api, ns):
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-1111-4222-8333-444444444444"}}
    make(api, ns, "child", ghost)
    eventually(lambda: not exists(api, ns, "child"))


def test_an_owner_of_that_name_but_another_uid_is_absent(api, ns):
    make(api, ns, "owner")
    wrong = {"metadata": {"name": "owner", "uid": "00000000-1111-4222-8333-444444444444"}}
    make(api, ns, "child", wrong)
    eventually(lambda: not exists(api, ns, "child"))
    assert exists(api, ns, "owner")


def test_an_owner_of_an_unknown_type_is_no_reason_to_delete(api, ns):
    obj = {"metadata": {"name": "child", "ownerReferences": [
        {"apiVersion": "nowhere.org/v1", "kind": "Thing", "name": "x", "uid": "00000000-1111-4222-8333-444444444444"}]}}
    api.post(CM.format(ns), obj)
    make(api, ns, "marker", {"metadata": {"name": "ghost", "uid": "00000000-1111-4222-8333-444444444444"}})
    eventually(lambda: not exists(api, ns, "marker"))
    assert exists(api, ns, "child")


def test_foreground_deletion_waits_for_blocking_dependents(api, ns):
    owner = make(api, ns, "owner")
    make(api, ns, "child", owner, block=True, finalizers=["example.org/hold"])
    answer = api.delete(CM.format(ns) + "/owner", {"propagationPolicy": "Foreground"}).json
    assert answer["metadata"]["finalizers"] == ["foregroundDeletion"] and answer["metadata"]["deletionTimestamp"]
    eventually(lambda: "deletionTimestamp" in api.get(CM.format(ns) + "/child").json["metadata"])
    assert exists(api, ns, "owner")
    api.patch(CM.format(ns) + "/child", {"metadata": {"finalizers": None}})
    eventually(lambda: not exists(api, ns, "owner") and not exists(api, ns, "child"))


def test_orphaning_frees_dependents(api, ns):
    owner = make(api, ns, "owner")
    make(api, ns, "child", owner)
    api.delete(CM.format(ns) + "/owner", {"propagationPolicy": "Orphan"})
    eventually(lambda: not exists(api, ns, "owner"))
    child = api.get(CM.format(ns) + "/child").json
    assert "ownerReferences" not in child["metadata"]


def test_owners_of_custom_types(api, ns):
    owner = api.post(f"/apis/example.org/v1/namespaces/{ns}/widgets", {"metadata": {"name": "w"}, "spec": {}}).json
    obj = {"metadata": {"name": "child", "ownerReferences": [
        {"apiVersion": "example.org/v1", "kind": "Widget", "name": "w", "uid": owner["metadata"]["uid"], "controller": True}]}}
    assert api.post(CM.format(ns), obj).status == 201
    api.delete(f"/apis/example.org/v1/namespaces/{ns}/widgets/w")
    eventually(lambda: not exists(api, ns, "child"))


def test_two_controllers_are_refused(api, ns):
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u", "controller": True}
    obj = {"metadata": {"name": "c", "ownerReferences": [ref, {**ref, "name": "y", "uid": "v"}]}}
    answer = api.post(CM.format(ns), obj)
    assert answer.status == 422 and "Only one reference can have Controller set to true" in answer.json["message"]


def test_namespace_deletion_empties_it(api):
    name = "doomed"
    made = api.post("/api/v1/namespaces", {"metadata": {"name": name}}).json
    assert made["status"]["phase"] == "Active" and made["spec"]["finalizers"] == ["kubernetes"]
    assert made["metadata"]["labels"]["kubernetes.io/metadata.name"] == name
    for i in range(20):
        api.post(CM.format(name), {"metadata": {"name": f"c{i}"}})
    make(api, name, "held", finalizers=["example.org/hold"])
    api.post(f"/apis/example.org/v1/namespaces/{name}/widgets", {"metadata": {"name": "w"}, "spec": {}})
    answer = api.delete(f"/api/v1/namespaces/{name}").json
    assert answer["status"]["phase"] == "Terminating"
    eventually(lambda: api.get(CM.format(name)).json["items"][1:] == [])
    refused = api.post(CM.format(name), {"metadata": {"name": "late"}})
    assert refused.status == 403
    assert refused.json["message"] == ('configmaps "late" is forbidden: unable to create new content in namespace doomed '
                                       "because it is being terminated")
    assert refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    obj = eventually(lambda: (o := api.get(f"/api/v1/namespaces/{name}").json)["status"].get("conditions") and o)
    remaining = {c["type"]: c for c in obj["status"]["conditions"]}
    assert remaining["NamespaceContentRemaining"]["message"] == "Some resources are remaining: configmaps. has 1 resource instances"
    assert "example.org/hold in 1 resource instances" in remaining["NamespaceFinalizersRemaining"]["message"]
    api.patch(CM.format(name) + "/held", {"metadata": {"finalizers": None}})
    eventually(lambda: api.get(f"/api/v1/namespaces/{name}").status == 404)
    assert api.post("/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    assert api.get(CM.format(name)).json["items"] == []
    api.delete(f"/api/v1/namespaces/{name}")


def test_system_namespaces_stay(api):
    answer = api.delete("/api/v1/namespaces/default")
    assert answer.status == 403
    assert answer.json["message"] == 'namespaces "default" is forbidden: this namespace may not be deleted'
    names = [o["metadata"]["name"] for o in api.get("/api/v1/namespaces").json["items"]]
    assert {"default", "kube-system", "kube-public", "kube-node-lease", "scia-system"} <= set(names)

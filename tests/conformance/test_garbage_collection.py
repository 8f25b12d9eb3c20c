"""Garbage collection (concepts, "Garbage Collection" and "Owners and Dependents"; KEP-2336 for owners in other
namespaces; the behaviour of kube-controller-manager's garbage collector)."""
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


def refs(api, ns, name):
    return api.get(CM.format(ns) + "/" + name).json["metadata"].get("ownerReferences", [])


def settled(api, ns):
    """When this returns, the collector has looked at everything that was written before."""
    make(api, ns, "marker", {"metadata": {"name": "ghost", "uid": "00000000-1111-4222-8333-444444444444"}})
    eventually(lambda: not exists(api, ns, "marker"))


def widget_ref(widget, **more):
    return {"apiVersion": "example.org/v1", "kind": "Widget", "name": widget["metadata"]["name"],
            "uid": widget["metadata"]["uid"], **more}


def test_only_absent_owners_are_dropped(api, ns):
    owner = make(api, ns, "owner")
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-1111-4222-8333-444444444444"}}
    make(api, ns, "child", ghost, owner)
    left = eventually(lambda: len(r := refs(api, ns, "child")) == 1 and r)
    assert left[0]["name"] == "owner"


def test_an_unknown_kind_decides_nothing_even_with_absent_owners(api, ns):
    ghost = {"apiVersion": "v1", "kind": "ConfigMap", "name": "ghost", "uid": "00000000-1111-4222-8333-444444444444"}
    unknown = {"apiVersion": "nowhere.org/v1", "kind": "Thing", "name": "x", "uid": "00000000-1111-4222-8333-555555555555"}
    api.post(CM.format(ns), {"metadata": {"name": "child", "ownerReferences": [ghost, unknown]}})
    settled(api, ns)
    assert len(refs(api, ns, "child")) == 2


def test_an_unserved_version_decides_nothing(api, ns):
    ref = {"apiVersion": "v9", "kind": "ConfigMap", "name": "x", "uid": "00000000-1111-4222-8333-444444444444"}
    api.post(CM.format(ns), {"metadata": {"name": "child", "ownerReferences": [ref]}})
    settled(api, ns)
    assert exists(api, ns, "child")


def test_an_owner_in_another_namespace_is_absent_and_told_of(api, ns):
    owner = make(api, "default", f"far-{ns}")
    child = make(api, ns, "child", owner)
    eventually(lambda: not exists(api, ns, "child"))
    events = eventually(lambda: [e for e in api.get(f"/api/v1/namespaces/{ns}/events").json["items"]
                                 if e["involvedObject"].get("uid") == child["metadata"]["uid"]])
    event = events[0]
    assert event["reason"] == "OwnerRefInvalidNamespace" and event["type"] == "Warning"
    assert event["source"]["component"] == "garbage-collector-controller"
    assert event["message"] == (f'ownerRef [v1/ConfigMap, namespace: {ns}, name: far-{ns}, uid: {owner["metadata"]["uid"]}] '
                                f'does not exist in namespace "{ns}"')
    assert exists(api, "default", f"far-{ns}")
    api.delete(CM.format("default") + f"/far-{ns}")


def test_a_cluster_scoped_object_cannot_have_a_namespaced_owner(api, ns):
    owner = make(api, ns, "owner")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    assert api.post("/api/v1/namespaces", {"metadata": {"name": f"{ns}-owned", "ownerReferences": [ref]}}).status == 201
    events = eventually(lambda: [e for e in api.get("/api/v1/namespaces/default/events").json["items"]
                                 if e["involvedObject"]["name"] == f"{ns}-owned"])
    assert events[0]["reason"] == "OwnerRefInvalidNamespace"
    assert api.get(f"/api/v1/namespaces/{ns}-owned").json["status"]["phase"] == "Active"
    api.delete(f"/api/v1/namespaces/{ns}-owned")


def test_a_cluster_scoped_owner_of_namespaced_dependents(api, ns):
    owner = api.post("/api/v1/namespaces", {"metadata": {"name": f"{ns}-owner"}}).json
    ref = {"apiVersion": "v1", "kind": "Namespace", "name": f"{ns}-owner", "uid": owner["metadata"]["uid"]}
    api.post(CM.format(ns), {"metadata": {"name": "child", "ownerReferences": [ref]}})
    settled(api, ns)
    assert exists(api, ns, "child")
    api.delete(f"/api/v1/namespaces/{ns}-owner")
    eventually(lambda: not exists(api, ns, "child"))


def test_an_owner_that_comes_again_is_another_one(api, ns):
    owner = make(api, ns, "owner", finalizers=["example.org/hold"])
    make(api, ns, "child", owner)
    api.delete(CM.format(ns) + "/owner")
    api.patch(CM.format(ns) + "/owner", {"metadata": {"finalizers": None}})
    make(api, ns, "owner")
    eventually(lambda: not exists(api, ns, "child"))
    assert exists(api, ns, "owner")


def test_foreground_without_blocking_dependents_does_not_wait(api, ns):
    owner = make(api, ns, "owner")
    make(api, ns, "child", owner, finalizers=["example.org/hold"])
    api.delete(CM.format(ns) + "/owner", {"propagationPolicy": "Foreground"})
    eventually(lambda: not exists(api, ns, "owner"))
    eventually(lambda: "deletionTimestamp" in api.get(CM.format(ns) + "/child").json["metadata"])
    api.patch(CM.format(ns) + "/child", {"metadata": {"finalizers": None}})


def test_foreground_goes_down_the_tree(api, ns):
    owner = make(api, ns, "owner")
    child = make(api, ns, "child", owner, block=True)
    make(api, ns, "grandchild", child, block=True, finalizers=["example.org/hold"])
    api.delete(CM.format(ns) + "/owner", {"propagationPolicy": "Foreground"})
    meta = eventually(lambda: "deletionTimestamp" in (m := api.get(CM.format(ns) + "/child").json["metadata"]) and m)
    assert meta["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: "deletionTimestamp" in api.get(CM.format(ns) + "/grandchild").json["metadata"])
    api.patch(CM.format(ns) + "/grandchild", {"metadata": {"finalizers": None}})
    eventually(lambda: not exists(api, ns, "owner") and not exists(api, ns, "child"))


def test_foreground_goes_on_when_a_dependent_is_set_free(api, ns):
    owner = make(api, ns, "owner")
    make(api, ns, "child", owner, block=True, finalizers=["example.org/hold"])
    api.delete(CM.format(ns) + "/owner", {"propagationPolicy": "Foreground"})
    eventually(lambda: "deletionTimestamp" in api.get(CM.format(ns) + "/child").json["metadata"])
    api.patch(CM.format(ns) + "/child", {"metadata": {"ownerReferences": None}})
    eventually(lambda: not exists(api, ns, "owner"))
    api.patch(CM.format(ns) + "/child", {"metadata": {"finalizers": None}})


def test_a_second_owner_keeps_a_dependent_from_a_foreground_deletion(api, ns):
    one, two = make(api, ns, "one"), make(api, ns, "two")
    make(api, ns, "child", one, two, block=True)
    api.delete(CM.format(ns) + "/one", {"propagationPolicy": "Foreground"})
    eventually(lambda: not exists(api, ns, "one"))
    assert [r["name"] for r in refs(api, ns, "child")] == ["two"]


def test_owners_in_a_circle(api, ns):
    a = make(api, ns, "a")
    b = make(api, ns, "b", a, block=True)
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": b["metadata"]["uid"], "blockOwnerDeletion": True}
    api.patch(CM.format(ns) + "/a", {"metadata": {"ownerReferences": [ref]}})
    settled(api, ns)
    assert exists(api, ns, "a") and exists(api, ns, "b")
    api.delete(CM.format(ns) + "/a", {"propagationPolicy": "Foreground"})
    eventually(lambda: not exists(api, ns, "a") and not exists(api, ns, "b"))


def test_an_object_that_owns_itself_stays(api, ns):
    made = make(api, ns, "self")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "self", "uid": made["metadata"]["uid"]}
    api.patch(CM.format(ns) + "/self", {"metadata": {"ownerReferences": [ref]}})
    settled(api, ns)
    assert exists(api, ns, "self")
    api.delete(CM.format(ns) + "/self")
    eventually(lambda: not exists(api, ns, "self"))


def test_orphaning_leaves_other_owners(api, ns):
    one, two = make(api, ns, "one"), make(api, ns, "two")
    make(api, ns, "child", one, two)
    api.delete(CM.format(ns) + "/one", {"propagationPolicy": "Orphan"})
    eventually(lambda: not exists(api, ns, "one"))
    assert [r["name"] for r in refs(api, ns, "child")] == ["two"]


def test_a_dependents_own_policy_is_kept(api, ns):
    owner = make(api, ns, "owner")
    child = make(api, ns, "child", owner, finalizers=["orphan"])
    make(api, ns, "grandchild", child)
    api.delete(CM.format(ns) + "/owner")
    eventually(lambda: not exists(api, ns, "child"))
    assert exists(api, ns, "grandchild") and refs(api, ns, "grandchild") == []


def test_many_dependents(api, ns):
    owner = make(api, ns, "owner")
    for i in range(150):
        make(api, ns, f"child-{i}", owner)
    api.delete(CM.format(ns) + "/owner")
    eventually(lambda: api.get(CM.format(ns)).json["items"] == [], 20)


def test_instances_of_a_deleted_definition_take_their_dependents(api, ns):
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "cogs.gone.example.org"},
           "spec": {"group": "gone.example.org", "scope": "Namespaced", "names": {"plural": "cogs", "kind": "Cog"}, "versions": [
               {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
    assert api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd).status == 201
    cog = eventually(lambda: (a := api.post(f"/apis/gone.example.org/v1/namespaces/{ns}/cogs", {"metadata": {"name": "c"}})).status == 201 and a.json)
    ref = {"apiVersion": "gone.example.org/v1", "kind": "Cog", "name": "c", "uid": cog["metadata"]["uid"]}
    api.post(CM.format(ns), {"metadata": {"name": "child", "ownerReferences": [ref]}})
    settled(api, ns)
    api.delete(f"/apis/gone.example.org/v1/namespaces/{ns}/cogs/c")
    eventually(lambda: not exists(api, ns, "child"))
    api.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/cogs.gone.example.org")


def test_a_custom_owner_in_the_foreground(api, ns):
    path = f"/apis/example.org/v1/namespaces/{ns}/widgets"
    owner = api.post(path, {"metadata": {"name": "w"}, "spec": {}}).json
    child = {"metadata": {"name": "child", "ownerReferences": [widget_ref(owner, blockOwnerDeletion=True)]}}
    assert api.post(CM.format(ns), child).status == 201
    api.delete(path + "/w", {"propagationPolicy": "Foreground"})
    eventually(lambda: api.get(path + "/w").status == 404 and not exists(api, ns, "child"))

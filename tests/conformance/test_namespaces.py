"""Namespaces (concepts, "Namespaces"; the behaviour and conditions of kube-controller-manager's namespace controller)."""
from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"
NS = "/api/v1/namespaces"


def make(api, ns, name, **meta):
    answer = api.post(CM.format(ns), {"metadata": {"name": name, **meta}})
    assert answer.status == 201, answer
    return answer.json


def conditions(api, name):
    obj = api.get(f"{NS}/{name}").json
    return {c["type"]: c for c in obj.get("status", {}).get("conditions", [])}


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


def test_all_conditions_while_something_remains(api):
    name = "remaining"
    api.post(NS, {"metadata": {"name": name}})
    for i in range(2):
        make(api, name, f"c{i}", finalizers=["example.org/b", "example.org/a"])
    api.post(f"/apis/example.org/v1/namespaces/{name}/widgets", {"metadata": {"name": "w", "finalizers": ["example.org/a"]}, "spec": {}})
    api.delete(f"{NS}/{name}")
    found = eventually(lambda: len(c := conditions(api, name)) == 5 and c)
    assert [(t, found[t]["status"], found[t]["reason"], found[t]["message"]) for t in found] == [
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", "False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain",
         "Some resources are remaining: configmaps. has 2 resource instances, widgets.example.org has 1 resource instances"),
        ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
         "Some content in the namespace has finalizers remaining: example.org/a in 3 resource instances, example.org/b in 2 resource instances"),
    ]
    assert all(c["lastTransitionTime"] for c in found.values())
    for i in range(2):
        api.patch(CM.format(name) + f"/c{i}", {"metadata": {"finalizers": None}})
    eventually(lambda: "configmaps" not in conditions(api, name)["NamespaceContentRemaining"]["message"])
    api.patch(f"/apis/example.org/v1/namespaces/{name}/widgets/w", {"metadata": {"finalizers": None}})
    eventually(lambda: api.get(f"{NS}/{name}").status == 404)


def test_finalizers_of_the_spec_hold_a_namespace(api):
    name = "finalized"
    made = api.post(NS, {"metadata": {"name": name}, "spec": {"finalizers": ["example.org/mine"]}}).json
    assert sorted(made["spec"]["finalizers"]) == ["example.org/mine", "kubernetes"]
    api.delete(f"{NS}/{name}")
    obj = eventually(lambda: (o := api.get(f"{NS}/{name}").json)["spec"].get("finalizers") == ["example.org/mine"] and o)
    # An update cannot take it away, the subresource can.
    obj["spec"]["finalizers"] = []
    assert api.put(f"{NS}/{name}", obj).json["spec"]["finalizers"] == ["example.org/mine"]
    obj = api.get(f"{NS}/{name}").json
    obj["spec"]["finalizers"] = []
    answer = api.put(f"{NS}/{name}/finalize", obj)
    assert answer.status == 200 and answer.json["kind"] == "Namespace"
    eventually(lambda: api.get(f"{NS}/{name}").status == 404)


def test_finalizers_of_the_metadata_hold_a_namespace(api):
    name = "held-namespace"
    api.post(NS, {"metadata": {"name": name, "finalizers": ["example.org/hold"]}})
    assert api.delete(f"{NS}/{name}").json["status"]["phase"] == "Terminating"
    eventually(lambda: not api.get(f"{NS}/{name}").json["spec"].get("finalizers"))
    api.patch(f"{NS}/{name}", {"metadata": {"finalizers": None}})
    eventually(lambda: api.get(f"{NS}/{name}").status == 404)


def test_deleting_again_changes_nothing(api):
    name = "twice"
    api.post(NS, {"metadata": {"name": name, "finalizers": ["example.org/hold"]}})
    first = api.delete(f"{NS}/{name}")
    again = api.delete(f"{NS}/{name}")
    assert again.status == 200 and again.json["metadata"]["deletionTimestamp"] == first.json["metadata"]["deletionTimestamp"]
    api.patch(f"{NS}/{name}", {"metadata": {"finalizers": None}})


def test_content_needs_its_namespace(api):
    answer = api.post(CM.format("nowhere"), {"metadata": {"name": "a"}})
    assert answer.status == 404 and answer.json["message"] == 'namespaces "nowhere" not found'
    assert answer.json["details"] == {"name": "nowhere", "kind": "namespaces"}
    assert api.get(CM.format("nowhere")).json["items"] == []  # lists and watches do not ask whether it is there


def test_a_namespace_that_comes_again_begins_empty(api):
    name = "again"
    for _ in range(2):
        assert api.post(NS, {"metadata": {"name": name}}).status == 201
        assert api.get(CM.format(name)).json["items"] == []
        make(api, name, "c")
        eventually(lambda: api.get(f"/api/v1/namespaces/{name}/serviceaccounts/default").status == 200)
        api.delete(f"{NS}/{name}")
        eventually(lambda: api.get(f"{NS}/{name}").status == 404)


def test_the_default_account_comes_back(api, ns):
    path = f"/api/v1/namespaces/{ns}/serviceaccounts/default"
    first = eventually(lambda: (a := api.get(path)).status == 200 and a.json)
    api.delete(path)
    eventually(lambda: (a := api.get(path)).status == 200 and a.json["metadata"]["uid"] != first["metadata"]["uid"])


def test_which_namespaces_stay(api):
    for name in ("default", "kube-system", "kube-public"):
        answer = api.delete(f"{NS}/{name}")
        assert answer.status == 403 and answer.json["reason"] == "Forbidden"
        assert answer.json["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    first = api.get(f"{NS}/kube-node-lease").json
    assert api.delete(f"{NS}/kube-node-lease").status == 200
    eventually(lambda: (a := api.get(f"{NS}/kube-node-lease")).status == 200 and a.json["metadata"]["uid"] != first["metadata"]["uid"])


def test_a_terminating_namespace_still_takes_changes(api):
    name = "changing"
    api.post(NS, {"metadata": {"name": name}})
    make(api, name, "c", finalizers=["example.org/hold"])
    api.delete(f"{NS}/{name}")
    assert api.patch(CM.format(name) + "/c", {"data": {"x": "y"}}).status == 200
    refused = api.post(CM.format(name), {"metadata": {"generateName": "late-"}})
    assert refused.status == 403 and refused.json["details"]["causes"] == [
        {"reason": "NamespaceTerminating", "message": f"namespace {name} is being terminated", "field": "metadata.namespace"}]
    api.patch(CM.format(name) + "/c", {"metadata": {"finalizers": None}})

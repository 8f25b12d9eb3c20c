"""Deleting (API concepts, "Resource deletion"; concepts, "Finalizers"; KEP-1904 and the reference of DeleteOptions)."""
import pytest
from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"
SA = "/api/v1/namespaces/{}/serviceaccounts"
SECRET = "/api/v1/namespaces/{}/secrets"


def body_of(path, **meta):
    return {"metadata": meta, **({"spec": {}} if "widgets" in path else {})}


def make(api, path, **meta):
    answer = api.post(path, body_of(path, **meta))
    assert answer.status == 201, answer
    return answer.json


@pytest.mark.parametrize("path, group, plural", [(CM, None, "configmaps"), (SECRET, None, "secrets"), (WD, "example.org", "widgets")])
def test_an_immediate_deletion_answers_with_a_status(api, ns, path, group, plural):
    made = make(api, path.format(ns), name="a")
    answer = api.delete(path.format(ns) + "/a")
    details = {"name": "a", "kind": plural, "uid": made["metadata"]["uid"], **({"group": group} if group else {})}
    assert answer.status == 200
    assert answer.json == {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    assert api.delete(path.format(ns) + "/a").status == 404


def test_some_kinds_answer_with_the_object(api, ns):
    made = make(api, SA.format(ns), name="robot")
    answer = api.delete(SA.format(ns) + "/robot")
    assert answer.status == 200 and answer.json["kind"] == "ServiceAccount"
    assert answer.json["metadata"]["uid"] == made["metadata"]["uid"]
    assert api.get(SA.format(ns) + "/robot").status == 404


@pytest.mark.parametrize("path", [CM, WD])
def test_finalizers_hold_the_object(api, ns, path):
    made = make(api, path.format(ns), name="a", finalizers=["example.org/hold"])
    answer = api.delete(path.format(ns) + "/a")
    assert answer.status == 200
    meta = answer.json["metadata"]
    assert meta["deletionTimestamp"] and meta["deletionGracePeriodSeconds"] == 0 and meta["uid"] == made["metadata"]["uid"]
    assert meta.get("generation", 1) == (2 if "generation" in made["metadata"] else 1)
    # Again: it is on its way already, and nothing changes.
    again = api.delete(path.format(ns) + "/a")
    assert again.status == 200 and again.json["metadata"]["resourceVersion"] == meta["resourceVersion"]
    patched = api.patch(path.format(ns) + "/a", {"metadata": {"finalizers": None}})
    assert patched.status == 200 and api.get(path.format(ns) + "/a").status == 404


@pytest.mark.parametrize("path", [CM, WD])
def test_what_is_being_deleted_takes_no_new_finalizers(api, ns, path):
    make(api, path.format(ns), name="a", finalizers=["example.org/hold"])
    api.delete(path.format(ns) + "/a")
    answer = api.patch(path.format(ns) + "/a", {"metadata": {"finalizers": ["example.org/hold", "example.org/new"]}})
    assert answer.status == 422
    assert ('metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers '
            '[]string{"example.org/new"}') in answer.json["message"]
    # Other changes are allowed, and the time of the deletion stays.
    before = api.get(path.format(ns) + "/a").json["metadata"]
    changed = api.patch(path.format(ns) + "/a", {"metadata": {"labels": {"x": "y"}, "deletionTimestamp": None}}).json["metadata"]
    assert changed["labels"] == {"x": "y"} and changed["deletionTimestamp"] == before["deletionTimestamp"]


def test_a_client_cannot_set_the_time_of_deletion(api, ns):
    made = make(api, CM.format(ns), name="a", deletionTimestamp="2030-01-01T00:00:00Z", deletionGracePeriodSeconds=5)
    assert "deletionTimestamp" not in made["metadata"] and "deletionGracePeriodSeconds" not in made["metadata"]


@pytest.mark.parametrize("path, kind, group", [(CM, "ConfigMap", None), (WD, "Widget", "example.org")])
def test_preconditions(api, ns, path, kind, group):
    made = make(api, path.format(ns), name="a")["metadata"]
    words = f"{kind}.{group}" if group else kind
    answer = api.delete(path.format(ns) + "/a", {"preconditions": {"uid": "other"}})
    assert answer.status == 409 and answer.json["reason"] == "Conflict"
    assert answer.json["message"] == (
        f'Operation cannot be fulfilled on {words} "a": the UID in the precondition (other) does not match the UID in record '
        f'({made["uid"]}). The object might have been deleted and then recreated')
    assert answer.json["details"] == {"name": "a", "kind": kind, **({"group": group} if group else {})}
    answer = api.delete(path.format(ns) + "/a", {"preconditions": {"resourceVersion": "1"}})
    assert answer.status == 409 and answer.json["message"] == (
        f'Operation cannot be fulfilled on {words} "a": the ResourceVersion in the precondition (1) does not match the '
        f'ResourceVersion in record ({made["resourceVersion"]}). The object might have been modified')
    both = {"preconditions": {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}}
    assert api.delete(path.format(ns) + "/a", both).status == 200


def test_preconditions_of_namespaces(api, ns):
    answer = api.delete(f"/api/v1/namespaces/{ns}", {"preconditions": {"uid": "other"}})
    assert answer.status == 409
    assert answer.json["message"].startswith(f'Operation cannot be fulfilled on namespaces "{ns}": Precondition failed: UID in precondition: other, UID in object meta: ')


BOTH = "propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set"
UNKNOWN = 'propagationPolicy: Unsupported value: "Perhaps": supported values: "Foreground", "Background", "Orphan", "nil"'
DRY = 'dryRun: Unsupported value: []string{"Some"}: supported values: "All"'


@pytest.mark.parametrize("options, message", [
    ({"propagationPolicy": "Orphan", "orphanDependents": True}, BOTH), ({"propagationPolicy": "Perhaps"}, UNKNOWN),
    ({"dryRun": ["Some"]}, DRY),
])
@pytest.mark.parametrize("where", ["body", "query"])
@pytest.mark.parametrize("what", ["one", "collection"])
def test_wrong_delete_options(api, ns, options, message, where, what):
    make(api, CM.format(ns), name="a")
    path = CM.format(ns) + ("/a" if what == "one" else "")
    if where == "body":
        answer = api.delete(path, options)
    else:
        query = {k: v[0] if isinstance(v, list) else str(v).lower() if isinstance(v, bool) else v for k, v in options.items()}
        answer = api.delete(path, **query)
    assert answer.status == 422 and answer.json["message"] == f'DeleteOptions.meta.k8s.io "" is invalid: {message}'
    assert answer.json["details"]["kind"] == "DeleteOptions" and answer.json["details"]["group"] == "meta.k8s.io"
    assert api.get(CM.format(ns) + "/a").status == 200


def test_a_body_takes_the_place_of_the_query(api, ns):
    make(api, CM.format(ns), name="a")
    answer = api.delete(CM.format(ns) + "/a", {"propagationPolicy": "Background"}, propagationPolicy="Perhaps", dryRun="All")
    assert answer.status == 200 and api.get(CM.format(ns) + "/a").status == 404


@pytest.mark.parametrize("body, status", [
    ({"kind": "DeleteOptions", "apiVersion": "v1"}, 200), ({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}, 200),
    ({}, 200), ({"gracePeriodSeconds": 0}, 200), ({"gracePeriodSeconds": -1}, 200), ({"kind": "Pod", "apiVersion": "v1"}, 500),
])
def test_bodies(api, ns, body, status):
    make(api, CM.format(ns), name="a")
    assert api.delete(CM.format(ns) + "/a", body).status == status


def test_a_body_that_is_no_json(api, ns):
    make(api, CM.format(ns), name="a")
    assert api.request("DELETE", CM.format(ns) + "/a", "{", raw=True).status == 500
    assert api.request("DELETE", CM.format(ns) + "/a", "propagationPolicy: Background", raw=True,
                       headers={"Content-Type": "application/yaml"}).status == 200


def test_dry_run(api, ns):
    make(api, CM.format(ns), name="a")
    for how in ({"query": {"dryRun": "All"}}, {"body": {"dryRun": ["All"]}}):
        answer = api.delete(CM.format(ns) + "/a", how.get("body"), **how.get("query", {}))
        assert answer.status == 200 and answer.json["status"] == "Success"
    assert api.delete(CM.format(ns), dryRun="All").status == 200
    make(api, CM.format(ns), name="held", finalizers=["example.org/hold"])
    answer = api.delete(CM.format(ns) + "/held", dryRun="All")
    assert answer.json["metadata"]["deletionTimestamp"]
    assert "deletionTimestamp" not in api.get(CM.format(ns) + "/held").json["metadata"]
    assert api.get(CM.format(ns) + "/a").status == 200


@pytest.mark.parametrize("options, finalizers, status", [
    ({}, None, 200), ({"propagationPolicy": "Foreground"}, ["foregroundDeletion"], 200),
    ({"propagationPolicy": "Orphan"}, ["orphan"], 200), ({"orphanDependents": True}, ["orphan"], 200),
    ({"propagationPolicy": "Background"}, None, 200), ({"orphanDependents": False}, None, 202),
])
def test_propagation_is_kept_as_a_finalizer(api, ns, options, finalizers, status):
    make(api, CM.format(ns), name="a", finalizers=["example.org/hold"])
    answer = api.delete(CM.format(ns) + "/a", options)
    assert answer.status == status
    assert answer.json["metadata"]["finalizers"] == ["example.org/hold", *(finalizers or [])]


def test_a_later_deletion_changes_the_propagation(api, ns):
    make(api, CM.format(ns), name="a", finalizers=["example.org/hold", "foregroundDeletion"])
    answer = api.delete(CM.format(ns) + "/a", {"propagationPolicy": "Background"})
    assert answer.json["metadata"]["finalizers"] == ["example.org/hold"]


# ---- collections ----

def names(answer):
    assert answer.status == 200, answer
    return [o["metadata"]["name"] for o in answer.json["items"]]


@pytest.mark.parametrize("path", [CM, WD])
def test_a_collection(api, ns, path):
    for name in "abc":
        make(api, path.format(ns), name=name)
    answer = api.delete(path.format(ns))
    assert answer.json["kind"].endswith("List") and names(answer) == ["a", "b", "c"]
    assert names(api.get(path.format(ns))) == []


def test_a_selected_collection(api, ns):
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red"), ("d", "blue")):
        make(api, CM.format(ns), name=name, labels={"color": color})
    assert names(api.delete(CM.format(ns), labelSelector="color=red")) == ["a", "c"]
    assert names(api.delete(CM.format(ns), fieldSelector="metadata.name=d")) == ["d"]
    assert names(api.get(CM.format(ns))) == ["b"]
    assert names(api.delete(CM.format(ns), labelSelector="color=green")) == []


def test_a_collection_by_pages(api, ns):
    for i in range(7):
        make(api, CM.format(ns), name=f"c{i}")
    first = api.delete(CM.format(ns), limit=3)
    assert names(first) == ["c0", "c1", "c2"] and first.json["metadata"]["remainingItemCount"] == 4
    assert names(api.get(CM.format(ns))) == ["c3", "c4", "c5", "c6"]
    second = api.delete(CM.format(ns), limit=3, **{"continue": first.json["metadata"]["continue"]})
    assert names(second) == ["c3", "c4", "c5"]


def test_a_collection_with_finalizers(api, ns):
    make(api, CM.format(ns), name="a")
    make(api, CM.format(ns), name="b", finalizers=["example.org/hold"])
    assert names(api.delete(CM.format(ns))) == ["a", "b"]
    left = api.get(CM.format(ns)).json["items"]
    assert [o["metadata"]["name"] for o in left] == ["b"] and left[0]["metadata"]["deletionTimestamp"]
    api.patch(CM.format(ns) + "/b", {"metadata": {"finalizers": None}})


def test_a_collection_in_the_foreground(api, ns):
    owner = make(api, CM.format(ns), name="owner")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], "blockOwnerDeletion": True}
    make(api, CM.format(ns), name="child", ownerReferences=[ref], finalizers=["example.org/hold"], labels={"a": "b"})
    api.delete(CM.format(ns), {"propagationPolicy": "Foreground"}, labelSelector="!a")
    assert api.get(CM.format(ns) + "/owner").json["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: "deletionTimestamp" in api.get(CM.format(ns) + "/child").json["metadata"])
    api.patch(CM.format(ns) + "/child", {"metadata": {"finalizers": None}})
    eventually(lambda: api.get(CM.format(ns) + "/owner").status == 404)


def test_a_large_collection(api, ns):
    for i in range(600):
        assert api.post(CM.format(ns), {"metadata": {"name": f"c{i:03}"}}).status == 201
    assert len(names(api.delete(CM.format(ns)))) == 600
    assert names(api.get(CM.format(ns))) == []


def test_collections_of_all_namespaces_cannot_be_deleted(api):
    # There is no such path in Kubernetes: namespaced kinds are deleted one namespace after another.
    assert api.delete("/api/v1/configmaps").status == 405

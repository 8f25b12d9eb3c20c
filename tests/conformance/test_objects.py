"""Create, read, update, delete and what the server does to metadata (API concepts; API conventions)."""
import pytest

import re

from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"


def widget(name, **spec):
    return {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_create_sets_metadata(api, ns):
    answer = api.post(WD.format(ns), widget("a"))
    assert answer.status == 201
    meta = answer.json["metadata"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", meta["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["creationTimestamp"])
    assert meta["generation"] == 1
    assert meta["namespace"] == ns
    assert int(meta["resourceVersion"]) > 0
    assert api.get(WD.format(ns) + "/a").json == answer.json


def test_create_ignores_what_only_the_server_sets(api, ns):
    obj = widget("a")
    obj["metadata"].update(uid="mine", creationTimestamp="2001-01-01T00:00:00Z", generation=7, selfLink="/x",
                           deletionTimestamp="2001-01-01T00:00:00Z")
    meta = api.post(WD.format(ns), obj).json["metadata"]
    assert meta["uid"] != "mine" and not meta["creationTimestamp"].startswith("2001")
    assert meta["generation"] == 1 and "selfLink" not in meta and "deletionTimestamp" not in meta


def test_create_twice_conflicts(api, ns):
    api.post(CM.format(ns), config_map("a"))
    answer = api.post(CM.format(ns), config_map("a"))
    assert answer.status == 409
    status = answer.json
    assert status["kind"] == "Status" and status["reason"] == "AlreadyExists" and status["code"] == 409
    assert status["message"] == 'configmaps "a" already exists'
    assert status["details"] == {"name": "a", "kind": "configmaps"}


def test_create_with_resource_version_is_refused(api, ns):
    obj = config_map("a")
    obj["metadata"]["resourceVersion"] = "5"
    answer = api.post(CM.format(ns), obj)
    assert answer.status >= 400
    assert answer.json["message"] == "resourceVersion should not be set on objects to be created"


def test_generate_name(api, ns):
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}
    names = {api.post(CM.format(ns), obj).json["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(r"made-[bcdfghjklmnpqrstvwxz2456789]{5}", n) for n in names)


def test_create_needs_a_name(api, ns):
    answer = api.post(CM.format(ns), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    assert answer.status == 422
    assert answer.json["message"] == ('ConfigMap "" is invalid: metadata.name: Required value: '
                                      "name or generateName is required")
    assert answer.json["details"]["causes"] == [{"reason": "FieldValueRequired", "field": "metadata.name",
                                                 "message": "Required value: name or generateName is required"}]


def test_create_checks_names(api, ns):
    answer = api.post(CM.format(ns), config_map("Not_Good"))
    assert answer.status == 422
    assert 'metadata.name: Invalid value: "Not_Good": a lowercase RFC 1123 subdomain must consist of' in answer.json["message"]


def test_create_checks_labels(api, ns):
    obj = config_map("a")
    obj["metadata"]["labels"] = {"bad key": "x", "good": "bad value!"}
    answer = api.post(CM.format(ns), obj)
    assert answer.status == 422
    assert len(answer.json["details"]["causes"]) == 2
    assert answer.json["message"].startswith('ConfigMap "a" is invalid: [metadata.labels: Invalid value: "bad key": ')


def test_create_refuses_wrong_types_in_metadata(api, ns):
    obj = config_map("a")
    obj["metadata"]["labels"] = {"a": 5}
    answer = api.post(CM.format(ns), obj)
    assert answer.status == 400
    assert "cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string" in answer.json["message"]


def test_create_checks_kind_and_version(api, ns):
    answer = api.post(CM.format(ns), {**config_map("a"), "kind": "Secret"})
    assert answer.status == 400
    answer = api.post(CM.format(ns), {**config_map("a"), "apiVersion": "v2"})
    assert answer.status == 400 and 'no kind "ConfigMap" is registered for version "v2"' in answer.json["message"]
    answer = api.post(WD.format(ns), {**widget("a"), "apiVersion": "example.org/v2"})
    assert answer.status == 400 and "does not match the expected API version" in answer.json["message"]


def test_create_in_other_namespace_than_the_path_says(api, ns):
    obj = config_map("a")
    obj["metadata"]["namespace"] = "elsewhere"
    answer = api.post(CM.format(ns), obj)
    assert answer.status == 400
    assert answer.json["message"] == "the namespace of the provided object does not match the namespace sent on the request"


def test_create_in_a_missing_namespace(api):
    answer = api.post(CM.format("nowhere"), config_map("a"))
    assert answer.status == 404
    assert answer.json["message"] == 'namespaces "nowhere" not found'
    assert answer.json["details"] == {"name": "nowhere", "kind": "namespaces"}


def test_get_of_what_is_not_there(api, ns):
    answer = api.get(WD.format(ns) + "/nope")
    assert answer.status == 404
    assert answer.json["message"] == 'widgets.example.org "nope" not found'
    assert answer.json["details"] == {"name": "nope", "group": "example.org", "kind": "widgets"}


def test_update_needs_the_version_it_changes(api, ns):
    first = api.post(WD.format(ns), widget("a", size=1)).json
    second = api.put(WD.format(ns) + "/a", {**first, "spec": {"size": 2}})
    assert second.status == 200 and second.json["metadata"]["generation"] == 2
    stale = api.put(WD.format(ns) + "/a", {**first, "spec": {"size": 3}})
    assert stale.status == 409
    assert stale.json["reason"] == "Conflict"
    assert stale.json["message"] == ('Operation cannot be fulfilled on widgets.example.org "a": the object has been modified; '
                                     "please apply your changes to the latest version and try again")
    none = widget("a", size=4)
    assert api.put(WD.format(ns) + "/a", none).status == 422


def test_update_of_built_in_types_may_be_unconditional(api, ns):
    api.post(CM.format(ns), config_map("a", x="1"))
    answer = api.put(CM.format(ns) + "/a", config_map("a", x="2"))
    assert answer.status == 200 and answer.json["data"] == {"x": "2"}


def test_update_keeps_identity(api, ns):
    first = api.post(CM.format(ns), config_map("a")).json
    other = config_map("a", x="1")
    answer = api.put(CM.format(ns) + "/a", other).json
    for key in ("uid", "creationTimestamp", "name", "namespace"):
        assert answer["metadata"][key] == first["metadata"][key]
    wrong = {**other, "metadata": {"name": "a", "uid": "11111111-2222-3333-4444-555555555555"}}
    answer = api.put(CM.format(ns) + "/a", wrong)
    assert answer.status == 409 and "Precondition failed: UID in precondition" in answer.json["message"]


def test_update_with_another_name(api, ns):
    api.post(CM.format(ns), config_map("a"))
    answer = api.put(CM.format(ns) + "/a", config_map("b"))
    assert answer.status == 400
    assert answer.json["message"] == "the name of the object (b) does not match the name on the URL (a)"
    missing = api.put(CM.format(ns) + "/zz", config_map("b"))  # said before it is looked for
    assert missing.status == 400


@pytest.mark.parametrize("method, body, media_type", [
    ("PUT", {"data": {"a": "b"}}, "application/json"),
    ("PATCH", {"metadata": {"name": None}}, "application/merge-patch+json"),
])
def test_what_is_written_bears_its_name(api, ns, method, body, media_type):
    """staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go: checkName."""
    api.post(CM.format(ns), config_map("a"))
    answer = api.request(method, CM.format(ns) + "/a", body, {"Content-Type": media_type})
    assert answer.status == 400 and answer.json["reason"] == "BadRequest"
    assert answer.json["message"] == "the name of the object (a based on URL) was undeterminable: name must be provided"


def test_apply_names_what_it_creates(api, ns):
    """An apply to what is there need not."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    path, media_type = CM.format(ns) + "/a?fieldManager=m", {"Content-Type": "application/apply-patch+yaml"}
    answer = api.request("PATCH", path, body, media_type)
    assert answer.status == 400 and "name must be provided" in answer.json["message"]
    api.post(CM.format(ns), config_map("a"))
    assert api.request("PATCH", path, body, media_type).status == 200


def test_update_without_change_writes_nothing(api, ns):
    first = api.post(WD.format(ns), widget("a", size=1)).json
    again = api.put(WD.format(ns) + "/a", first).json
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_generation_counts_changes_of_the_spec_only(api, ns):
    obj = api.post(WD.format(ns), widget("a", size=1)).json
    obj["metadata"]["labels"] = {"a": "b"}
    obj = api.put(WD.format(ns) + "/a", obj).json
    assert obj["metadata"]["generation"] == 1
    obj["status"] = {"phase": "Ready"}
    obj = api.put(WD.format(ns) + "/a/status", obj).json
    assert obj["metadata"]["generation"] == 1 and obj["status"] == {"phase": "Ready"}
    obj["spec"]["size"] = 2
    assert api.put(WD.format(ns) + "/a", obj).json["metadata"]["generation"] == 2


def test_status_is_a_subresource_of_its_own(api, ns):
    obj = api.post(WD.format(ns), {**widget("a", size=1), "status": {"phase": "Dreamt"}}).json
    assert "status" not in obj
    changed = {**obj, "spec": {"size": 9}, "status": {"phase": "Real"}}
    answer = api.put(WD.format(ns) + "/a/status", changed).json
    assert answer["spec"]["size"] == 1 and answer["status"]["phase"] == "Real"
    changed = {**answer, "spec": {"size": 9}, "status": {"phase": "Dreamt"}}
    answer = api.put(WD.format(ns) + "/a", changed).json
    assert answer["spec"]["size"] == 9 and answer["status"]["phase"] == "Real"


def test_delete_tells_what_went(api, ns):
    uid = api.post(WD.format(ns), widget("a")).json["metadata"]["uid"]
    answer = api.delete(WD.format(ns) + "/a")
    assert answer.status == 200
    assert answer.json["status"] == "Success"
    assert answer.json["details"] == {"name": "a", "group": "example.org", "kind": "widgets", "uid": uid}
    assert api.get(WD.format(ns) + "/a").status == 404
    assert api.delete(WD.format(ns) + "/a").status == 404


def test_delete_preconditions(api, ns):
    obj = api.post(CM.format(ns), config_map("a")).json
    answer = api.delete(CM.format(ns) + "/a", {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "no"}})
    assert answer.status == 409 and "the UID in the precondition (no) does not match the UID in record" in answer.json["message"]
    answer = api.delete(CM.format(ns) + "/a", {"preconditions": {"resourceVersion": "1"}})
    assert answer.status == 409
    version = obj["metadata"]["resourceVersion"]
    assert api.delete(CM.format(ns) + "/a", {"preconditions": {"resourceVersion": version}}).status == 200


def test_finalizers_hold_a_deleted_object(api, ns):
    obj = widget("a")
    obj["metadata"]["finalizers"] = ["example.org/hold"]
    api.post(WD.format(ns), obj)
    answer = api.delete(WD.format(ns) + "/a")
    assert answer.status == 200 and answer.json["metadata"]["deletionTimestamp"]
    assert answer.json["metadata"]["deletionGracePeriodSeconds"] == 0
    assert answer.json["metadata"]["generation"] == 2
    again = api.delete(WD.format(ns) + "/a").json
    assert again["metadata"]["resourceVersion"] == answer.json["metadata"]["resourceVersion"]
    added = api.patch(WD.format(ns) + "/a", {"metadata": {"finalizers": ["example.org/hold", "example.org/more"]}})
    assert added.status == 422 and "no new finalizers can be added if the object is being deleted" in added.json["message"]
    gone = api.patch(WD.format(ns) + "/a", {"metadata": {"finalizers": None}})
    assert gone.status == 200
    assert api.get(WD.format(ns) + "/a").status == 404


def test_delete_collection_by_selector(api, ns):
    for i in range(6):
        obj = config_map(f"c{i}")
        obj["metadata"]["labels"] = {"odd": str(i % 2)}
        api.post(CM.format(ns), obj)
    answer = api.delete(CM.format(ns), labelSelector="odd=1")
    assert answer.status == 200 and answer.json["kind"] == "ConfigMapList"
    left = [o["metadata"]["name"] for o in api.get(CM.format(ns)).json["items"]]
    assert left == ["c0", "c2", "c4"]


def test_dry_run_stores_nothing(api, ns):
    answer = api.post(WD.format(ns), widget("a"), dryRun="All")
    assert answer.status == 201 and answer.json["spec"]["color"] == "red"
    assert api.get(WD.format(ns) + "/a").status == 404
    obj = api.post(WD.format(ns), widget("a", size=1)).json
    answer = api.patch(WD.format(ns) + "/a", {"spec": {"size": 5}}, dryRun="All")
    assert answer.json["spec"]["size"] == 5
    assert api.get(WD.format(ns) + "/a").json == obj
    assert api.delete(WD.format(ns) + "/a", dryRun="All").status == 200
    assert api.get(WD.format(ns) + "/a").status == 200
    assert api.post(WD.format(ns), widget("b", size=11), dryRun="All").status == 422
    assert api.post(WD.format(ns), widget("a"), dryRun="All").status == 409
    assert api.post(WD.format(ns), widget("b"), dryRun="Some").status == 422


def test_yaml_bodies_and_answers(api, ns):
    import yaml
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yam\ndata:\n  k: 'off'\n"
    answer = api.request("POST", CM.format(ns), text, raw=True,
                         headers={"Content-Type": "application/yaml", "Accept": "application/yaml"})
    assert answer.status == 201 and answer.header("Content-Type") == "application/yaml"
    assert yaml.safe_load(answer.body)["data"] == {"k": "off"}


def test_media_types_that_are_not_served(api, ns):
    answer = api.request("POST", CM.format(ns), "x", raw=True, headers={"Content-Type": "text/plain"})
    assert answer.status == 415 and answer.json["reason"] == "UnsupportedMediaType"
    answer = api.request("GET", CM.format(ns), headers={"Accept": "text/csv"})
    assert answer.status == 406 and answer.json["reason"] == "NotAcceptable"


def test_malformed_bodies(api, ns):
    for body in ("", "{", "[]", "17", '{"apiVersion":"v1"', "\0"):
        answer = api.request("POST", CM.format(ns), body, raw=True)
        assert answer.status == 400, (body, answer)
    assert api.request("POST", CM.format(ns), "null", raw=True).status == 422  # to Go an empty object


def test_empty_bodies_of_custom_resources(api, ns):  # apiextensions-apiserver, schemaCoercingDecoder
    for method, path in (("POST", WD.format(ns)), ("PUT", WD.format(ns) + "/a")):
        answer = api.request(method, path, "", raw=True, headers={"Content-Type": "application/json"})
        assert answer.status == 400
        assert answer.json["message"] == (
            "the object provided is unrecognized (must be of type Widget): couldn't get version/kind; "
            "json parse error: unexpected end of JSON input (<empty>)")


def test_unknown_paths(api, ns):
    for path in ("/nope", "/apis/nope.org/v1/x", "/api/v1/nopes", "/api/v1/namespaces/x/secrets/a/b/c", "/api/v2"):
        assert api.get(path).status == 404
    assert api.post("/api/v1/secrets", {}).status == 405
    assert api.request("PUT", CM.format(ns), {}).status == 405


def test_scale_subresource(api, ns):
    api.post(WD.format(ns), widget("a", replicas=3))
    scale = api.get(WD.format(ns) + "/a/scale").json
    assert scale["kind"] == "Scale" and scale["apiVersion"] == "autoscaling/v1" and scale["spec"] == {"replicas": 3}
    answer = api.patch(WD.format(ns) + "/a/scale", {"spec": {"replicas": 5}})
    assert answer.status == 200
    assert api.get(WD.format(ns) + "/a").json["spec"]["replicas"] == 5
    scale = api.get(WD.format(ns) + "/a/scale").json
    scale["spec"]["replicas"] = 0
    assert api.put(WD.format(ns) + "/a/scale", scale).json["spec"] == {}  # as Go writes a zero
    assert api.get(WD.format(ns) + "/a").json["spec"]["replicas"] == 0
    assert api.put(WD.format(ns) + "/a/scale", scale).status == 409


def test_owners_said_twice_are_kept_once(api, ns):  # k8s.io/apiserver pkg/endpoints/handlers/fieldmanager/dedupownerrefs.go
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
    other = {**owner, "controller": True}
    answer = api.post(CM.format(ns), {"metadata": {"name": "a", "ownerReferences": [owner, other, owner]}})
    assert answer.json["metadata"]["ownerReferences"] == [owner, other]
    assert any("contains duplicate entries" in w and w.endswith('observed: u"') for w in answer.warnings)
    assert not api.put(CM.format(ns) + "/a", {"metadata": {"name": "a", "ownerReferences": [owner]}}).warnings


def test_finalizers_of_built_in_kinds_are_qualified(api, ns):  # pkg/apis/core/validation, validateKubeFinalizerName
    answer = api.post(CM.format(ns), {"metadata": {"name": "a", "finalizers": ["orphan", "x"]}})
    assert answer.status == 422 and answer.json["details"]["causes"][0]["field"] == "metadata.finalizers[1]"
    assert "neither a standard finalizer name nor is it fully qualified" in answer.json["message"]
    body = {**widget("a"), "metadata": {"name": "a", "finalizers": ["x"]}}
    assert api.post(WD.format(ns), body).status == 201, "custom resources' need not be"
    api.patch(WD.format(ns) + "/a", {"metadata": {"finalizers": None}})


def test_the_namespace_is_looked_at_before_the_name(api, ns):  # k8s.io/apiserver pkg/endpoints/handlers/update.go
    answer = api.put(CM.format(ns) + "/a", {"metadata": {"name": "b", "namespace": "other"}})
    assert answer.status == 400 and "does not match the namespace sent on the request" in answer.json["message"]


@pytest.mark.parametrize("form", ["Table", "PartialObjectMetadata"])
def test_scale_in_other_forms(api, ns, form):
    api.post(WD.format(ns), widget("a", replicas=3))
    accept = {"Accept": f"application/json;as={form};v=v1;g=meta.k8s.io"}
    answer = api.request("GET", WD.format(ns) + "/a/scale", headers=accept).json
    assert answer["kind"] == form
    if form == "Table":
        assert [c["name"] for c in answer["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
        assert answer["rows"][0]["cells"][:3] == ["a", 3, 0]
    else:
        assert answer["metadata"]["name"] == "a" and "spec" not in answer


def test_secrets(api, ns):
    path = f"/api/v1/namespaces/{ns}/secrets"
    body = {"metadata": {"name": "s"}, "data": {"a": "MQ=="}, "stringData": {"b": "2"}}
    secret = api.post(path, body).json
    assert secret["type"] == "Opaque" and secret["data"] == {"a": "MQ==", "b": "Mg=="} and "stringData" not in secret
    assert api.patch(path + "/s", {"type": "other"}).status == 422
    assert api.post(path, {"metadata": {"name": "t"}, "data": {"a": "not base64!"}}).status in (400, 422)
    assert api.patch(path + "/s", {"immutable": True}).status == 200
    answer = api.patch(path + "/s", {"data": {"a": "Mg=="}})
    assert answer.status == 422 and "field is immutable when `immutable` is set" in answer.json["message"]


def test_secrets_of_known_types(api, ns):
    path = f"/api/v1/namespaces/{ns}/secrets"
    answer = api.post(path, {"metadata": {"name": "t"}, "type": "kubernetes.io/tls", "data": {"tls.crt": ""}})
    assert answer.status == 422 and answer.json["message"] == 'Secret "t" is invalid: data[tls.key]: Required value'
    answer = api.post(path, {"metadata": {"name": "d"}, "type": "kubernetes.io/dockerconfigjson",
                             "stringData": {".dockerconfigjson": "hush"}})
    assert answer.status == 422 and "hush" not in answer.body.decode()
    answer = api.post(path, {"metadata": {"name": "b"}, "type": "kubernetes.io/basic-auth", "stringData": {"username": "u"}})
    assert answer.status == 201


def test_events_are_one_thing_in_two_groups(api, ns):
    core, v1 = f"/api/v1/namespaces/{ns}/events", f"/apis/events.k8s.io/v1/namespaces/{ns}/events"
    made = api.post(core, {"metadata": {"name": "e"}, "involvedObject": {"kind": "Widget", "name": "a", "namespace": ns},
                           "reason": "Made", "message": "it is made", "type": "Normal", "count": 2,
                           "source": {"component": "me"}})
    assert made.status == 201, made
    other = api.get(v1 + "/e").json
    assert other["apiVersion"] == "events.k8s.io/v1"
    assert other["regarding"]["name"] == "a" and other["note"] == "it is made" and other["deprecatedCount"] == 2
    assert other["deprecatedSource"] == {"component": "me"}
    made = api.post(v1, {"metadata": {"name": "f"}, "regarding": {"kind": "Widget", "name": "b", "namespace": ns},
                         "reason": "Made", "note": "another", "type": "Normal", "action": "Making",
                         "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "c", "reportingInstance": "i"})
    assert made.status == 201, made
    assert api.get(core + "/f").json["message"] == "another"
    assert [e["metadata"]["name"] for e in api.get(core, fieldSelector="involvedObject.name=b").json["items"]] == ["f"]
    assert [e["metadata"]["name"] for e in api.get(v1, fieldSelector="regarding.name=a").json["items"]] == ["e"]


def test_every_namespace_has_a_service_account(api, ns):
    eventually(lambda: api.get(f"/api/v1/namespaces/{ns}/serviceaccounts/default").status == 200)
    api.delete(f"/api/v1/namespaces/{ns}/serviceaccounts/default")
    eventually(lambda: api.get(f"/api/v1/namespaces/{ns}/serviceaccounts/default").status == 200)

"""PATCH in its four forms, and field validation (API concepts, "Patch", "Server side field validation";
RFC 6902, RFC 7386; KEP-555 server-side apply)."""
CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"


def widget(name, **spec):
    return {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def manager_fields(obj, manager):
    return next((m for m in obj["metadata"].get("managedFields", []) if m["manager"] == manager), None)


def test_merge_patch(api, ns):
    api.post(CM.format(ns), {"metadata": {"name": "a"}, "data": {"x": "1", "y": "2"}})
    answer = api.patch(CM.format(ns) + "/a", {"data": {"x": None, "z": "3"}})
    assert answer.status == 200 and answer.json["data"] == {"y": "2", "z": "3"}


def test_json_patch(api, ns):
    api.post(CM.format(ns), {"metadata": {"name": "a"}, "data": {"x": "1"}})
    answer = api.patch(CM.format(ns) + "/a", [{"op": "test", "path": "/data/x", "value": "1"},
                                              {"op": "add", "path": "/data/y", "value": "2"},
                                              {"op": "remove", "path": "/data/x"}], "json")
    assert answer.status == 200 and answer.json["data"] == {"y": "2"}
    failed = api.patch(CM.format(ns) + "/a", [{"op": "test", "path": "/data/y", "value": "1"}], "json")
    assert failed.status == 422
    assert failed.json["message"] == "the server rejected our request due to an error in our request"
    assert failed.json["reason"] == "Invalid" and failed.json["details"] == {}
    assert api.patch(CM.format(ns) + "/a", [{"op": "jump"}], "json").status == 422
    malformed = api.patch(CM.format(ns) + "/a", {"not": "a list"}, "json")
    assert malformed.status == 400 and malformed.json["message"].startswith("error decoding patch: json: cannot unmarshal object")
    long = [{"op": "test", "path": "/data/y", "value": "2"}] * 10001
    many = api.patch(CM.format(ns) + "/a", long, "json")
    assert many.status == 413 and many.json["reason"] == "RequestEntityTooLarge"
    assert api.patch(CM.format(ns) + "/a", long[1:], "json").status == 200


def test_strategic_patch_is_for_built_in_types(api, ns):
    path = f"/api/v1/namespaces/{ns}/serviceaccounts"
    api.post(path, {"metadata": {"name": "s"}, "secrets": [{"name": "a"}]})
    answer = api.patch(path + "/s", {"secrets": [{"name": "b"}]}, "strategic")
    assert answer.status == 200, answer
    assert sorted(r["name"] for r in answer.json["secrets"]) == ["a", "b"]
    answer = api.patch(path + "/s", {"secrets": [{"name": "a", "$patch": "delete"}]}, "strategic")
    assert [r["name"] for r in answer.json["secrets"]] == ["b"]
    api.post(WD.format(ns), widget("w"))
    answer = api.patch(WD.format(ns) + "/w", {"spec": {}}, "strategic")
    assert answer.status == 415
    assert answer.json["message"] == ("the body of the request was in an unknown format - accepted media types include: "
                                      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml")


def test_patch_of_what_is_not_there(api, ns):
    for kind, body in (("merge", {}), ("json", []), ("strategic", {})):
        assert api.patch(CM.format(ns) + "/nope", body, kind).status == 404


def test_patch_with_a_version_is_optimistic(api, ns):
    obj = api.post(CM.format(ns), {"metadata": {"name": "a"}}).json
    version = obj["metadata"]["resourceVersion"]
    assert api.patch(CM.format(ns) + "/a", {"metadata": {"resourceVersion": version}, "data": {"x": "1"}}).status == 200
    answer = api.patch(CM.format(ns) + "/a", {"metadata": {"resourceVersion": version}, "data": {"x": "2"}})
    assert answer.status == 409 and answer.json["reason"] == "Conflict"


def test_concurrent_patches_all_succeed(api, ns, server):
    import apiclient
    import threading
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    codes = []

    def work(number):
        own = apiclient.Client(server.kubeconfig)
        for i in range(20):
            codes.append(own.patch(CM.format(ns) + "/a", {"data": {f"k{number}-{i}": "v"}}).status)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert set(codes) == {200}
    assert len(api.get(CM.format(ns) + "/a").json["data"]) == 160


def test_patch_cannot_change_identity(api, ns):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    assert api.patch(CM.format(ns) + "/a", {"metadata": {"name": "b"}}).status == 400
    assert api.patch(CM.format(ns) + "/a", {"metadata": {"namespace": "other"}}).status == 400
    assert api.patch(CM.format(ns) + "/a", {"kind": "Secret"}).status == 422
    answer = api.patch(CM.format(ns) + "/a", {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z"}})
    assert answer.status == 422


def test_patch_without_change_writes_nothing(api, ns):
    obj = api.post(CM.format(ns), {"metadata": {"name": "a"}, "data": {"x": "1"}}).json
    again = api.patch(CM.format(ns) + "/a", {"data": {"x": "1"}}).json
    assert again["metadata"]["resourceVersion"] == obj["metadata"]["resourceVersion"]


def test_patch_status(api, ns):
    api.post(WD.format(ns), widget("a", size=1))
    answer = api.patch(WD.format(ns) + "/a/status", {"spec": {"size": 5}, "status": {"phase": "Up"}})
    assert answer.json["spec"]["size"] == 1 and answer.json["status"] == {"phase": "Up"}


# ---- server-side apply ----

def apply(api, ns, body, manager, **query):
    return api.patch(WD.format(ns) + "/" + body["metadata"]["name"], body, "apply", fieldManager=manager, **query)


def test_apply_creates_and_changes(api, ns):
    answer = apply(api, ns, widget("a", size=1), "one")
    assert answer.status == 201
    entry = manager_fields(answer.json, "one")
    assert entry["operation"] == "Apply" and entry["apiVersion"] == "example.org/v1" and entry["fieldsType"] == "FieldsV1"
    assert entry["fieldsV1"] == {"f:spec": {"f:size": {}}}
    answer = apply(api, ns, widget("a", size=2), "one")
    assert answer.status == 200 and answer.json["spec"]["size"] == 2
    same = apply(api, ns, widget("a", size=2), "one").json
    assert same["metadata"]["resourceVersion"] == answer.json["metadata"]["resourceVersion"]


def test_apply_conflicts_are_named(api, ns):
    apply(api, ns, widget("a", size=1), "one")
    answer = apply(api, ns, widget("a", size=2), "two")
    assert answer.status == 409
    status = answer.json
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.size'
    assert status["details"]["causes"] == [{"reason": "FieldManagerConflict", "message": 'conflict with "one"',
                                            "field": ".spec.size"}]
    forced = apply(api, ns, widget("a", size=2), "two", force="true").json
    assert forced["spec"]["size"] == 2
    assert manager_fields(forced, "one") is None and manager_fields(forced, "two")


def test_apply_removes_what_is_no_longer_applied(api, ns):
    apply(api, ns, widget("a", size=1, color="blue"), "one")
    answer = apply(api, ns, widget("a", color="blue"), "one").json
    assert "size" not in answer["spec"]


def test_apply_merges_list_maps_by_key(api, ns):
    apply(api, ns, widget("a", parts=[{"name": "x", "count": 1}]), "one")
    answer = apply(api, ns, widget("a", parts=[{"name": "y", "count": 2}]), "two").json
    assert {p["name"]: p["count"] for p in answer["spec"]["parts"]} == {"x": 1, "y": 2}
    answer = apply(api, ns, widget("a", parts=[]), "two").json
    assert [p["name"] for p in answer["spec"]["parts"]] == ["x"]


def test_apply_needs_a_manager_and_a_matching_name(api, ns):
    answer = api.patch(WD.format(ns) + "/a", widget("a"), "apply")
    assert answer.status == 422 or answer.status == 400
    assert "fieldManager: Required value: is required for apply patch" in answer.json["message"]
    assert api.patch(WD.format(ns) + "/b", widget("a"), "apply", fieldManager="m").status == 400


def test_update_after_apply_takes_ownership(api, ns):
    apply(api, ns, widget("a", size=1), "one")
    obj = api.patch(WD.format(ns) + "/a", {"spec": {"size": 3}}, fieldManager="hand").json
    assert manager_fields(obj, "hand")["operation"] == "Update"
    answer = apply(api, ns, widget("a", size=1), "one")
    assert answer.status == 409 and 'conflict with "hand"' in answer.json["message"]


def test_apply_status(api, ns):
    apply(api, ns, widget("a", size=1), "one")
    body = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a"}, "status": {"phase": "Up"}}
    answer = api.patch(WD.format(ns) + "/a/status", body, "apply", fieldManager="ctl")
    assert answer.status == 200 and answer.json["status"] == {"phase": "Up"} and answer.json["spec"]["size"] == 1
    assert manager_fields(answer.json, "ctl")["subresource"] == "status"


# ---- field validation ----

def test_unknown_fields(api, ns):
    body = widget("a", size=1, sise=2)
    body["spec"]["parts"] = [{"name": "x", "cuont": 3}]
    strict = api.post(WD.format(ns), body, fieldValidation="Strict")
    assert strict.status == 400
    assert strict.json["message"] == ('Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
                                      'unknown field "spec.parts[0].cuont", unknown field "spec.sise"')
    warned = api.post(WD.format(ns), body, fieldValidation="Warn")
    assert warned.status == 201 and "sise" not in warned.json["spec"]
    assert sorted(warned.warnings) == ['299 - "unknown field \\"spec.parts[0].cuont\\""', '299 - "unknown field \\"spec.sise\\""']
    body["metadata"]["name"] = "b"
    ignored = api.post(WD.format(ns), body, fieldValidation="Ignore")
    assert ignored.status == 201 and not ignored.warnings
    assert api.post(WD.format(ns), body, fieldValidation="Loud").status == 422


def test_duplicate_fields(api, ns):
    text = ('{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"a"},'
            '"spec":{"size":1,"size":2,"parts":[{"name":"x","name":"y"}]}}')
    strict = api.request("POST", WD.format(ns) + "?fieldValidation=Strict", text, raw=True)
    assert strict.status == 400
    assert 'strict decoding error: duplicate field "spec.size", duplicate field "spec.parts[0].name"' in strict.json["message"]
    warned = api.request("POST", WD.format(ns), text, raw=True)
    assert warned.status == 201 and warned.json["spec"]["size"] == 2
    assert warned.warnings[0] == '299 - "duplicate field \\"spec.size\\""'


def test_unknown_fields_are_kept_where_the_schema_says(api, ns):
    answer = api.post(WD.format(ns), widget("a", free={"any": {"thing": [1]}}), fieldValidation="Strict")
    assert answer.status == 201 and answer.json["spec"]["free"] == {"any": {"thing": [1]}}


def test_built_in_types_validate_fields_too(api, ns):
    body = {"metadata": {"name": "a"}, "datta": {"x": "y"}}
    strict = api.post(CM.format(ns), body, fieldValidation="Strict")
    assert strict.status == 400 and 'unknown field "datta"' in strict.json["message"]

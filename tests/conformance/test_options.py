"""Options of requests and what is wrong with them, answered as a kube-apiserver 1.26 did. Sources: k8s.io/apimachinery
pkg/apis/meta/v1 (conversion.go, validation), k8s.io/apiserver pkg/endpoints/filters/request_deadline.go,
pkg/endpoints/handlers (get.go, delete.go, response.go), pkg/storage/continue.go; time.ParseDuration."""
import base64

import pytest

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"


@pytest.mark.parametrize("method, name", [("GET", ""), ("GET", "/a"), ("DELETE", "/a"), ("PUT", "/a")])
@pytest.mark.parametrize("timeout, why", [("x", 'time: invalid duration "x"'), ("1", 'time: missing unit in duration "1"'),
                                          ("1d", 'time: unknown unit "d" in duration "1d"')])
def test_bad_timeouts(api, ns, method, name, timeout, why):
    answer = api.request(method, CM.format(ns) + name, {} if method == "PUT" else None, timeout=timeout)
    assert answer.status == 400 and answer.json["message"] == f"invalid timeout specified in the request URL - {why}"


@pytest.mark.parametrize("timeout", ["", "0", "0s", "1s", "1.5m", "100h", "-1s"])
def test_good_timeouts(api, ns, timeout):
    assert api.get(CM.format(ns), timeout=timeout).status == 200


def test_numbers_count_only_where_they_are_options(api, ns):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    assert api.get(CM.format(ns) + "/a", limit="x").status == 200
    assert api.get(CM.format(ns), gracePeriodSeconds="x").status == 200
    assert api.get(CM.format(ns), limit="x").status == 400
    assert api.delete(CM.format(ns) + "/a", gracePeriodSeconds="x").status == 400
    answer = api.get(CM.format(ns) + "/a", export="true")
    assert answer.status == 400 and answer.json["message"] == "the export parameter, deprecated since v1.14, is no longer supported"


@pytest.mark.parametrize("query, field, message", [
    ("propagationPolicy=", "propagationPolicy", 'Unsupported value: "": supported values: "Foreground", "Background", "Orphan", "nil"'),
    ("dryRun=All&dryRun=Foo", "dryRun", 'Unsupported value: []string{"All", "Foo"}: supported values: "All"'),
])
def test_wrong_options_of_deletions(api, ns, query, field, message):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    for path in (CM.format(ns) + "/a", CM.format(ns)):
        answer = api.delete(f"{path}?{query}")
        assert answer.status == 422, answer
        assert [(c["field"], c["message"]) for c in answer.json["details"]["causes"]] == [(field, message)]


@pytest.mark.parametrize("query, body, what", [
    ("?resourceVersion=1", None, "the ResourceVersion in the precondition (1)"), ("?uid=x", None, "the UID in the precondition (x)"),
    ("", {"preconditions": {"resourceVersion": "1"}}, "the ResourceVersion in the precondition (1)"),
    ("", {"preconditions": {"uid": "x"}}, "the UID in the precondition (x)"),
])
def test_preconditions_of_deletions(api, ns, query, body, what):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    for name in ("/a", ""):
        answer = api.request("DELETE", CM.format(ns) + name + query, body)
        assert answer.status == 409 and what in answer.json["message"]
    assert api.get(CM.format(ns) + "/a").status == 200


def test_all_that_is_wrong_with_an_apply(api, ns):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    answer = api.patch(CM.format(ns) + "/a", body, "apply", fieldValidation="Foo", dryRun="Foo")
    assert sorted(c["field"] for c in answer.json["details"]["causes"]) == ["dryRun", "fieldManager", "fieldValidation"]
    answer = api.patch(CM.format(ns) + "/a", {}, fieldManager="x" * 129)
    assert answer.json["message"] == 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: must have at most 128 bytes'
    assert api.patch(CM.format(ns) + "/a", {}, force="false").status == 422


@pytest.mark.parametrize("token, why", [
    (b"[]", "json: cannot unmarshal array into Go value of type storage.continueToken"),
    (b'{"a', "unexpected end of JSON input"), (b"i", "invalid character 'i' looking for beginning of value"),
])
def test_continue_tokens(api, ns, token, why):
    text = base64.urlsafe_b64encode(token).decode().rstrip("=")
    answer = api.request("GET", CM.format(ns) + "?continue=" + text)
    assert answer.status == 400 and answer.json["message"] == f"invalid continue token: continue key is not valid: {why}"


def test_writes_are_answered_in_the_wanted_form(api, ns):
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    partial = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    for n, (accept, kind) in enumerate([(table, "Table"), (partial, "PartialObjectMetadata")]):
        for path, body in ((CM, {"metadata": {"name": f"a{n}"}}), (WD, {"metadata": {"name": f"a{n}"}, "spec": {}})):
            for query in ("?dryRun=All", ""):
                body = api.says_what_it_is(path.format(ns), body)
                assert api.request("POST", path.format(ns) + query, body, headers=accept).json["kind"] == kind


def test_methods_of_custom_resources(api, ns):  # apiextensions-apiserver, customresource_handler.go
    assert api.delete("/apis/example.org/v1/widgets").status == 404, "of all namespaces they can only be read"
    for method in ("PUT", "PATCH"):
        answer = api.request(method, WD.format(ns), {}, headers={"Content-Type": "application/merge-patch+json"})
        assert answer.status == 400 and answer.json["message"] == "name must be provided"
    made = api.post(WD.format(ns) + "/other", api.says_what_it_is(WD.format(ns), {"metadata": {"name": "a"}, "spec": {}}))
    assert made.status == 201 and made.json["metadata"]["name"] == "a", "the path's name does not count"
    answer = api.post(WD.format(ns) + "/a/status", {})
    assert answer.status == 405 and answer.json["details"] == {"group": "example.org", "kind": "widgets"}
    assert api.request("PUT", "/apis/example.org/v1").json["kind"] == "APIResourceList"


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/api/v9", 404), ("GET", "/apis/apps/v9", 404), ("POST", "/api/v1/configmaps", 405), ("PUT", "/api", 405),
    ("GET", "/api/v1/namespaces/default/finalize", 405), ("FOO", "/api/v1/namespaces/default/configmaps/a/none", 404),
    ("GET", "/api/v1/namespaces/default/serviceaccounts/default/token", 405)])
def test_refusals_of_built_in_paths_have_empty_details(api, method, path, status):
    answer = api.request(method, path)
    assert answer.status == status and answer.json["details"] == {}


def test_the_last_finalizer_gone_is_answered_without_it(api, ns):
    api.post(CM.format(ns), {"metadata": {"name": "a", "finalizers": ["x.org/y"]}})
    api.delete(CM.format(ns) + "/a")
    answer = api.patch(CM.format(ns) + "/a", {"metadata": {"finalizers": None}})
    assert answer.status == 200 and "finalizers" not in answer.json["metadata"] and "deletionTimestamp" in answer.json["metadata"]
    assert api.get(CM.format(ns) + "/a").status == 404

"""Admission webhooks (kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers)."""
import concurrent.futures
import itertools
import time

import pytest
from apiclient import Client, eventually
from webhook_server import WebhookServer, allow, deny, make_certificates, patch

GROUP = "/apis/admissionregistration.k8s.io/v1"
COUNT = itertools.count(1)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture()
def hooks(certificates):
    server = WebhookServer(certificates)
    yield server
    server.close()


@pytest.fixture()
def register(api, hooks, ns):
    """register(kind, answer, **webhook) serves answer() and registers it for config maps of the test's namespace; gives
    the path it is served at and the answer to the registration."""
    made = []

    def make(kind, answer, check=True, name=None, **more):
        path = f"/hook{next(COUNT)}"
        name = name or f"hook{next(COUNT)}.example.org"
        hooks.answers[path] = answer
        webhook = {
            "name": name, "clientConfig": hooks.config(path), "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"]}], **more}
        resource = f"{GROUP}/{kind}webhookconfigurations"
        answer = api.post(resource, {"metadata": {"name": f"{name}"}, "webhooks": [webhook]})
        if check:
            assert answer.status == 201, answer
        made.append(f"{resource}/{name}")
        return path, answer
    yield make
    for one in made:
        api.delete(one)


def config_map(name="a", **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}, "data": {"k": "v"}}


def widget(**spec):
    return {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


@pytest.fixture()
def path(ns):
    return f"/api/v1/namespaces/{ns}/configmaps"


def the_request(hooks, hook):
    assert len(hooks.requests[hook]) == 1
    return hooks.requests[hook][0]["request"]


# ---- what is sent ----

def test_review_of_a_create(api, hooks, register, path, ns):
    hook, _ = register("validating", allow)
    assert api.post(path + "?fieldManager=me&fieldValidation=Strict", config_map()).status == 201
    review = hooks.requests[hook][0]
    assert review["kind"] == "AdmissionReview" and review["apiVersion"] == "admission.k8s.io/v1"
    r = review["request"]
    assert r["kind"] == r["requestKind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert r["resource"] == r["requestResource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert "subResource" not in r and "requestSubResource" not in r
    assert r["name"] == "a" and r["namespace"] == ns and r["operation"] == "CREATE" and r["dryRun"] is False
    assert "system:masters" in r["userInfo"]["groups"] and r["userInfo"]["username"]
    assert r["object"]["data"] == {"k": "v"} and r["object"]["metadata"]["uid"] and r["oldObject"] is None
    assert r["object"]["kind"] == "ConfigMap" and r["object"]["apiVersion"] == "v1"
    assert r["options"] == {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me",
                            "fieldValidation": "Strict"}


def test_review_of_a_create_before_mutation_has_no_identity_yet(api, hooks, register, path):
    hook, _ = register("mutating", allow)
    body = config_map()
    del body["metadata"]["name"]
    body["metadata"]["generateName"] = "gen-"
    assert api.post(path, body).status == 201
    r = the_request(hooks, hook)
    assert "name" not in r and "name" not in r["object"]["metadata"] and "uid" not in r["object"]["metadata"]
    assert r["object"]["metadata"]["managedFields"]


def test_reviews_of_updates_patches_and_deletes(api, hooks, register, path):
    api.post(path, config_map())
    hook, _ = register("validating", allow)
    obj = api.get(f"{path}/a").json
    obj["data"]["k"] = "w"
    assert api.put(f"{path}/a", obj).status == 200
    assert api.patch(f"{path}/a", {"data": {"k": "x"}}).status == 200
    assert api.delete(f"{path}/a", {"propagationPolicy": "Background"}).status == 200
    put, patched, deleted = [r["request"] for r in hooks.requests[hook]]
    assert put["operation"] == patched["operation"] == "UPDATE" and deleted["operation"] == "DELETE"
    assert put["oldObject"]["data"] == {"k": "v"} and put["object"]["data"] == {"k": "w"}
    assert patched["oldObject"]["data"] == {"k": "w"} and patched["object"]["data"] == {"k": "x"}
    assert patched["options"]["kind"] == "UpdateOptions"
    assert put["object"]["metadata"]["resourceVersion"] == obj["metadata"]["resourceVersion"]
    assert deleted["object"] is None and deleted["oldObject"]["data"] == {"k": "x"}
    assert deleted["options"] == {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1",
                                  "propagationPolicy": "Background"}


def test_server_side_apply_is_a_create_and_then_an_update(api, hooks, register, path):
    hook, _ = register("validating", allow)
    for value in "v", "w":
        assert api.patch(f"{path}/a", {**config_map(), "data": {"k": value}}, "apply", fieldManager="m").status in (200, 201)
    assert [r["request"]["operation"] for r in hooks.requests[hook]] == ["CREATE", "UPDATE"]


def test_delete_of_a_collection_asks_for_each_object(api, hooks, register, path):
    for name in "abc":
        api.post(path, config_map(name))
    hook, _ = register("validating", lambda r: deny(r, message="stays") if r["oldObject"]["metadata"]["name"] == "c"
                       else allow(r))
    answer = api.delete(path, labelSelector="")
    assert answer.status == 400 and "stays" in answer.json["message"]
    assert [r["request"]["oldObject"]["metadata"]["name"] for r in hooks.requests[hook]] == ["a", "b", "c"]
    assert not any("name" in r["request"] for r in hooks.requests[hook])
    assert [i["metadata"]["name"] for i in api.get(path).json["items"] if len(i["metadata"]["name"]) == 1] == ["c"]


def test_subresources_are_named_in_rules(api, hooks, register, ns):
    widgets = f"/apis/example.org/v1/namespaces/{ns}/widgets"
    assert api.post(widgets, widget()).status == 201
    rules = [{"apiGroups": ["example.org"], "apiVersions": ["v1"], "resources": ["widgets/*"], "operations": ["UPDATE"]}]
    hook, _ = register("validating", allow, rules=rules)
    only, _ = register("validating", allow, rules=[{**rules[0], "resources": ["widgets"]}])
    assert api.patch(f"{widgets}/a/status", {"status": {"phase": "on"}}).status == 200
    assert api.patch(f"{widgets}/a/scale", {"spec": {"replicas": 3}}).status == 200
    status, scale = [r["request"] for r in hooks.requests[hook]]
    assert status["subResource"] == status["requestSubResource"] == "status"
    assert status["kind"]["kind"] == "Widget" and status["object"]["status"] == {"phase": "on"}
    assert scale["subResource"] == "scale" and scale["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert scale["object"]["spec"] == {"replicas": 3} and scale["oldObject"]["spec"] == {"replicas": 1}
    assert only not in hooks.requests


def test_version_1beta1_when_only_that_is_listed(api, hooks, register, path):
    hook, _ = register("validating", lambda r: {"allowed": True}, admissionReviewVersions=["v0", "v1beta1"])
    assert api.post(path, config_map()).status == 201
    assert hooks.requests[hook][0]["apiVersion"] == "admission.k8s.io/v1beta1"


# ---- denials ----

@pytest.mark.parametrize("status, code, message, reason", [
    ({"message": "no way"}, 400, "denied the request: no way", None),
    ({"code": 403, "message": "no", "reason": "Forbidden"}, 403, "denied the request: no", "Forbidden"),
    ({"reason": "Policy"}, 400, "denied the request: Policy", "Policy"),
    ({}, 400, "denied the request without explanation", None),
    ({"code": 200, "message": "odd"}, 400, "denied the request: odd", None),
    ({"code": 418, "message": "tea"}, 418, "denied the request: tea", None),
])
def test_denials(api, hooks, register, path, status, code, message, reason):
    register("validating", lambda r: deny(r, **status), name="policy.example.org")
    answer = api.post(path, config_map())
    assert answer.status == code, answer
    body = answer.json
    assert body["message"] == f'admission webhook "policy.example.org" {message}'
    assert body["kind"] == "Status" and body["status"] == "Failure" and body["code"] == code
    assert body.get("reason") == reason
    assert api.get(f"{path}/a").status == 404


def test_the_first_validating_webhook_that_objects_is_told(api, hooks, register, path):
    for name in "b", "a", "c":
        register("validating", lambda r, name=name: deny(r, message=name), name=f"{name}.example.org")
    assert "\"a.example.org\" denied the request: a" in api.post(path, config_map()).json["message"]


def test_validating_webhooks_are_called_side_by_side(api, hooks, register, path):
    def slow(request):
        time.sleep(1.5)
        return allow(request)
    for _ in range(4):
        register("validating", slow)
    start = time.monotonic()
    assert api.post(path, config_map()).status == 201
    assert time.monotonic() - start < 5  # one after the other: 6


# ---- mutation ----

def test_patches_follow_each_other_in_the_order_of_names(api, hooks, register, path):
    def append(letter):
        return lambda r: patch(r, {"op": "replace", "path": "/data/k", "value": r["object"]["data"]["k"] + letter})
    for letter in "c", "a", "b":
        register("mutating", append(letter), name=f"{letter}.example.org")
    answer = api.post(path, config_map())
    assert answer.status == 201 and answer.json["data"] == {"k": "vabc"}
    assert api.get(f"{path}/a").json["data"] == {"k": "vabc"}


def test_validating_webhooks_see_what_mutating_ones_made(api, hooks, register, path):
    register("mutating", lambda r: patch(r, {"op": "add", "path": "/data/added", "value": "x"}))
    hook, _ = register("validating", allow)
    assert api.post(path, config_map()).status == 201
    assert the_request(hooks, hook)["object"]["data"] == {"k": "v", "added": "x"}


def test_what_webhooks_change_belongs_to_nobody(api, hooks, register, path):
    register("mutating", lambda r: patch(r, {"op": "add", "path": "/data/added", "value": "x"}))
    obj = api.post(path + "?fieldManager=me", config_map()).json
    assert len(obj["metadata"]["managedFields"]) == 1
    assert obj["metadata"]["managedFields"][0]["fieldsV1"] == {"f:data": {".": {}, "f:k": {}}}


def test_defaults_and_pruning_follow_a_patch(api, hooks, register, ns):
    register("mutating", lambda r: patch(r, {"op": "add", "path": "/spec", "value": {"color": "blue", "unknown": 1}}),
             rules=[{"apiGroups": ["example.org"], "apiVersions": ["*"], "resources": ["widgets"], "operations": ["CREATE"]}])
    answer = api.post(f"/apis/example.org/v1/namespaces/{ns}/widgets", widget(size=3))
    assert answer.status == 201 and answer.json["spec"] == {"color": "blue", "replicas": 1}


def test_a_mutated_object_is_validated(api, hooks, register, ns):
    register("mutating", lambda r: patch(r, {"op": "add", "path": "/spec/size", "value": 99}),
             rules=[{"apiGroups": ["example.org"], "apiVersions": ["*"], "resources": ["widgets"], "operations": ["CREATE"]}])
    answer = api.post(f"/apis/example.org/v1/namespaces/{ns}/widgets", widget())
    assert answer.status == 422 and "spec.size" in answer.json["message"]


def test_mutation_of_scale(api, hooks, register, ns):
    widgets = f"/apis/example.org/v1/namespaces/{ns}/widgets"
    assert api.post(widgets, widget()).status == 201
    register("mutating", lambda r: patch(r, {"op": "replace", "path": "/spec/replicas", "value": 2}),
             rules=[{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/scale"], "operations": ["*"]}])
    assert api.patch(f"{widgets}/a/scale", {"spec": {"replicas": 9}}).json["spec"] == {"replicas": 2}
    assert api.get(f"{widgets}/a").json["spec"]["replicas"] == 2


def reinvocation(register, hooks, policy):
    first, _ = register("mutating", lambda r: allow(r), name="a.example.org", reinvocationPolicy=policy)
    register("mutating", lambda r: patch(r, {"op": "add", "path": "/data/late", "value": "x"}), name="b.example.org")
    return first


def test_reinvocation_if_needed(api, hooks, register, path):
    first = reinvocation(register, hooks, "IfNeeded")
    assert api.post(path, config_map()).status == 201
    before, after = [r["request"]["object"]["data"] for r in hooks.requests[first]]
    assert "late" not in before and after["late"] == "x"


def test_no_reinvocation_by_default(api, hooks, register, path):
    first = reinvocation(register, hooks, "Never")
    assert api.post(path, config_map()).status == 201
    assert len(hooks.requests[first]) == 1


def test_reinvocation_ends_after_one_more_round(api, hooks, register, path):
    def grow(request):
        return patch(request, {"op": "replace", "path": "/data/k", "value": request["object"]["data"]["k"] + "+"})
    calls = [register("mutating", grow, name=f"{n}.example.org", reinvocationPolicy="IfNeeded")[0] for n in "ab"]
    assert api.post(path, config_map()).status == 201
    assert [len(hooks.requests[c]) for c in calls] == [2, 2]


def test_a_delete_cannot_be_mutated(api, hooks, register, path):
    api.post(path, config_map())
    register("mutating", lambda r: patch(r, {"op": "add", "path": "/data/x", "value": "y"}) if r["operation"] == "DELETE"
             else allow(r), name="m.example.org", failurePolicy="Ignore")
    answer = api.delete(f"{path}/a")
    assert answer.status == 500
    assert answer.json["message"] == ('Internal error occurred: admission webhook "m.example.org" attempted to modify the '
                                      'object, which is not supported for this operation')


# ---- which requests ----

def test_object_selectors_look_at_the_old_object_too(api, hooks, register, path):
    api.post(path, config_map(labels={"watch": "me"}))
    hook, _ = register("validating", allow, objectSelector={"matchLabels": {"watch": "me"}})
    api.post(path, config_map("other"))
    assert hook not in hooks.requests
    assert api.patch(f"{path}/a", {"metadata": {"labels": None}}).status == 200
    assert len(hooks.requests[hook]) == 1
    api.patch(f"{path}/a", {"data": {"k": "w"}})
    assert len(hooks.requests[hook]) == 1


def test_namespace_selectors_apply_to_namespaces_themselves(api, hooks, register):
    hook, _ = register("validating", lambda r: deny(r, message="no"), namespaceSelector={"matchLabels": {"guarded": "yes"}},
                       rules=[{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["namespaces"], "operations": ["CREATE"]}])
    name = f"sel{next(COUNT)}"
    assert api.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": {"guarded": "yes"}}}).status == 400
    r = the_request(hooks, hook)
    assert r["name"] == r["namespace"] == name
    assert api.post("/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    api.delete(f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize("scope, called", [("Cluster", False), ("Namespaced", True), ("*", True)])
def test_scope(api, hooks, register, path, scope, called):
    hook, _ = register("validating", allow, rules=[{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"],
                                                    "operations": ["*"], "scope": scope}])
    assert api.post(path, config_map()).status == 201
    assert (hook in hooks.requests) is called


def test_webhook_configurations_are_beyond_webhooks(api, hooks, register):
    register("validating", lambda r: deny(r, message="locked"), namespaceSelector={}, name="lock.example.org",
             rules=[{"apiGroups": ["admissionregistration.k8s.io"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}])
    one = f"{GROUP}/validatingwebhookconfigurations/lock.example.org"
    assert api.patch(one, {"metadata": {"labels": {"a": "b"}}}).status == 200
    assert api.delete(one).status == 200


MANY = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "many.example.org"},
    "spec": {"group": "example.org", "scope": "Namespaced", "names": {"plural": "many", "kind": "Many"}, "versions": [
        {"name": n, "served": True, "storage": n == "v1", "schema": {"openAPIV3Schema": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": True}}} for n in ("v1", "v2")]},
}


def test_match_policy(api, hooks, register, ns):
    api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", MANY)
    rules = [{"apiGroups": ["example.org"], "apiVersions": ["v1"], "resources": ["many"], "operations": ["*"]}]
    equivalent, _ = register("validating", allow, rules=rules, matchPolicy="Equivalent")
    exact, _ = register("validating", allow, rules=rules, matchPolicy="Exact")
    changing, _ = register("mutating", lambda r: patch(r, {"op": "add", "path": "/spec", "value": r["object"]["apiVersion"]}),
                           rules=rules)
    answer = api.post(f"/apis/example.org/v2/namespaces/{ns}/many",
                      {"apiVersion": "example.org/v2", "kind": "Many", "metadata": {"name": "a"}})
    assert answer.status == 201, answer
    assert answer.json["apiVersion"] == "example.org/v2" and answer.json["spec"] == "example.org/v1"
    r = the_request(hooks, equivalent)
    assert r["kind"]["version"] == r["resource"]["version"] == "v1" and r["object"]["apiVersion"] == "example.org/v1"
    assert r["requestKind"]["version"] == r["requestResource"]["version"] == "v2"
    assert exact not in hooks.requests
    api.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/many.example.org")


# ---- failures ----

BROKEN = [
    (lambda r: (500, b"boom"), 'failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding'),
    (lambda r: (200, b"<html>"), "failed to call webhook: couldn't get version/kind; json parse error:"),
    (lambda r: (200, b"{}"), "received invalid webhook response: webhook response was absent"),
    (lambda r: {**allow(r), "uid": "x"}, "received invalid webhook response: expected response.uid="),
    (lambda r: {**allow(r), "allowed": "yes"}, "failed to call webhook: json: cannot unmarshal string into Go struct field "
     "AdmissionResponse.response.allowed of type bool"),
    (lambda r: (200, b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","response":{"uid":"%s","allowed":true}}'
                % r["uid"].encode()),
     "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v2, Kind=AdmissionReview"),
    (lambda r: {**allow(r), "patch": "W10="}, "validating webhook may not return response.patch"),
    (lambda r: (200, b'{"a":"' + b"x" * (17 << 20) + b'"}'), "response body too large"),
    (lambda r: (200, b'{"response":' + b"[" * 5000), "json parse error"),
]


@pytest.mark.parametrize("answer, message", BROKEN)
def test_failure_policy(api, hooks, register, path, answer, message):
    register("validating", answer, name="broken.example.org", failurePolicy="Fail")
    refused = api.post(path, config_map())
    assert refused.status == 500 and refused.json["reason"] == "InternalError", refused
    assert refused.json["message"].startswith('Internal error occurred: failed calling webhook "broken.example.org": ')
    assert message in refused.json["message"]
    api.patch(f"{GROUP}/validatingwebhookconfigurations/broken.example.org",
              [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}], "json")
    assert api.post(path, config_map()).status == 201


def test_webhooks_that_cannot_be_reached(api, hooks, register, path):
    _, made = register("validating", allow, name="gone.example.org",
                       clientConfig={**hooks.config("/x"), "url": "https://127.0.0.1:1/x"})
    assert api.post(path, config_map()).json["message"] == (
        'Internal error occurred: failed calling webhook "gone.example.org": failed to call webhook: '
        'Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused')


def test_certificates_are_checked(api, hooks, register, path, server):
    own = api.get("/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt")
    register("validating", allow, name="untrusted.example.org", clientConfig={"url": f"https://127.0.0.1:{hooks.port}/x"})
    assert "x509: certificate signed by unknown authority" in api.post(path, config_map()).json["message"], own


def test_timeouts(api, hooks, register, path):
    def hang(request):
        time.sleep(8)
        return allow(request)
    register("validating", hang, name="slow.example.org", timeoutSeconds=1)
    start = time.monotonic()
    answer = api.post(path, config_map())
    assert 0.9 < time.monotonic() - start < 7
    assert answer.status == 500
    assert "slow.example.org" in answer.json["message"] and "?timeout=1s\": context deadline exceeded" in answer.json["message"]


def test_slow_webhooks_keep_nobody_else_waiting(api, server, hooks, register, path):
    def slow(request):
        time.sleep(4)
        return allow(request)
    register("validating", slow)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        held = [pool.submit(lambda i=i: Client(server.kubeconfig).post(path, config_map(f"s{i}")).status) for i in range(12)]
        time.sleep(0.5)
        assert api.post("/api/v1/namespaces/default/secrets", {"metadata": {"generateName": "s-"}}).status == 201
        assert api.get("/api/v1/namespaces").status == 200
        assert not any(h.done() for h in held)
        assert [h.result() for h in held] == [201] * 12


def test_dry_run_needs_webhooks_without_side_effects(api, hooks, register, path):
    hook, _ = register("validating", allow, sideEffects="NoneOnDryRun")
    assert api.post(path + "?dryRun=All", config_map()).status == 201
    assert the_request(hooks, hook)["dryRun"] is True
    assert the_request(hooks, hook)["options"]["dryRun"] == ["All"]
    assert api.get(f"{path}/a").status == 404


def test_warnings_are_passed_on(api, hooks, register, path):
    register("validating", lambda r: allow(r, warnings=["careful", "quote \" and so on"]))
    answer = api.post(path, config_map())
    assert answer.status == 201
    assert answer.warnings == ['299 - "careful"', '299 - "quote \\" and so on"']


def test_warnings_come_with_denials_too(api, hooks, register, path):
    register("validating", lambda r: {**deny(r, message="no"), "warnings": ["careful"]})
    assert api.post(path, config_map()).warnings == ['299 - "careful"']


def test_match_conditions_are_kept_and_said_not_to_count(api, hooks, register, path):
    _, answer = register("validating", allow, matchConditions=[{"name": "never", "expression": "false"}])
    assert answer.json["webhooks"][0]["matchConditions"] == [{"name": "never", "expression": "false"}]
    assert any("matchConditions" in w and "CEL" in w for w in answer.warnings)


# ---- services ----

def test_services_lead_to_their_endpoints(api, hooks, register, path):
    config = {"service": {"namespace": "default", "name": "hook", "path": "/service"}, "caBundle": hooks.ca}
    register("validating", allow, name="service.example.org", clientConfig=config)
    hooks.answers["/service"] = allow
    missing = api.post(path, config_map())
    assert missing.json["message"] == (
        'Internal error occurred: failed calling webhook "service.example.org": failed to call webhook: Post '
        '"https://hook.default.svc:443/service?timeout=10s": service "hook" not found')
    assert api.post("/api/v1/namespaces/default/services", {"metadata": {"name": "hook"}, "spec": {
        "ports": [{"port": 443}]}}).status == 201
    assert 'no endpoints available for service "hook"' in api.post(path, config_map()).json["message"]
    assert api.post("/api/v1/namespaces/default/endpoints", {"metadata": {"name": "hook"}, "subsets": [
        {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": hooks.port}]}]}).status == 201
    assert api.post(path, config_map()).status == 201
    assert hooks.requests["/service"]
    for kind in "services", "endpoints":
        api.delete(f"/api/v1/namespaces/default/{kind}/hook")


def test_configurations_are_in_force_once_written_and_no_longer_once_gone(api, hooks, register, path):
    for i in range(10):
        name = f"fast{i}.example.org"
        register("validating", lambda r: deny(r, message="no"), name=name)
        assert api.post(path, config_map(f"f{i}")).status == 400
        assert api.delete(f"{GROUP}/validatingwebhookconfigurations/{name}").status == 200
        assert api.post(path, config_map(f"f{i}")).status == 201


def test_they_survive_a_restart(api, hooks, register, server, path):
    register("validating", lambda r: deny(r, message="still here"), name="stay.example.org")
    assert server.stop() == 0
    server.start()
    again = Client(server.kubeconfig)
    answer = eventually(lambda: again.post(path, config_map()))
    assert answer.status == 400 and "still here" in answer.json["message"]
    again.delete(f"{GROUP}/validatingwebhookconfigurations/stay.example.org")

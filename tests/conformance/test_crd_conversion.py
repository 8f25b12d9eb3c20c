"""Conversion of custom resources by a webhook (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definition-versioning), with a real HTTPS server: v1 has spec.hostPort "h:p", v2 spec.host and spec.port."""
import copy
import itertools
import json
import threading

import pytest
from apiclient import eventually
from webhook_server import WebhookServer, make_certificates

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COUNT = itertools.count(1)


def schema(**spec):
    return {"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "properties": spec},
        "status": {"type": "object", "properties": {"phase": {"type": "string"}, "n": {"type": "integer"}}}}}}


def definition(plural, client, reviews=("v1",), storage="v1"):
    common = {"served": True, "subresources": {"status": {}, "scale": {
        "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.n"}}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.conv.example.org"},
            "spec": {"group": "conv.example.org", "scope": "Namespaced",
                     "names": {"plural": plural, "kind": plural.capitalize()},
                     "versions": [
                         {"name": "v1", "storage": storage == "v1", **common,
                          "schema": schema(hostPort={"type": "string"}, replicas={"type": "integer"})},
                         {"name": "v2", "storage": storage == "v2", **common,
                          "schema": schema(host={"type": "string"}, port={"type": "string"}, replicas={"type": "integer"},
                                           mode={"type": "string", "default": "plain"})}],
                     "conversion": {"strategy": "Webhook", "webhook": {
                         "clientConfig": client, "conversionReviewVersions": list(reviews)}}}}


def convert(obj, wanted):
    obj = copy.deepcopy(obj)
    spec, version = obj.get("spec", {}), wanted.split("/")[1]
    if version == "v2" and "hostPort" in spec:
        spec["host"], _, spec["port"] = spec.pop("hostPort").partition(":")
    elif version == "v1" and "host" in spec:
        spec["hostPort"] = f"{spec.pop('host')}:{spec.pop('port', '')}"
        spec.pop("mode", None)
    obj["apiVersion"] = wanted
    return obj


def answer(request, objects, uid=None, version="v1", **result):
    return 200, json.dumps({
        "apiVersion": f"apiextensions.k8s.io/{version}", "kind": "ConversionReview",
        "response": {"uid": request["uid"] if uid is None else uid, "convertedObjects": objects,
                     "result": result or {"status": "Success"}}}).encode()


def good(request):
    return answer(request, [convert(o, request["desiredAPIVersion"]) for o in request["objects"]])


@pytest.fixture(scope="module")
def hook(tmp_path_factory):
    server = WebhookServer(make_certificates(tmp_path_factory.mktemp("conversion")))
    yield server
    server.close()


@pytest.fixture()
def kind(api, ns, hook):
    """kind(answer, …) makes a kind whose webhook answers so; gives its path maker and the requests that came."""
    made = []

    def make(respond=good, **options):
        plural = f"conv{next(COUNT)}s"
        hook.answers[f"/{plural}"] = respond
        hook.requests[f"/{plural}"] = []
        created = api.post(CRDS, definition(plural, hook.config(f"/{plural}"), **options))
        assert created.status == 201, created
        made.append(plural)
        eventually(lambda: api.get(f"{CRDS}/{plural}.conv.example.org").json["status"]["conditions"])

        def path(version, name=""):
            return f"/apis/conv.example.org/{version}/namespaces/{ns}/{plural}" + (f"/{name}" if name else "")
        path.plural, path.requests, path.hook = plural, hook.requests[f"/{plural}"], hook
        return path
    yield make
    for plural in made:
        hook.answers[f"/{plural}"] = good
        api.delete(f"{CRDS}/{plural}.conv.example.org")


def make_object(name, spec, **meta):
    return {"metadata": {"name": name, **meta}, "spec": spec}


def test_reads_and_writes_in_both_versions(api, kind):
    path = kind()
    assert api.post(path("v1"), make_object("a", {"hostPort": "h:1"})).status == 201
    got = api.get(path("v2", "a")).json
    assert got["apiVersion"] == "conv.example.org/v2" and got["spec"] == {"host": "h", "port": "1", "mode": "plain"}
    made = api.post(path("v2"), make_object("b", {"host": "x", "port": "2"}))
    assert made.status == 201 and made.json["spec"] == {"host": "x", "port": "2", "mode": "plain"}, made
    assert api.get(path("v1", "b")).json["spec"] == {"hostPort": "x:2"}
    got["spec"]["port"] = "9"
    assert api.put(path("v2", "a"), got).json["spec"]["port"] == "9"
    assert api.get(path("v1", "a")).json["spec"] == {"hostPort": "h:9"}
    assert api.patch(path("v2", "a"), {"spec": {"host": "n"}}).json["spec"]["host"] == "n"
    assert api.get(path("v1", "a")).json["spec"] == {"hostPort": "n:9"}
    assert api.get(path("v1", "a")).json["metadata"]["generation"] == 3


def test_the_review_is_that_of_kubernetes(api, kind):
    path = kind()
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    api.get(path("v2", "a"))
    review = path.requests[0]
    assert review["kind"] == "ConversionReview" and review["apiVersion"] == "apiextensions.k8s.io/v1"
    assert set(review["request"]) == {"uid", "desiredAPIVersion", "objects"}
    assert review["request"]["desiredAPIVersion"] == "conv.example.org/v2"
    assert review["request"]["objects"][0]["spec"] == {"hostPort": "h:1"}
    assert "response" not in review


def test_no_call_for_the_stored_version(api, kind):
    path = kind()
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    api.get(path("v1", "a"))
    api.get(path("v1"))
    assert path.requests == []


def test_a_list_is_one_call(api, kind):
    path = kind()
    for i in range(5):
        api.post(path("v1"), make_object(f"a{i}", {"hostPort": f"h:{i}"}))
    items = api.get(path("v2")).json["items"]
    assert [o["spec"]["port"] for o in items] == ["0", "1", "2", "3", "4"]
    assert len(path.requests) == 1 and len(path.requests[0]["request"]["objects"]) == 5


def test_v1beta1_reviews(api, kind):
    path = kind(lambda r: answer(r, [convert(o, r["desiredAPIVersion"]) for o in r["objects"]], uid="", version="v1beta1"),
                reviews=("v7", "v1beta1", "v1"))
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    assert api.get(path("v2", "a")).json["spec"]["host"] == "h"  # neither uid nor kind of the answer is looked at
    assert path.requests[0]["apiVersion"] == "apiextensions.k8s.io/v1beta1"


def test_status_and_scale(api, kind):
    path = kind()
    api.post(path("v1"), make_object("a", {"hostPort": "h:1", "replicas": 3}))
    assert api.get(path("v2", "a") + "/scale").json["spec"]["replicas"] == 3
    assert api.patch(path("v2", "a") + "/scale", {"spec": {"replicas": 4}}).json["spec"]["replicas"] == 4
    changed = api.patch(path("v2", "a") + "/status", {"status": {"phase": "Ready"}})
    assert changed.status == 200 and changed.json["apiVersion"] == "conv.example.org/v2"
    got = api.get(path("v1", "a")).json
    assert got["status"] == {"phase": "Ready"} and got["spec"] == {"hostPort": "h:1", "replicas": 4}


def test_watches_see_their_version_in_order(api, kind):
    path = kind()
    api.post(path("v1"), make_object("a", {"hostPort": "h:0"}))
    events = api.watch(path("v2"), timeout=20)
    first = next(events)
    assert first["type"] == "ADDED" and first["object"]["spec"]["port"] == "0"
    for i in range(1, 30):
        api.patch(path("v1", "a"), {"spec": {"hostPort": f"h:{i}"}})
    api.delete(path("v1", "a"))
    seen = [next(events) for _ in range(30)]
    assert [e["object"]["spec"]["port"] for e in seen] == [str(i) for i in range(1, 30)] + ["29"]
    assert [e["type"] for e in seen] == ["MODIFIED"] * 29 + ["DELETED"]
    assert {e["object"]["apiVersion"] for e in seen} == {"conv.example.org/v2"}


def test_two_watches_of_two_versions(api, kind):
    path = kind()
    one, two = api.watch(path("v1"), timeout=20), api.watch(path("v2"), timeout=20)
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    assert next(one)["object"]["spec"] == {"hostPort": "h:1"}
    assert next(two)["object"]["spec"] == {"host": "h", "port": "1", "mode": "plain"}


def test_a_slow_webhook_holds_up_only_who_needs_it(api, kind):
    release = threading.Event()
    release.set()

    def slow(request):
        release.wait(20)
        return good(request)
    path = kind(slow)
    api.post(path("v1"), make_object("a", {"hostPort": "h:0"}))
    events = api.watch(path("v2"), timeout=20)
    assert next(events)["type"] == "ADDED"
    release.clear()
    for i in range(1, 20):  # writes of this and other kinds go on
        assert api.patch(path("v1", "a"), {"spec": {"hostPort": f"h:{i}"}}).status == 200
    release.set()
    assert [next(events)["object"]["spec"]["port"] for _ in range(1, 20)] == [str(i) for i in range(1, 20)]


def test_a_webhook_that_fails_ends_the_watch_with_an_error(api, kind):
    broken = []
    path = kind(lambda r: answer(r, [], status="Failure", message="no idea") if broken else good(r))
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    events = api.watch(path("v2"), timeout=20)
    assert next(events)["type"] == "ADDED"
    broken.append(1)
    api.patch(path("v1", "a"), {"spec": {"hostPort": "h:2"}})
    event = next(events)
    assert event["type"] == "ERROR" and "no idea" in event["object"]["message"]
    assert list(events) == []


KIND = "conv.example.org/v1, Kind={kind}"


def breaking(change):
    def respond(request):
        objects = [convert(o, request["desiredAPIVersion"]) for o in request["objects"]]
        for o in objects:
            change(o)
        return answer(request, objects)
    return respond


@pytest.mark.parametrize("respond, words", [
    (lambda r: answer(r, [], status="Failure", message="cannot"), "failed: cannot"),
    (lambda r: answer(r, [], status="Failure"), "failed: response.result.status was 'Failure', not 'Success'"),
    (lambda r: answer(r, r["objects"], uid="other"), 'failed: expected response.uid="{uid}", got "other"'),
    (lambda r: answer(r, []), "returned 0 objects, expected 1"),
    (lambda r: answer(r, r["objects"]),
     "returned invalid object at index 0: invalid groupVersion (expected conv.example.org/v2, received conv.example.org/v1)"),
    (breaking(lambda o: o.update(kind="Other")), "returned invalid object at index 0: invalid kind (expected {kind}, received Other)"),
    (breaking(lambda o: o["metadata"].update(name="b")), "returned invalid object: must have the same name: a != b"),
    (breaking(lambda o: o["metadata"].update(namespace="b")), "returned invalid object: must have the same namespace: {ns} != b"),
    (breaking(lambda o: o["metadata"].update(uid="b")), "returned invalid object: must have the same UID: "),
    (breaking(lambda o: o["metadata"].update(labels={"x": 1})),
     "returned invalid metadata: metadata.labels[x] must be a string, but is int64 in converted object"),
    (breaking(lambda o: o["metadata"].update(labels={"x": "not ok"})), "returned invalid metadata: metadata.labels: Invalid value: "),
    (lambda r: (200, b'{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview"}'), "failed: no response provided"),
    (lambda r: (200, b'{"apiVersion":"x/v1","kind":"Y"}'),
     "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got x/v1, Kind=Y"),
    (lambda r: (500, b"broken"), "failed: "),
])
def test_answers_that_do_not_hold(api, ns, kind, respond, words):
    path = kind(respond)
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    failed = api.get(path("v2", "a"))
    assert failed.status == 500, failed
    name = path.plural.capitalize()
    words = words.replace("{uid}", path.requests[0]["request"]["uid"]).replace("{kind}", name).replace("{ns}", ns)
    assert failed.json["message"].startswith(f"conversion webhook for {KIND.format(kind=name)} {words}"), failed.json["message"]
    assert api.get(path("v2")).status == 500  # a list with one of them cannot be shown either
    assert api.get(path("v1", "a")).status == 200


def test_only_labels_and_annotations_of_metadata_change(api, kind):
    def change(o):
        o["metadata"].update(labels={"converted": "yes"}, annotations={"b": "c"}, finalizers=["x/y"], generation=77)
    path = kind(breaking(change))
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}, labels={"a": "b"}))
    meta = api.get(path("v2", "a")).json["metadata"]
    assert meta["labels"] == {"converted": "yes"} and meta["annotations"] == {"b": "c"}
    assert "finalizers" not in meta and meta["generation"] == 1


def test_what_comes_back_is_pruned(api, kind):
    path = kind(breaking(lambda o: o["spec"].update(unknown=1)))
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    assert "unknown" not in api.get(path("v2", "a")).json["spec"]


def test_a_write_that_cannot_be_stored_is_not_made(api, kind):
    path = kind(lambda r: answer(r, [], status="Failure", message="not today"))
    failed = api.post(path("v2"), make_object("a", {"host": "h", "port": "1"}))
    assert failed.status == 500 and "not today" in failed.json["message"]
    assert api.get(path("v1", "a")).status == 404


def test_objects_move_to_a_new_storage_version_when_written(api, kind):
    path = kind()
    name = f"{CRDS}/{path.plural}.conv.example.org"
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    crd = api.get(name).json
    for version in crd["spec"]["versions"]:
        version["storage"] = version["name"] == "v2"
    assert api.put(name, crd).status == 200
    assert api.get(name).json["status"]["storedVersions"] == ["v1", "v2"]
    assert api.get(path("v1", "a")).json["spec"] == {"hostPort": "h:1"} and path.requests == []  # still stored in v1
    # An update without a change writes it in the new version.
    obj = api.get(path("v1", "a")).json
    obj["metadata"]["annotations"] = {"touched": "yes"}
    assert api.put(path("v1", "a"), obj).status == 200
    path.requests.clear()
    assert api.get(path("v2", "a")).json["spec"]["host"] == "h" and path.requests == []
    # Then the old version can be forgotten, and with it the version itself.
    assert api.patch(name + "/status", {"status": {"storedVersions": ["v2"]}}).status == 200
    crd = api.get(name).json
    crd["spec"]["versions"] = [v for v in crd["spec"]["versions"] if v["name"] == "v2"]
    assert api.put(name, crd).status == 200
    assert api.get(path("v1", "a")).status == 404 and api.get(path("v2", "a")).status == 200


def test_deletion_needs_no_webhook(api, kind):
    path = kind(lambda r: answer(r, [], status="Failure", message="down"))
    name = f"{CRDS}/{path.plural}.conv.example.org"
    api.post(path("v1"), make_object("a", {"hostPort": "h:1"}))
    api.delete(name)
    eventually(lambda: api.get(name).status == 404)


@pytest.mark.parametrize("change, words", [
    (lambda c: c.update(strategy="Magic"), "spec.conversion.strategy: Unsupported value: \"Magic\""),
    (lambda c: c.pop("webhook"), "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook"),
    (lambda c: c["webhook"].update(conversionReviewVersions=[]), "spec.conversion.conversionReviewVersions: Required value"),
    (lambda c: c["webhook"].update(conversionReviewVersions=["v9"]),
     'spec.conversion.conversionReviewVersions: Invalid value: []string{"v9"}: must include at least one of v1, v1beta1'),
    (lambda c: c["webhook"]["clientConfig"].update(url="http://x/y"),
     "spec.conversion.webhookClientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: "
     "https://host[/path]"),
    (lambda c: c["webhook"]["clientConfig"].update(service={"name": "a", "namespace": "b"}),
     "spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required"),
    (lambda c: c["webhook"].update(clientConfig={"service": {"name": "a", "namespace": "b", "path": "x"}}),
     "spec.conversion.webhookClientConfig.service.path: Invalid value: \"x\": must start with a '/'"),
])
def test_configurations_that_are_refused(api, hook, change, words):
    crd = definition("refused", hook.config("/x"))
    change(crd["spec"]["conversion"])
    refused = api.post(CRDS, crd)
    assert refused.status == 422 and words in refused.json["message"], refused

"""CustomResourceDefinitions (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources)."""
import copy
import itertools

import pytest
from apiclient import eventually
from conftest import WIDGETS

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COUNT = itertools.count(1)


@pytest.fixture()
def crd(api):
    """A CRD of the test's own; make(change) creates it."""
    made = []

    def make(change=lambda obj: None, number=None):
        obj = copy.deepcopy(WIDGETS)
        plural = f"gadget{next(COUNT)}s"
        obj["spec"]["names"] = {"plural": plural, "kind": plural.capitalize()}
        obj["metadata"]["name"] = f"{plural}.example.org"
        change(obj)
        made.append(obj["metadata"]["name"])
        answer = api.post(CRDS, obj)
        if answer.status == 201:  # its conditions are set by a controller
            eventually(lambda: api.get(f"{CRDS}/{plural}.example.org").json["status"]["conditions"])
        return answer, plural
    yield make
    for name in made:
        api.delete(f"{CRDS}/{name}")


def conditions(obj):
    return {c["type"]: c["status"] for c in obj["status"].get("conditions", [])}


def test_conditions_and_names(api, crd):
    answer, plural = crd()
    assert answer.status == 201
    obj = eventually(lambda: (o := api.get(f"{CRDS}/{plural}.example.org").json) and conditions(o) and o)
    assert conditions(obj) == {"NamesAccepted": "True", "Established": "True"}
    assert obj["spec"]["names"]["singular"] == plural and obj["spec"]["names"]["listKind"] == plural.capitalize() + "List"
    assert obj["status"]["acceptedNames"] == obj["spec"]["names"]
    assert obj["status"]["storedVersions"] == ["v1"]
    assert obj["spec"]["conversion"] == {"strategy": "None"}


def test_served_at_once_and_not_afterwards(api, ns, crd):
    _, plural = crd()
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    assert api.post(path, {"metadata": {"name": "a"}, "spec": {}}).status == 201
    assert plural in [r["name"] for r in api.get("/apis/example.org/v1").json["resources"]]
    api.delete(f"{CRDS}/{plural}.example.org")
    eventually(lambda: api.get(f"{CRDS}/{plural}.example.org").status == 404)
    assert api.get(path + "/a").status == 404
    assert plural not in [r["name"] for r in api.get("/apis/example.org/v1").json["resources"]]


def test_deletion_ends_watches(api, ns, crd):
    _, plural = crd()
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    api.post(path, {"metadata": {"name": "a"}, "spec": {}})
    events = api.watch(path)
    assert next(events)["type"] == "ADDED"
    api.delete(f"{CRDS}/{plural}.example.org")
    assert [e["type"] for e in events] == ["DELETED"]  # of its instance; then the stream ends


def test_deletion_waits_for_instances_with_finalizers(api, ns, crd):
    _, plural = crd()
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    api.post(path, {"metadata": {"name": "a", "finalizers": ["example.org/hold"]}, "spec": {}})
    api.delete(f"{CRDS}/{plural}.example.org")
    eventually(lambda: "deletionTimestamp" in api.get(path + "/a").json["metadata"])
    obj = api.get(f"{CRDS}/{plural}.example.org").json
    assert conditions(obj)["Terminating"] == "True"
    assert api.post(path, {"metadata": {"name": "b"}, "spec": {}}).status == 405
    api.patch(path + "/a", {"metadata": {"finalizers": None}})
    eventually(lambda: api.get(f"{CRDS}/{plural}.example.org").status == 404)


@pytest.mark.parametrize("change, words", [
    (lambda o: o["metadata"].update(name="other.example.org"), 'must be spec.names.plural+"."+spec.group'),
    (lambda o: o["spec"]["versions"][0].pop("schema"), "spec.versions[0].schema.openAPIV3Schema: Required value"),
    (lambda o: o["spec"]["versions"][0].update(storage=False), "must have exactly one version marked as storage version"),
    (lambda o: o["spec"].update(scope="Galaxy"), "spec.scope"),
    (lambda o: o["spec"]["names"].update(listKind=o["spec"]["names"]["kind"]), "kind and listKind may not be the same"),
    (lambda o: o["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].pop("type"),
     "must not be empty for specified object fields"),
    (lambda o: o["spec"]["versions"].append(copy.deepcopy(o["spec"]["versions"][0])), "must contain unique version names"),
    (lambda o: o["spec"]["versions"][0]["additionalPrinterColumns"].append({"name": "X", "type": "text", "jsonPath": "a"}),
     'JSONPath: Invalid value: "a": must be a simple json path starting with .'),
])
def test_bad_definitions_are_refused(crd, change, words):
    answer, _ = crd(change)
    assert answer.status == 422, answer
    assert answer.json["reason"] == "Invalid" and words in answer.json["message"], answer.json["message"]


@pytest.mark.parametrize("spec, cause", [
    ({"size": "big"}, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'),
    ({"size": 11}, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
    ({"color": "pink"}, 'spec.color: Unsupported value: "pink": supported values: "red", "green", "blue"'),
    ({"parts": [{"count": 1}]}, "spec.parts[0].name: Required value"),
    ({"parts": [{"name": "x"}, {"name": "x"}]}, 'spec.parts[1]: Duplicate value: map[string]interface {}{"name":"x"}'),
])
def test_validation_speaks_as_kubernetes_does(api, ns, spec, cause):
    answer = api.post(f"/apis/example.org/v1/namespaces/{ns}/widgets", {"metadata": {"name": "a"}, "spec": spec})
    assert answer.status == 422
    assert answer.json["message"] == f'Widget.example.org "a" is invalid: {cause}'
    assert answer.json["details"]["kind"] == "Widget" and answer.json["details"]["group"] == "example.org"


def test_defaults_and_pruning(api, ns):
    answer = api.post(f"/apis/example.org/v1/namespaces/{ns}/widgets",
                      {"metadata": {"name": "a"}, "spec": {"parts": [{"name": "x"}], "unknown": 1}}).json
    assert answer["spec"] == {"color": "red", "replicas": 1, "parts": [{"name": "x", "count": 1}]}


def test_a_new_default_is_seen_in_old_objects(api, ns, crd):
    _, plural = crd()
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    api.post(path, {"metadata": {"name": "a"}, "spec": {"size": 3}})
    definition = api.get(f"{CRDS}/{plural}.example.org").json
    properties = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    properties["taste"] = {"type": "string", "default": "sweet"}
    del properties["size"]
    assert api.put(f"{CRDS}/{plural}.example.org", definition).status == 200
    assert api.get(path + "/a").json["spec"] == {"color": "red", "replicas": 1, "taste": "sweet"}
    assert api.get(path).json["items"][0]["spec"]["taste"] == "sweet"


def test_several_versions(api, ns, crd):
    def two(obj):
        other = copy.deepcopy(obj["spec"]["versions"][0])
        other.update(name="v1beta1", storage=False, deprecated=True)
        obj["spec"]["versions"].append(other)
    _, plural = crd(two)
    old, new = (f"/apis/example.org/{v}/namespaces/{ns}/{plural}" for v in ("v1beta1", "v1"))
    kind = plural.capitalize()
    made = api.post(old, {"apiVersion": "example.org/v1beta1", "kind": kind, "metadata": {"name": "a"}, "spec": {}})
    assert made.status == 201 and made.json["apiVersion"] == "example.org/v1beta1"
    assert made.warnings == [f'299 - "example.org/v1beta1 {kind} is deprecated; use example.org/v1 {kind}"']
    assert api.get(new + "/a").json["apiVersion"] == "example.org/v1"
    assert [o["apiVersion"] for o in api.get(old).json["items"]] == ["example.org/v1beta1"]
    events = itertools.islice(api.watch(old, resourceVersion="0"), 1)
    assert next(events)["object"]["apiVersion"] == "example.org/v1beta1"
    group = api.get("/apis/example.org").json
    assert group["preferredVersion"]["version"] == "v1"
    # A version that is not served any more.
    definition = api.get(f"{CRDS}/{plural}.example.org").json
    definition["spec"]["versions"][1]["served"] = False
    api.put(f"{CRDS}/{plural}.example.org", definition)
    assert api.get(old + "/a").status == 404


def test_versions_that_were_stored_cannot_be_dropped(api, crd):
    def two(obj):
        other = copy.deepcopy(obj["spec"]["versions"][0])
        other.update(name="v2", storage=False)
        obj["spec"]["versions"].append(other)
    _, plural = crd(two)
    definition = api.get(f"{CRDS}/{plural}.example.org").json
    definition["spec"]["versions"] = definition["spec"]["versions"][1:]
    definition["spec"]["versions"][0]["storage"] = True
    answer = api.put(f"{CRDS}/{plural}.example.org", definition)
    assert answer.status == 422 and 'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions' in answer.json["message"]


@pytest.mark.parametrize("number, shown", [("1e20", "1e+20"), ("1.5", "1.5"), ('"x"', "x")])
def test_numbers_of_replicas_are_shown_as_go_does(api, ns, crd, number, shown):
    """apiextensions-apiserver pkg/registry/customresource, validator.go; fmt's %v"""
    _, plural = crd()
    body = '{"apiVersion":"example.org/v1","kind":"%s","metadata":{"name":"a"},"spec":{"replicas":%s}}' % (plural.capitalize(), number)
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    answer = api.request("POST", path, body, headers={"Content-Type": "application/json"}, raw=True)
    assert answer.status == 422 and f".spec.replicas accessor error: {shown} is of the type " in answer.json["message"]


def test_subresources_of_deprecated_versions_warn_too(api, ns, crd):
    def deprecate(obj):
        obj["spec"]["versions"][0]["deprecated"] = True
    _, plural = crd(deprecate)
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    for below in ("", "/a", "/a/status", "/a/none"):
        assert "is deprecated" in api.get(path + below).warnings[0]


def test_scale_of_what_has_no_number(api, ns, crd):
    """kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions, "Scale subresource"""
    def without_default(obj):
        del obj["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["replicas"]["default"]
    _, plural = crd(without_default)
    path = f"/apis/example.org/v1/namespaces/{ns}/{plural}"
    api.post(path, {"metadata": {"name": "a"}, "spec": {}})
    path += "/a/scale"
    answer = api.get(path)
    assert answer.status == 500 and answer.json["reason"] == "InternalError"
    assert answer.json["details"]["causes"] == [{"message": 'the spec replicas field ".spec.replicas" does not exist'}]
    answer = api.patch(path, {"metadata": {"labels": {"a": "b"}}})
    assert answer.status == 400 and answer.json["message"] == 'the spec replicas field ".spec.replicas" cannot be empty'
    assert api.patch(path, {"spec": {"replicas": 2}}).json["spec"] == {"replicas": 2}


def test_cluster_scoped(api, crd):
    _, plural = crd(lambda o: o["spec"].update(scope="Cluster"))
    path = f"/apis/example.org/v1/{plural}"
    made = api.post(path, {"metadata": {"name": "a"}, "spec": {}})
    assert made.status == 201 and "namespace" not in made.json["metadata"]
    assert api.get(path + "/a").status == 200
    assert api.get(f"/apis/example.org/v1/namespaces/default/{plural}/a").status == 404


def test_name_conflicts(api, crd):
    answer, plural = crd(lambda o: o["spec"]["names"].update(shortNames=["wd"]))
    assert answer.status == 201
    obj = eventually(lambda: (o := api.get(f"{CRDS}/{plural}.example.org").json) and conditions(o) and o)
    assert conditions(obj) == {"NamesAccepted": "False", "Established": "False"}
    assert api.get(f"/apis/example.org/v1/{plural}").status == 404

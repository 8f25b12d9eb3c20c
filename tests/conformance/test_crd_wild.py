"""What CRDs in use rely on, in tables of small CRDs: defaults across versions, nulls, resources within resources, counts,
numbers, what an object says of itself (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions, .../custom-resource-definition-versioning; reference/using-api/server-side-apply)."""
import itertools
import json

import pytest
from apiclient import eventually

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COUNT = itertools.count(1)
STRING = {"type": "string"}
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def version(name, spec, **more):
    schema = {"type": "object", "properties": {"spec": spec, "status": FREE}}
    return {"name": name, "served": True, "storage": False, "schema": {"openAPIV3Schema": schema}, **more}


@pytest.fixture()
def kind(api, ns):
    """kind(versions): the paths of a new kind with these versions, by the name of the version; the first is stored."""
    made = []

    def make(*versions):
        plural = f"wild{next(COUNT)}s"
        versions[0]["storage"] = True
        obj = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
               "metadata": {"name": f"{plural}.wild.example.org"},
               "spec": {"group": "wild.example.org", "scope": "Namespaced",
                        "names": {"plural": plural, "kind": plural.capitalize()}, "versions": list(versions)}}
        answer = api.post(CRDS, obj)
        assert answer.status == 201, answer.json
        made.append(obj["metadata"]["name"])
        eventually(lambda: api.get(f"{CRDS}/{made[-1]}").json["status"].get("conditions"))
        return plural.capitalize(), {
            v["name"]: f"/apis/wild.example.org/{v['name']}/namespaces/{ns}/{plural}" for v in versions}
    yield make
    for name in made:
        api.delete(f"{CRDS}/{name}")


def instance(kind, name="a", at="v1", **spec):
    return {"apiVersion": f"wild.example.org/{at}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_stored_version_gives_the_defaults(api, kind):
    """Versioning: "defaults of the storage version are applied when reading from etcd"."""
    name, paths = kind(
        version("v1", {"type": "object", "properties": {"color": {**STRING, "default": "red"}, "old": STRING}}),
        version("v2", {"type": "object", "properties": {"color": STRING, "size": {"type": "integer", "default": 3},
                                                        "new": STRING}}))
    for query in ("?dryRun=All", ""):
        made = api.post(paths["v2"] + query, instance(name, at="v2", new="x"))
        # "new" is lost: the stored version does not know it; so is the default of "size".
        assert made.status == 201 and made.json["spec"] == {"color": "red"}
        assert made.json["apiVersion"] == "wild.example.org/v2"
    assert api.get(paths["v2"] + "/a").json["spec"] == {"color": "red"}
    api.post(paths["v1"], instance(name, "b", old="x"))
    assert api.get(paths["v1"] + "/b").json["spec"] == {"color": "red", "old": "x"}
    assert api.get(paths["v2"] + "/b").json["spec"] == {"color": "red"}
    listed = {i["metadata"]["name"]: i["spec"] for i in api.get(paths["v2"]).json["items"]}
    assert listed == {"a": {"color": "red"}, "b": {"color": "red"}}


@pytest.mark.parametrize("spec, result, why", [
    ({"ref": None}, {"ref": {"name": "default", "kind": "Config"}}, "the default of what was null has defaults itself"),
    ({"plain": None}, {}, "null is dropped without a default"),
    ({"maybe": None}, {"maybe": None}, "null stays where it may"),
    ({"map": {"a": None, "b": "x"}}, {"map": {"b": "x"}}, "in a map too"),
    ({"list": [None]}, None, "but not in a list"),
], ids=lambda v: v if isinstance(v, str) else "is")
def test_nulls(api, kind, spec, result, why):
    """Defaulting and nullable."""
    name, paths = kind(version("v1", {"type": "object", "properties": {
        "ref": {"type": "object", "default": {"name": "default"},
                "properties": {"name": STRING, "kind": {**STRING, "default": "Config"}}},
        "plain": STRING, "maybe": {**STRING, "nullable": True},
        "map": {"type": "object", "additionalProperties": STRING}, "list": {"type": "array", "items": STRING}}}))
    made = api.post(paths["v1"], instance(name, **spec))
    if result is None:
        assert made.status == 422 and "must be of type string: \"null\"" in made.json["message"], why
    else:
        result.setdefault("ref", {"name": "default", "kind": "Config"})
        assert made.json["spec"] == result, why


def test_applied_null_is_a_wrong_value(api, kind):
    """Server-side apply merges what was sent; nothing is decoded, so nothing drops a null."""
    name, paths = kind(version("v1", {"type": "object", "properties": {"plain": STRING}}))
    made = api.patch(paths["v1"] + "/a?fieldManager=t", instance(name, plain=None), "apply")
    assert made.status == 422 and made.json["details"]["causes"] == [{
        "reason": "FieldValueTypeInvalid", "field": "spec.plain",
        "message": 'Invalid value: "null": spec.plain in body must be of type string: "null"'}]


@pytest.mark.parametrize("resource, message", [
    ({"kind": 5}, "spec.inner.kind: Invalid value: 5: must be a string"),
    ({"kind": None}, 'spec.inner.kind: Invalid value: "null": must be a string'),
    ({"apiVersion": {"a": 1}},
     'spec.inner.apiVersion: Invalid value: map[string]interface {}{"a":1}: must be a string'),
], ids=["number", "null", "object"])
def test_embedded_resource_that_cannot_be_decoded(api, kind, resource, message):
    """x-kubernetes-embedded-resource."""
    name, paths = kind(version("v1", {"type": "object", "properties": {
        "inner": {**FREE, "x-kubernetes-embedded-resource": True}}}))
    inner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, **resource}
    answer = api.post(paths["v1"], instance(name, inner=inner))
    assert answer.status == 400
    assert answer.json["message"] == f'{name} in version "v1" cannot be handled as a {name}: {message}'


@pytest.mark.parametrize("spec, causes, why", [
    ({"one": {"a": 5, "b": 6}}, [("spec.one", "Too many: 2: must have at most 1 items")],
     "too many members: nothing is said of them"),
    ({"one": {}}, [("spec.one", "Invalid value: 0: spec.one in body should have at least 1 properties")], "too few"),
    ({"n": 3000000}, [("spec.n", "Invalid value: 3000000: spec.n in body should be less than or equal to 2000000")],
     "a whole number"),
    ({"n": 3000000.5}, [("spec.n", "Invalid value: 3.0000005e+06: spec.n in body should be less than or equal to "
                                   "2e+06")], "another number, as Go prints it"),
], ids=lambda v: v if isinstance(v, str) else "is")
def test_words(api, kind, spec, causes, why):
    name, paths = kind(version("v1", {"type": "object", "properties": {
        "one": {"type": "object", "minProperties": 1, "maxProperties": 1, "required": ["a"],
                "properties": {"a": STRING, "b": STRING}},
        "n": {"type": "number", "maximum": 2000000}}}))
    answer = api.post(paths["v1"], instance(name, **spec))
    assert answer.status == 422
    assert [(c["field"], c["message"]) for c in answer.json["details"]["causes"]] == causes, why


@pytest.mark.parametrize("form, message", [
    ('{{"kind":"{kind}"}}', "the API version in the data () does not match the expected API version "
                            "(wild.example.org/v1)"),
    ('{{"apiVersion":null,"kind":"{kind}"}}',
     '{kind} in version "" cannot be handled as a {kind}: .apiVersion accessor error: <nil> is of the type <nil>, '
     'expected string'),
    ('{{"apiVersion": "x/v9"}}', "the object provided is unrecognized (must be of type {kind}): Object 'Kind' is "
                                 "missing in '{{\"apiVersion\": \"x/v9\"}}' ({{\"apiVersion\": \"x/v9\"}})"),
    ('{{"apiVersion":5}}', "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
                           "json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type "
                           "string ({{\"apiVersion\":5}})"),
    ('{{"apiVersion":"a/b/c"}}', "the object provided is unrecognized (must be of type {kind}): unexpected "
                                 "GroupVersion string: a/b/c ({{\"apiVersion\":\"a/b/c\"}})"),
], ids=["no version", "version is null", "no kind", "version is a number", "version of three parts"])
def test_objects_say_what_they_are(api, kind, form, message):
    name, paths = kind(version("v1", FREE))
    answer = api.request("POST", paths["v1"], form.format(kind=name), raw=True)
    assert answer.status == 400 and answer.json["message"] == message.format(kind=name)


def test_deprecated_versions_name_the_newest(api, kind):
    """Versioning, "Version deprecation": the default warning."""
    _, paths = kind(version("v1", FREE), version("v1beta1", FREE, deprecated=True),
                    version("v2alpha1", FREE, deprecated=True, deprecationWarning="gone soon"))
    plural = paths["v1"].rsplit("/", 1)[1]
    assert api.get(paths["v1beta1"]).warnings == [
        f'299 - "wild.example.org/v1beta1 {plural.capitalize()} is deprecated; use wild.example.org/v1 '
        f'{plural.capitalize()}"']
    assert api.get(paths["v2alpha1"]).warnings == ['299 - "gone soon"']
    assert api.get(paths["v1"]).warnings == []


def test_what_is_no_character_is_replaced(api, kind):
    """RFC 8259, section 8.2, leaves it open; Kubernetes puts U+FFFD in."""
    name, paths = kind(version("v1", {"type": "object", "properties": {"a": STRING}}))
    body = json.dumps(instance(name, a="@")).encode().replace(b"@", b"x\\ud800y\xff")
    answer = api.request("POST", paths["v1"], body, raw=True)
    assert answer.status == 201 and answer.json["spec"]["a"] == "x\ufffdy\ufffd"


def test_verbs_and_subresources_in_discovery(api, kind):
    _, paths = kind(version("v1", FREE, subresources={
        "status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}}))
    plural = paths["v1"].rsplit("/", 1)[1]
    found = [r for r in api.get("/apis/wild.example.org/v1").json["resources"] if r["name"].startswith(plural)]
    assert [r["name"] for r in found] == [plural, f"{plural}/status", f"{plural}/scale"]
    assert found[0]["verbs"] == ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]


def test_owner_of_a_crds_fields(api, kind):
    """Server-side apply: "spec" and "names" of a CRD are parts of every CRD, nobody owns them."""
    _, paths = kind(version("v1", FREE))
    plural = paths["v1"].rsplit("/", 1)[1]
    fields = api.get(f"{CRDS}/{plural}.wild.example.org").json["metadata"]["managedFields"]
    own = next(f["fieldsV1"]["f:spec"] for f in fields if "f:spec" in f["fieldsV1"])
    assert "." not in own and "." not in own["f:names"] and own["f:conversion"] == {".": {}, "f:strategy": {}}


def test_default_of_a_status(api, kind):
    """Defaulting: a status is not taken from a create; its default is there all the same, and an apply's nulls stay wrong."""
    spec = {"type": "object", "properties": {"a": STRING}}
    status = {"type": "object", "default": {"observedGeneration": -1},
              "properties": {"observedGeneration": {"type": "integer"}}}
    v1 = version("v1", spec, subresources={"status": {}})
    v1["schema"]["openAPIV3Schema"]["properties"]["status"] = status
    name, paths = kind(v1)
    made = api.post(paths["v1"], {**instance(name, a="x"), "status": {"observedGeneration": 7}})
    assert made.status == 201 and made.json["status"] == {"observedGeneration": -1}
    assert made.json["metadata"]["managedFields"][0]["fieldsV1"] == {"f:spec": {".": {}, "f:a": {}}}
    assert api.get(paths["v1"] + "/a").json["status"] == {"observedGeneration": -1}
    assert api.patch(paths["v1"] + "/b?fieldManager=t", instance(name, "b", a=None), "apply").status == 422
    # Nobody owns anything of an object that has not the form of its schema, though the status is dropped.
    odd = api.post(paths["v1"], {**instance(name, "c", a="x"), "status": "odd"})
    assert odd.status == 201 and "managedFields" not in odd.json["metadata"]


def test_an_update_is_decoded_before_it_is_refused(api, kind):
    """Field validation (KEP-2885): Strict tells of unknown fields before anything is compared with what is stored."""
    name, paths = kind(version("v1", {"type": "object", "properties": {"a": STRING}}))
    api.post(paths["v1"], instance(name, a="x"))
    answer = api.put(paths["v1"] + "/a?fieldValidation=Strict", instance(name, zzz=1))
    assert answer.status == 400 and answer.json["message"] == (
        f'{name} in version "v1" cannot be handled as a {name}: strict decoding error: unknown field "spec.zzz"')
    answer = api.put(paths["v1"] + "/a", instance(name, zzz=1))
    assert answer.status == 422 and answer.warnings == [r'299 - "unknown field \"spec.zzz\""']


@pytest.mark.parametrize("change, message", [
    (lambda s: s["versions"][0].update(served="yes"),
     "json: cannot unmarshal string into Go struct field CustomResourceDefinitionVersion.spec.versions.served of type "
     "bool"),
    (lambda s: s["names"].update(shortNames=[1]),
     "json: cannot unmarshal number into Go struct field CustomResourceDefinitionNames.spec.names.shortNames of type "
     "string"),
    (lambda s: s.update(versions={}),
     "json: cannot unmarshal object into Go struct field CustomResourceDefinitionSpec.spec.versions of type "
     "[]v1.CustomResourceDefinitionVersion"),
    (lambda s: s["versions"][0]["schema"]["openAPIV3Schema"]["properties"].update(x="str"),
     "json: cannot unmarshal string into Go struct field JSONSchemaProps.spec.versions.schema.openAPIV3Schema."
     "properties of type v1.JSONSchemaProps"),
    (lambda s: s["versions"][0]["schema"]["openAPIV3Schema"]["properties"].update(
        x={"type": "object", "additionalProperties": 5}), "boolean or JSON schema expected"),
    (lambda s: s["versions"][0]["schema"]["openAPIV3Schema"]["properties"].update(
        x={"type": "array", "items": {"type": ["string", "null"]}}),
     "json: cannot unmarshal array into Go struct field JSONSchemaProps.type of type string"),
], ids=["version", "names", "versions", "property", "additionalProperties", "items"])
def test_what_is_no_definition(api, change, message):
    """The types of apiextensions.k8s.io/v1: what does not fit them is not looked at any further."""
    spec = {"group": "wild.example.org", "scope": "Namespaced", "names": {"plural": "nones", "kind": "None"},
            "versions": [{**version("v1", {"type": "object"}), "storage": True}]}
    change(spec)
    answer = api.post(CRDS + "?dryRun=All", {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                                             "metadata": {"name": "nones.wild.example.org"}, "spec": spec})
    assert answer.status == 400
    assert answer.json["message"] == (
        'CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: ' + message)

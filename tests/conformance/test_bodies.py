"""Bodies that cannot be read, in the words of a kube-apiserver: what clients print when a manifest is broken. Sources:
k8s.io/apimachinery pkg/runtime/serializer/json (SimpleMetaFactory), k8s.io/apiserver pkg/endpoints/handlers (create.go,
patch.go, delete.go), k8s.io/apimachinery pkg/util/mergepatch/errors.go, encoding/json, gopkg.in/yaml.v2."""
import pytest

CM = "/api/v1/namespaces/{}/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
WD = "/apis/example.org/v1/namespaces/{}/widgets"
NO_OBJECT = ('couldn\'t get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion '
             'string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }}')
SCHEME = 'in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"'
TYPES = {"json": "application/json", "yaml": "application/yaml", "merge": "application/merge-patch+json",
         "strategic": "application/strategic-merge-patch+json", "patch": "application/json-patch+json",
         "apply": "application/apply-patch+yaml", "protobuf": "application/vnd.kubernetes.protobuf"}

UNRECOGNIZED = [
    ("json", "", "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"),
    ("json", '{"a":', 'couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"a":)'),
    ("json", '{"a":}', 'couldn\'t get version/kind; json parse error: invalid character \'}\' looking for beginning of value ({"a":})'),
    ("json", "[]", NO_OBJECT.format("array") + " (5b5d)"),
    ("json", '{"apiVersion":1}', "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field "
                                 '.apiVersion of type string ({"apiVersion":1})'),
    ("json", '{"apiVersion":"a/b/c"}', 'unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})'),
    ("yaml", "a:\n\t- b", "yaml: line 2: found character that cannot start any token (613a0a092d2062)"),
    ("yaml", "- a", NO_OBJECT.format("array") + " (2d2061)"),
    ("yaml", "a: &x 1\nb: *y", "yaml: unknown anchor 'y' referenced (613a20267820310a623a202a79)"),
    ("protobuf", "abc", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (616263)"),
]


def send(api, method, path, form, body):
    return api.request(method, path, body, raw=True, headers={"Content-Type": TYPES[form]})


@pytest.mark.parametrize("method, name", [("POST", ""), ("PUT", "/a")])
@pytest.mark.parametrize("kind, path", [("ConfigMap", CM), ("Widget", WD)])
@pytest.mark.parametrize("form, body, why", UNRECOGNIZED)
def test_unrecognized(api, ns, method, name, kind, path, form, body, why):
    answer = send(api, method, path.format(ns) + name, form, body)
    assert answer.status == 400 and answer.json["reason"] == "BadRequest"
    assert answer.json["message"] == f"the object provided is unrecognized (must be of type {kind}): {why}"


@pytest.mark.parametrize("body, message", [
    ('{"kind":"Foo"}', f'Foo in version "v1" cannot be handled as a ConfigMap: no kind "Foo" is registered for version "v1" {SCHEME}'),
    ('{"apiVersion":"v1","kind":"Secret"}',
     'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion'),
    ('{"metadata":[]}', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct '
                        'field ConfigMap.metadata of type v1.ObjectMeta'),
    ('{"metadata":{"labels":[]}}', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into '
                                   'Go struct field ObjectMeta.metadata.labels of type map[string]string'),
    ('{"metadata":{"finalizers":[1]}}', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number '
                                        'into Go struct field ObjectMeta.metadata.finalizers of type string'),
    ('{"metadata":{"creationTimestamp":"x"}}', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: parsing time "x" as '
                                               '"2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'),
])
def test_of_another_type(api, ns, body, message):
    answer = send(api, "POST", CM.format(ns), "json", body)
    assert answer.status == 400 and answer.json["message"] == message


def test_custom_resources_say_what_they_are(api, ns):
    missing = '{"metadata": {"name": "b"}}'
    answer = send(api, "POST", WD.format(ns), "json", missing)
    assert answer.json["message"] == ("the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in "
                                      f"'{missing}' ({missing})")
    answer = send(api, "POST", WD.format(ns), "json", '{"kind":"Widget"}')
    assert answer.json["message"] == "the API version in the data () does not match the expected API version (example.org/v1)"


@pytest.mark.parametrize("form, body, status, message", [
    ("merge", "", 400, "error decoding patch: unexpected end of JSON input"),
    ("strategic", "{", 400, "unexpected end of JSON input"),
    ("patch", '{"a":}', 400, "error decoding patch: invalid character '}' looking for beginning of value"),
    ("strategic", '{"$patch":"foo"}', 500, "unknown patch type: foo in map: map[$patch:foo]"),
    ("strategic", '{"spec":{"template":{"spec":{"containers":[{"image":"y"}]}}}}', 500,
     "map: map[image:y] does not contain declared merge key: name"),
    ("strategic", '{"spec":{"$retainKeys":"x"}}', 400, "invalid patch format of retainKeys"),
    ("merge", '{"metadata":{"resourceVersion":"x"}}', 500, 'strconv.ParseUint: parsing "x": invalid syntax'),
    ("apply", "{", 400, "error decoding YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content"),
    ("apply", "[]", 400, "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go "
                         "value of type map[string]interface {}"),
    ("apply", "", 400, "Incorrect version specified in apply patch. Specified patch version: , expected: apps/v1"),
    ("apply", '{"apiVersion":"apps/v1"}', 500,
     "failed to create typed patch object (/; apps/v1, Kind=): no corresponding type for apps/v1, Kind="),
    ("json", "{}", 415, "415: Unsupported Media Type"),
])
def test_patches(api, ns, form, body, status, message):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    api.post(DEPLOYMENTS.format(ns), {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}})
    answer = send(api, "PATCH", DEPLOYMENTS.format(ns) + "/a?fieldManager=me", form, body)
    assert answer.status == status, answer
    assert answer.json["message"] == message


@pytest.mark.parametrize("patch, why", [
    ({"metadata": "x"}, "json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta"),
    ({"metadata": {"labels": {"a": 1}}}, "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"),
    ({"data": 1}, "json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string"),
    ({"kind": "Foo"}, f'no kind "Foo" is registered for version "v1" {SCHEME}'),
])
def test_patches_that_leave_no_such_object(api, ns, patch, why):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    answer = api.patch(CM.format(ns) + "/a", patch)
    assert answer.status == 422 and answer.json["details"]["causes"][0]["field"] == "patch"
    assert answer.json["message"].startswith(' "" is invalid: patch: Invalid value: "{') and answer.json["message"].endswith(f': {why}')


@pytest.mark.parametrize("patch, shown, why", [
    ({"metadata": "x"}, "map[metadata:x]", "cannot restore struct from: string"),
    ({"metadata": {"labels": []}}, "map[metadata:map[labels:[]]]", "cannot restore map from slice"),
    ({"data": {"a": 1}}, "map[data:map[a:1]]", "cannot convert int64 to string"),
    ({"immutable": "x"}, "map[immutable:x]", "unrecognized type: bool"),
])
def test_strategic_patches_are_converted_not_decoded(api, ns, patch, shown, why):  # k8s.io/apimachinery pkg/runtime/converter.go
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    answer = api.patch(CM.format(ns) + "/a", patch, "strategic")
    assert answer.status == 422 and answer.json["message"] == f' "" is invalid: patch: Invalid value: "{shown}": {why}'


@pytest.mark.parametrize("body, message", [
    ("{", "couldn't get version/kind; json parse error: unexpected end of JSON input"),
    ("[]", NO_OBJECT.format("array")),
    ('{"kind":"Foo","apiVersion":"v1"}', 'no kind "Foo" is registered for version "v1" in scheme '
                                         '"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"'),
    ('{"gracePeriodSeconds":"x"}', "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"),
    ('{"preconditions":{"uid":1}}', "json: cannot unmarshal number into Go struct field Preconditions.preconditions.uid of type types.UID"),
])
def test_delete_options(api, ns, body, message):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    answer = send(api, "DELETE", CM.format(ns) + "/a", "json", body)
    assert answer.status == 500 and "reason" not in answer.json
    assert answer.json["message"] == message


def test_versions_and_identities_of_updates(api, ns):  # registry/generic/registry/store.go, Update
    made = api.post(WD.format(ns), {"metadata": {"name": "a"}, "spec": {}}).json

    def put(**meta):
        answer = api.put(WD.format(ns) + "/a", {"metadata": {"name": "a", **meta}, "spec": {}})
        return answer.status, answer.json["message"], answer.json.get("details", {}).get("kind")

    assert put() == (422, 'widgets.example.org "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified '
                          "for an update", "widgets")
    assert put(resourceVersion="x") == (500, 'strconv.ParseUint: parsing "x": invalid syntax', None)
    assert put(uid="u") == (409, 'Operation cannot be fulfilled on widgets.example.org "a": StorageError: invalid object, Code: 4, '
                                 f"Key: /registry/example.org/widgets/{ns}/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
                                 f'failed: UID in precondition: u, UID in object meta: {made["metadata"]["uid"]}', "widgets")
    answer = api.patch(WD.format(ns) + "/a", {"metadata": {"uid": "u"}})
    assert answer.status == 422 and [c["field"] for c in answer.json["details"]["causes"]] == ["metadata.uid"] * 2
    assert answer.json["message"] == 'Widget.example.org "a" is invalid: metadata.uid: Invalid value: "u": field is immutable'


def test_a_new_object_has_no_version(api, ns):  # apiserver storage/etcd3/store.go, Create
    answer = api.post(CM.format(ns), {"metadata": {"name": "a", "resourceVersion": "5"}})
    assert answer.status == 500 and answer.json["message"] == "resourceVersion should not be set on objects to be created"
    assert api.post(CM.format(ns), {"metadata": {"name": "a", "resourceVersion": "5"}}, dryRun="All").status == 201
    assert api.post(CM.format(ns), {"metadata": {"name": "a", "resourceVersion": "x"}}).status == 201

"""Server-side apply (KEP-555; kubernetes.io, "Server-Side Apply"): what managers own, compared with an independent description
of the rules (ssa_reference.py) over random histories, and the cases that people and clients meet."""
import json
import os
import random

import pytest
import ssa_reference as ssa

GROUP = "apply.example.org"
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def list_map(keys, **properties):
    return {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys,
            "items": {"type": "object", "required": keys, "properties": properties}}


SPEC = {"type": "object", "properties": {
    "color": STRING, "size": INTEGER, "replicas": INTEGER,
    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": STRING},
    "numbers": {"type": "array", "items": INTEGER},
    "options": {"type": "object", "additionalProperties": STRING},
    "frozen": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"x": INTEGER, "y": INTEGER}},
    "ports": list_map(["port", "protocol"], port=INTEGER, protocol=STRING, label=STRING),
    "parts": list_map(["name"], name=STRING, count=INTEGER, env=list_map(["key"], key=STRING, val=STRING)),
    "deep": {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": STRING, "c": STRING}}}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}}
STATUS = {"type": "object", "properties": {"phase": STRING, "replicas": INTEGER,
                                          "conditions": list_map(["type"], type=STRING, status=STRING)}}

# The same for the reference.
L = "leaf"
REFERENCE = {"map": {"spec": {"map": {
    "color": L, "size": L, "replicas": L, "tags": "set", "numbers": L, "options": {"any": L}, "frozen": L,
    "ports": {"keys": ["port", "protocol"], "of": {"map": {"port": L, "protocol": L, "label": L}}},
    "parts": {"keys": ["name"], "of": {"map": {"name": L, "count": L, "env": {
        "keys": ["key"], "of": {"map": {"key": L, "val": L}}}}}},
    "deep": {"map": {"a": {"map": {"b": L, "c": L}}}},
}}}}


def version(name, storage, **more):
    return {"name": name, "served": True, "storage": storage,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                                                     "statusReplicasPath": ".status.replicas"}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {**SPEC, "properties": {
                **SPEC["properties"], **more}}, "status": STATUS}}}}


@pytest.fixture(scope="module")
def things(server):
    import apiclient
    import time
    client = apiclient.Client(server.kubeconfig)
    assert client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
                 "versions": [version("v1", True), version("v2", False)]}}).status == 201
    for _ in range(200):
        if client.get(f"/apis/{GROUP}/v1/namespaces/default/things").status == 200:
            return
        time.sleep(0.05)


class Things:
    def __init__(self, api, ns):
        self.api, self.ns = api, ns

    def path(self, name="x", version="v1", sub=""):
        return f"/apis/{GROUP}/{version}/namespaces/{self.ns}/things/{name}{sub}"

    def body(self, fields, name="x", version="v1", **meta):
        return {"apiVersion": f"{GROUP}/{version}", "kind": "Thing", "metadata": {"name": name, **meta}, **fields}

    def apply(self, manager, fields, name="x", version="v1", sub="", meta=None, **query):
        return self.api.patch(self.path(name, version, sub), self.body(fields, name, version, **(meta or {})), "apply",
                              fieldManager=manager, **query)

    def update(self, manager, fields, name="x", version="v1", sub=""):
        live = self.api.get(self.path(name, version)).json
        live.pop("spec", None)
        if sub:
            live.pop("status", None)
        return self.api.put(self.path(name, version, sub) + f"?fieldManager={manager}", {**live, **fields})

    def create(self, manager, fields, name="x", version="v1"):
        return self.api.post(f"/apis/{GROUP}/{version}/namespaces/{self.ns}/things?fieldManager={manager}",
                             self.body(fields, name, version))

    def get(self, name="x", version="v1"):
        return self.api.get(self.path(name, version)).json


@pytest.fixture()
def t(api, ns, things):
    return Things(api, ns)


def paths(fields, prefix=()):
    """The members of a fieldsV1."""
    found = set()
    for key, below in fields.items():
        if key == ".":
            found.add(prefix)
        elif not below:
            found.add(prefix + (key,))
        else:
            found |= paths(below, prefix + (key,))
    return found


def owners(obj):
    return {(e["manager"], e["operation"]): paths(e["fieldsV1"]) for e in obj["metadata"].get("managedFields", [])}


def entry(obj, manager, operation=None):
    found = [e for e in obj["metadata"].get("managedFields", [])
             if e["manager"] == manager and operation in (None, e["operation"])]
    assert len(found) <= 1, found
    return found[0] if found else None


def element_order(key):
    kind = "fkvi".index(key[0])
    return kind, json.loads(key[2:]) if key[0] == "v" else key if key[0] == "f" else list(json.loads(key[2:]).items())


def assert_sorted(fields):
    steps = [k for k in fields if k != "."]
    assert steps == sorted(steps, key=element_order), steps
    assert "." not in fields or list(fields)[0] == "."
    for below in fields.values():
        assert_sorted(below)


def normal(v):
    """Lists with keys and sets without their order; what is empty left out."""
    if isinstance(v, dict):
        return {k: normal(x) for k, x in v.items()}
    if isinstance(v, list) and v and not all(isinstance(x, int) for x in v):
        return sorted((normal(x) for x in v), key=lambda x: json.dumps(x, sort_keys=True))
    return v


# ---- random histories ----

class Gen:
    """Small values out of few, so that managers meet."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def some(self, make, most, least=1):
        # Lists with keys and maps that are applied empty after they were full end as null, which a custom resource drops; only
        # the next apply brings them back. So it is in Kubernetes, but it is no rule worth a reference.
        return [make(i) for i in sorted(self.r.sample(range(most), self.r.randint(least, most)))]

    def maybe(self, obj, key, make, chance=0.4):
        if self.r.random() < chance:
            obj[key] = make()

    def word(self):
        return self.r.choice("ab")

    def part(self, i):
        part = {"name": f"p{i}"}
        self.maybe(part, "count", lambda: self.r.randint(0, 1))
        self.maybe(part, "env", lambda: self.some(lambda k: {"key": f"k{k}", "val": self.word()}, 2))
        return part

    def port(self, i):
        port = {"port": i // 2, "protocol": "TCP" if i % 2 else "UDP"}
        self.maybe(port, "label", self.word)
        return port

    def spec(self):
        spec = {"replicas": self.r.randint(0, 1)}
        self.maybe(spec, "color", self.word)
        self.maybe(spec, "size", lambda: self.r.randint(0, 1))
        self.maybe(spec, "tags", lambda: self.some(lambda i: f"t{i}", 3))
        self.maybe(spec, "numbers", lambda: self.some(lambda i: i, 2, 0))
        self.maybe(spec, "options", lambda: {f"o{i}": self.word() for i in self.some(lambda i: i, 3)})
        self.maybe(spec, "frozen", lambda: {"x": self.r.randint(0, 1)})
        self.maybe(spec, "ports", lambda: self.some(self.port, 4))
        self.maybe(spec, "parts", lambda: self.some(self.part, 3))
        self.maybe(spec, "deep", lambda: {"a": {k: self.word() for k in self.some(lambda i: "bc"[i], 2)}})
        return {"spec": spec}


def check_step(t, model, g, name):
    manager, kind = g.r.choice(["m1", "m2", "m3"]), g.r.choice(["apply", "apply", "force", "update"])
    fields = g.spec()
    if kind == "update":
        answer = t.update(manager, fields, name) if model.obj is not None else t.create(manager, fields, name)
        assert answer.status in (200, 201), answer
        model.update(manager, fields)
        return
    answer = t.apply(manager, fields, name, **({"force": "true"} if kind == "force" else {}))
    if answer.status == 422:  # what loses all its parts is null then, which it may not be
        assert '"null"' in answer.json["message"], answer
        return
    try:
        model.apply(manager, fields, kind == "force")
    except ssa.Conflict as conflict:
        assert answer.status == 409, (answer, conflict.pairs)
        assert answer.json["message"].startswith(f"Apply failed with {len(conflict.pairs)} conflict")
        return
    assert answer.status in (200, 201), answer
    again = t.apply(manager, fields, name)
    assert again.status == 200 and again.json == answer.json, "applying the same again changes nothing"


@pytest.mark.parametrize("seed", range(int(os.environ.get("SCIA_APPLY_HISTORIES", "12"))))
def test_random_histories_follow_the_rules(t, seed):
    g, model = Gen(seed), ssa.Model(REFERENCE)
    for step in range(25):
        check_step(t, model, g, "x")
        live = t.get()
        where = f"seed {seed}, step {step}"
        assert normal({"spec": live.get("spec", {})}) == normal({"spec": model.obj.get("spec", {})}), where
        found = owners(live)
        assert found == model.owners, (where, {k: (found.get(k, set()) - model.owners.get(k, set()),
                                                  model.owners.get(k, set()) - found.get(k, set()))
                                              for k in set(found) | set(model.owners)})
        for e in live["metadata"].get("managedFields", []):
            assert e["fieldsType"] == "FieldsV1" and e["apiVersion"] == f"{GROUP}/v1" and e["fieldsV1"]
            assert_sorted(e["fieldsV1"])
        order = [(e["operation"], e.get("time", ""), e["manager"]) for e in live["metadata"].get("managedFields", [])]
        assert order == sorted(order)


# ---- cases ----

def test_conflicts_name_their_managers(t):
    """kubernetes.io, "Server-Side Apply", Conflicts; the texts are k8s.io/apimachinery's."""
    t.create("up", {"spec": {"size": 1, "color": "a"}})
    t.apply("one", {"spec": {"color": "a", "tags": ["x"]}})
    single = t.apply("two", {"spec": {"size": 2}})
    assert single.status == 409 and single.json["reason"] == "Conflict"
    assert single.json["message"] == f'Apply failed with 1 conflict: conflict with "up" using {GROUP}/v1: .spec.size'
    assert single.json["details"] == {"causes": [{"reason": "FieldManagerConflict",
                                                  "message": f'conflict with "up" using {GROUP}/v1', "field": ".spec.size"}]}
    several = t.apply("two", {"spec": {"size": 2, "color": "b"}}).json
    assert several["message"] == ("Apply failed with 3 conflicts: "
                                  'conflicts with "one":\n- .spec.color\n'
                                  f'conflicts with "up" using {GROUP}/v1:\n- .spec.color\n- .spec.size')
    t.update("ctl", {"status": {"phase": "Up"}}, sub="/status")
    status = t.apply("two", {"status": {"phase": "Down"}}, sub="/status").json
    assert status["message"] == ('Apply failed with 1 conflict: conflict with "ctl" with subresource "status" using '
                                 f'{GROUP}/v1: .status.phase')
    forced = t.apply("two", {"spec": {"size": 2, "color": "b"}}, force="true").json
    assert owners(forced)["two", "Apply"] == {("f:spec", "f:size"), ("f:spec", "f:color")}
    assert ("f:spec", "f:color") not in owners(forced)["one", "Apply"]


def test_times_change_with_the_object_only(t):
    first = t.create("up", {"spec": {"size": 1}}).json
    assert entry(first, "up")["time"]
    shared = t.apply("one", {"spec": {"size": 1}}).json
    assert "time" not in entry(shared, "one"), "who only shares what is there leaves no time"
    assert entry(shared, "up")["time"] == entry(first, "up")["time"]
    again = t.apply("one", {"spec": {"size": 1}}, meta={"creationTimestamp": None}).json
    assert again["metadata"]["resourceVersion"] == shared["metadata"]["resourceVersion"]


@pytest.mark.parametrize("fields, message", [
    ({"spec": {"nope": 1}}, ".spec.nope: field not declared in schema"),
    ({"spec": {"size": "x"}}, ".spec.size: expected numeric (int or float), got string"),
    ({"spec": {"color": 5}}, ".spec.color: expected string, got &value.valueUnstructured{Value:5}"),
    ({"spec": {"tags": ["a", "a"]}}, '.spec.tags: duplicate entries for key [="a"]'),
    ({"spec": {"parts": [{"name": "a"}, {"name": "a"}]}}, '.spec.parts: duplicate entries for key [name="a"]'),
    ({"spec": {"parts": [{"count": 1}]}}, '.spec.parts: element 0: associative list with keys has an element that omits all '
     'key fields ["name"] (and doesn\'t have default values for any key fields)'),
    ({"spec": {"deep": []}}, ".spec.deep: expected map, got &{[]}"),
    ({"spec": {"free": {"any": {"thing": [1]}}}}, None),
])
def test_configurations_are_typed(t, fields, message):
    """Whatever fieldValidation says: sigs.k8s.io/structured-merge-diff checks what is applied. The API answers 500 without a
    reason, as a kube-apiserver does."""
    answer = t.apply("one", fields, fieldValidation="Ignore")
    if message is None:
        assert answer.status == 201
        return
    assert answer.status == 500 and "reason" not in answer.json and "details" not in answer.json
    assert answer.json["message"] == f"failed to create typed patch object (/x; {GROUP}/v1, Kind=Thing): {message}"


def test_what_an_apply_needs(t):
    answer = t.api.patch(t.path(), t.body({}), "apply")
    assert answer.status == 422 and answer.json["details"]["kind"] == "PatchOptions"
    assert answer.json["message"] == ('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
                                      'apply patch')
    assert t.apply("m" * 129, {}).status == 422
    assert t.apply("a\tb", {}).status == 422
    managed = t.apply("one", {}, meta={"managedFields": []})
    assert managed.status == 400 and managed.json["message"] == "metadata.managedFields must be nil"
    other = t.api.patch(t.path(), {"apiVersion": f"{GROUP}/v9", "kind": "Thing", "metadata": {"name": "x"}}, "apply", fieldManager="m")
    assert other.status == 400 and other.json["message"] == (
        f"Incorrect version specified in apply patch. Specified patch version: {GROUP}/v9, expected: {GROUP}/v1")
    absent = t.apply("one", {"spec": {"size": 1}}, meta={"uid": "0a"})
    assert absent.status == 409 and "uid mismatch: the provided object specified uid 0a, and no existing object was found" in absent.json["message"]
    assert t.apply("one", {"spec": {"size": 1}}, sub="/status").status == 404
    created = t.apply("one", {"spec": {"size": 1}}, meta={"resourceVersion": "5"})
    assert created.status == 201, "a resourceVersion says nothing about what is not there"
    assert t.apply("one", {"spec": {"size": 2}}, meta={"resourceVersion": "5"}).status == 409
    live = created.json["metadata"]
    assert t.apply("one", {"spec": {"size": 2}}, meta={"resourceVersion": live["resourceVersion"], "uid": live["uid"]}).status == 200
    assert t.apply("one", {"spec": {"size": 3}}, dryRun="All").json["spec"]["size"] == 3
    assert t.get()["spec"]["size"] == 2


def test_status_has_owners_of_its_own(t):
    t.apply("one", {"spec": {"size": 1}, "status": {"phase": "ignored"}})
    obj = t.apply("ctl", {"spec": {"size": 7}, "status": {"phase": "Up", "conditions": [{"type": "A", "status": "True"}]}},
                  sub="/status").json
    assert obj["spec"]["size"] == 1 and obj["status"]["phase"] == "Up"
    assert entry(obj, "ctl")["subresource"] == "status"
    assert {p[0] for p in owners(obj)["ctl", "Apply"]} == {"f:status"}
    assert {p[0] for p in owners(obj)["one", "Apply"]} == {"f:spec"}
    obj = t.apply("ctl", {"status": {"phase": "Up"}}, sub="/status").json
    assert not obj["status"].get("conditions")


def test_managers_can_be_reset_and_are_put_together(t):
    t.create("first", {"spec": {"size": 1}})
    for i in range(14):
        t.update(f"u{i:02}", {"spec": {"size": 1, "options": {f"k{n}": "v" for n in range(i + 1)}}})
    live = t.get()
    updates = [e["manager"] for e in live["metadata"]["managedFields"]]
    assert len(updates) == 10 and updates.count("ancient-changes") == 1
    for reset in ([], [{}]):
        cleared = t.api.patch(t.path(), {"metadata": {"managedFields": reset}}, "merge").json
        assert "managedFields" not in cleared["metadata"]
        untracked = t.update("later", {"spec": {"size": 2}}).json
        assert "managedFields" not in untracked["metadata"], "until it is applied to"
    applied = t.apply("one", {"spec": {"color": "a"}}).json
    assert ("before-first-apply", "Update") in owners(applied)
    stolen = [{**e, "manager": "stolen"} for e in applied["metadata"]["managedFields"] if e["manager"] == "one"]
    changed = t.api.patch(t.path(), {"metadata": {"managedFields": stolen}}, "merge").json
    assert list(owners(changed)) == [("stolen", "Apply")], "the list can be written"
    broken = t.api.patch(t.path(), {"metadata": {"managedFields": [{"manager": "x", "operation": "Dance"}]}}, "merge").json
    assert list(owners(broken)) == [("stolen", "Apply")], "a list that makes no sense is not taken"


def test_managers_of_several_versions(t):
    t.apply("one", {"spec": {"size": 1, "color": "a"}}, version="v1")
    moved = t.apply("one", {"spec": {"size": 1}}, version="v2").json
    assert "color" not in moved["spec"], "what was applied in v1 is still the manager's"
    assert entry(moved, "one")["apiVersion"] == f"{GROUP}/v2"
    t.update("up", {"spec": {"size": 1, "tags": ["a"]}}, version="v1")
    clash = t.apply("one", {"spec": {"size": 1, "tags": ["a"], "numbers": [1]}}, version="v2")
    assert clash.status == 200
    clash = t.apply("two", {"spec": {"size": 5}}, version="v1")
    assert clash.json["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.size'


def test_migration_of_client_side_apply(t):
    """KEP-555, "Upgrading from client-side to server-side apply": kubectl may take over what its own apply set; another
    manager rewrites the list with a test of the version (client-go's csaupgrade)."""
    annotation = "kubectl.kubernetes.io/last-applied-configuration"
    config = t.body({"spec": {"size": 1, "color": "a<b"}})
    t.api.post(f"/apis/{GROUP}/v1/namespaces/{t.ns}/things?fieldManager=kubectl-client-side-apply",
               {**config, "metadata": {"name": "x", "annotations": {annotation: json.dumps(config)}}})
    assert t.apply("ci", {"spec": {"size": 2}}).status == 409
    taken = t.apply("kubectl", {"spec": {"size": 2, "color": "a<b"}})
    assert taken.status == 200 and ("f:spec", "f:size") in owners(taken.json)["kubectl", "Apply"]
    assert "\\u003c" in taken.json["metadata"]["annotations"][annotation], "as Go writes it"
    assert json.loads(taken.json["metadata"]["annotations"][annotation])["spec"] == {"size": 2, "color": "a<b"}
    meta = taken.json["metadata"]
    joined = [e for e in meta["managedFields"] if e["manager"] != "kubectl-client-side-apply"]
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": joined},
             {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]}]
    assert [m for m, _ in owners(t.api.patch(t.path(), patch, "json").json)] == ["kubectl"]
    assert t.api.patch(t.path(), patch, "json").status == 409

"""Role-based access control (kubernetes.io/docs/reference/access-authn-authz/rbac): who may do what, what a refusal says,
that nobody grants what they do not have, aggregated and default roles; and a comparison with rules written down here a
second time, on roles, bindings and questions made at random."""
import json
import os
import random

import apiclient
import pytest

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class User(apiclient.Client):
    """Somebody else, by impersonation."""

    def __init__(self, server, name, *groups):
        super().__init__(server.kubeconfig)
        self.who, self.groups = name, groups

    def request(self, method, path, body=None, headers=None, raw=False, **query):
        headers = {**(headers or {}), "Impersonate-User": self.who}
        if self.groups:
            headers["Impersonate-Group"] = self.groups[0]
        return super().request(method, path, body, headers=headers, raw=raw, **query)


def role(name, *rules, **more):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules), **more}


def rule(verbs, resources, groups=("",), names=()):
    r = {"verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources)}
    return {**r, "resourceNames": list(names)} if names else r


def binding(name, kind, role_name, *subjects):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role_name}, "subjects": list(subjects)}


def user(name):
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def created(answer):
    assert answer.status == 201, answer
    return answer.json


@pytest.fixture()
def ann(server):
    return User(server, "ann")


def test_nothing_without_a_role(ann, ns):
    answer = ann.get(f"/api/v1/namespaces/{ns}/secrets")
    assert answer.status == 403
    assert answer.json["message"] == (
        f'secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" in the namespace "{ns}"')
    assert answer.json["reason"] == "Forbidden" and answer.json["details"] == {"kind": "secrets"}
    assert ann.get("/apis/example.org/v1/widgets").json["message"] == (
        'widgets.example.org is forbidden: User "ann" cannot list resource "widgets" in API group "example.org" at the '
        'cluster scope')
    assert ann.get(f"/api/v1/namespaces/{ns}/pods/x/log").json["message"] == (
        f'pods "x" is forbidden: User "ann" cannot get resource "pods/log" in API group "" in the namespace "{ns}"')
    assert ann.get("/metrics").json["message"] == 'forbidden: User "ann" cannot get path "/metrics"'


def test_permission_comes_before_what_is_wrong_with_a_request(ann, api):
    assert ann.get("/apis/no.such.group/v1/things").status == 403
    assert api.get("/apis/no.such.group/v1/things").status == 404
    assert ann.get("/nowhere").status == 403
    assert ann.get("/api/v1/secrets", limit="x").status == 403


def test_discovery_is_for_every_user(ann):
    for path in ("/api", "/apis", "/api/v1", "/apis/apps", "/openapi/v2", "/version"):
        assert ann.get(path).status in (200, 404), path


def test_a_binding_counts_with_the_next_request(ann, api, ns):
    path = f"/api/v1/namespaces/{ns}/configmaps"
    for i in range(20):
        created(api.post(f"{RBAC}/namespaces/{ns}/roles", role(f"r{i}", rule(["list"], ["configmaps"]))))
        created(api.post(f"{RBAC}/namespaces/{ns}/rolebindings", binding(f"b{i}", "Role", f"r{i}", user("ann"))))
        assert ann.get(path).status == 200
        assert api.delete(f"{RBAC}/namespaces/{ns}/rolebindings/b{i}").status == 200
        assert ann.get(path).status == 403


def test_names(ann, api, ns):
    created(api.post(f"{RBAC}/namespaces/{ns}/roles", role("one", rule(["get", "list", "watch", "delete"], ["configmaps"], names=["a"]))))
    created(api.post(f"{RBAC}/namespaces/{ns}/rolebindings", binding("one", "Role", "one", user("ann"))))
    for name in "ab":
        created(api.post(f"/api/v1/namespaces/{ns}/configmaps", {"metadata": {"name": name}}))
    path = f"/api/v1/namespaces/{ns}/configmaps"
    assert ann.get(f"{path}/a").status == 200
    assert ann.get(f"{path}/b").status == 403
    assert ann.get(path).status == 403
    listed = ann.get(path, fieldSelector="metadata.name=a")
    assert listed.status == 200 and [i["metadata"]["name"] for i in listed.json["items"]] == ["a"]
    assert ann.get(path, fieldSelector="metadata.name=b").status == 403
    assert ann.get(path, fieldSelector="metadata.name!=a").status == 403
    assert ann.request("DELETE", path, fieldSelector="metadata.name=a").status == 403  # deletecollection has no name


def test_a_namespace_is_read_by_a_role_within_it(ann, api, ns):
    created(api.post(f"{RBAC}/namespaces/{ns}/rolebindings", binding("v", "ClusterRole", "view", user("ann"))))
    assert ann.get(f"/api/v1/namespaces/{ns}").status == 200
    assert ann.get("/api/v1/namespaces").status == 403
    assert ann.get(f"/api/v1/namespaces/{ns}/secrets").status == 403
    assert ann.get(f"/api/v1/namespaces/{ns}/configmaps").status == 200


def test_a_missing_role_is_named(ann, api, ns):
    created(api.post(f"{RBAC}/namespaces/{ns}/rolebindings", binding("d", "ClusterRole", "not-there", user("ann"))))
    assert ann.get(f"/api/v1/namespaces/{ns}/secrets").json["message"].endswith(
        f'in the namespace "{ns}": RBAC: clusterrole.rbac.authorization.k8s.io "not-there" not found')


def grant(api, ns, name, *rules):
    created(api.post(f"{RBAC}/namespaces/{ns}/roles", role(name, *rules)))
    created(api.post(f"{RBAC}/namespaces/{ns}/rolebindings", binding(name, "Role", name, user("ann"))))


def test_nobody_grants_what_they_do_not_have(ann, api, ns):
    manage = rule(["create", "update", "patch", "get"], ["roles", "rolebindings"], ["rbac.authorization.k8s.io"])
    grant(api, ns, "manager", manage, rule(["get", "list"], ["configmaps"]))
    roles, bindings = f"{RBAC}/namespaces/{ns}/roles", f"{RBAC}/namespaces/{ns}/rolebindings"
    answer = ann.post(roles, role("more", rule(["get", "delete"], ["configmaps", "secrets"])))
    assert answer.status == 403
    assert answer.json["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to '
        'grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}')
    created(ann.post(roles, role("same", rule(["get"], ["configmaps"]))))
    assert ann.patch(f"{roles}/same", {"rules": [rule(["*"], ["configmaps"])]}).status == 403
    created(ann.post(bindings, binding("same", "Role", "same", user("bob"))))
    answer = ann.post(bindings, binding("all", "ClusterRole", "cluster-admin", user("ann")))
    assert answer.status == 403 and '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in answer.json["message"]
    assert ann.post(bindings, binding("none", "Role", "not-there", user("ann"))).status == 404
    # The verbs escalate and bind lift it.
    grant(api, ns, "escalator", rule(["escalate"], ["roles"], ["rbac.authorization.k8s.io"]),
          rule(["bind"], ["clusterroles"], ["rbac.authorization.k8s.io"], ["edit"]))
    created(ann.post(roles, role("more", rule(["*"], ["*"], ["*"]))))
    created(ann.post(bindings, binding("edit", "ClusterRole", "edit", user("bob"))))
    assert ann.post(bindings, binding("admin", "ClusterRole", "admin", user("bob"))).status == 403


def test_aggregation(api, server, ns):
    name = f"agg-{ns}"
    whole = {"kind": "ClusterRole", "metadata": {"name": name}, "rules": [],
             "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {f"for/{ns}": "yes"}}]}}
    part = {"kind": "ClusterRole", "metadata": {"name": f"{name}-part", "labels": {f"for/{ns}": "yes"}},
            "rules": [rule(["get"], ["secrets"])]}
    created(api.post(f"{RBAC}/clusterroles", whole))
    created(api.post(f"{RBAC}/clusterroles", part))
    apiclient.eventually(lambda: api.get(f"{RBAC}/clusterroles/{name}").json["rules"] == part["rules"])
    api.patch(f"{RBAC}/clusterroles/{name}-part", {"rules": [rule(["list"], ["secrets"])]})
    apiclient.eventually(lambda: api.get(f"{RBAC}/clusterroles/{name}").json["rules"] == [rule(["list"], ["secrets"])])
    api.delete(f"{RBAC}/clusterroles/{name}-part")
    apiclient.eventually(lambda: not api.get(f"{RBAC}/clusterroles/{name}").json["rules"])
    api.delete(f"{RBAC}/clusterroles/{name}")


def test_default_roles(api):
    admin = api.get(f"{RBAC}/clusterroles/admin").json
    assert rule(["create"], ["serviceaccounts/token"]) in [
        {k: r[k] for k in ("verbs", "apiGroups", "resources")} for r in admin["rules"] if "resources" in r]
    assert any("scia.io" in r.get("apiGroups", ()) for r in admin["rules"])
    names = {i["metadata"]["name"] for i in api.get(f"{RBAC}/clusterroles").json["items"]}
    assert {"cluster-admin", "edit", "view", "system:discovery", "system:controller:namespace-controller",
            "system:kube-controller-manager"} <= names


def test_defaults_come_back_at_the_next_start():
    server = apiclient.Server()
    try:
        api = apiclient.Client(server.kubeconfig)
        api.patch(f"{RBAC}/clusterroles/system:basic-user", {"rules": []})
        api.delete(f"{RBAC}/clusterrolebindings/system:discovery")
        api.patch(f"{RBAC}/clusterroles/system:heapster",
                  {"rules": [], "metadata": {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}})
        assert server.stop() == 0
        server.start()
        api = apiclient.Client(server.kubeconfig)
        assert api.get(f"{RBAC}/clusterroles/system:basic-user").json["rules"]
        assert api.get(f"{RBAC}/clusterrolebindings/system:discovery").status == 200
        assert not api.get(f"{RBAC}/clusterroles/system:heapster").json["rules"]
        version = api.get(f"{RBAC}/clusterroles").json["metadata"]["resourceVersion"]
        assert server.stop() == 0
        server.start()  # nothing is missing: nothing is written
        api = apiclient.Client(server.kubeconfig)
        assert api.get(f"{RBAC}/clusterroles").json["metadata"]["resourceVersion"] == version
    finally:
        server.remove()


def test_self_reviews(ann, api, ns):
    created(api.post(f"{RBAC}/namespaces/{ns}/rolebindings", binding("v", "ClusterRole", "view", user("ann"))))
    ask = {"spec": {"resourceAttributes": {"namespace": ns, "verb": "list", "resource": "configmaps"}}}
    status = created(ann.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ask))["status"]
    assert status == {"allowed": True,
                      "reason": f'RBAC: allowed by RoleBinding "v/{ns}" of ClusterRole "view" to User "ann"'}
    ask["spec"]["resourceAttributes"]["verb"] = "delete"
    assert created(ann.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ask))["status"] == {"allowed": False}
    rules = created(ann.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": ns}}))["status"]
    assert rules["incomplete"] is False
    assert any("configmaps" in r["resources"] for r in rules["resourceRules"])
    assert ann.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {}}).status == 400
    assert ann.post(REVIEW, {"spec": {"user": "bob", **ask["spec"]}}).status == 403


def test_kubectl(kubectl, server, ns):
    kubectl.ok("create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    kubectl.ok("create", "rolebinding", "reader", "--role=reader", "--user=kate")
    assert kubectl.ok("auth", "can-i", "list", "configmaps", "--as", "kate").strip() == "yes"
    assert kubectl.run("auth", "can-i", "delete", "configmaps", "--as", "kate").stdout.strip() == "no"
    assert "configmaps" in kubectl.ok("auth", "can-i", "--list", "--as", "kate")
    assert "Forbidden" in kubectl.fails("get", "secrets", "--as", "kate")
    kubectl.ok("get", "configmaps", "--as", "kate")


# ---- the same rules, written a second time ----

VERBS = ["get", "list", "create", "delete", "*"]
GROUPS = ["", "apps", "*"]
RESOURCES = ["pods", "pods/log", "deployments", "deployments/scale", "*/scale", "*", "pods/*"]
USERS = ["u0", "u1", "u2", "system:serviceaccount:{ns}:s0"]
TEAMS = ["g0", "g1"]


def covers(r, q):
    resource = q["resource"] + ("/" + q["subresource"] if q.get("subresource") else "")
    return ((q["verb"] in r["verbs"] or "*" in r["verbs"]) and (q["group"] in r["apiGroups"] or "*" in r["apiGroups"])
            and any(x in ("*", resource) or (q.get("subresource") and x == "*/" + q["subresource"]) for x in r["resources"])
            and (not r.get("resourceNames") or q.get("name", "") in r["resourceNames"]))


def is_meant(subject, ns, name, groups):
    if subject["kind"] == "User":
        return subject["name"] == name
    if subject["kind"] == "Group":
        return subject["name"] in groups
    return name == f"system:serviceaccount:{subject.get('namespace') or ns}:{subject['name']}"


def expected(roles, bindings, q, name, groups):
    for b in bindings:
        if b["ns"] not in ("", q["namespace"]) or not any(is_meant(s, b["ns"], name, groups) for s in b["subjects"]):
            continue
        rules = roles.get(("" if b["kind"] == "ClusterRole" else b["ns"], b["role"]), [])
        if any(covers(r, q) for r in rules):
            return True
    return False


def some(rng, values, most=2):
    return rng.sample(values, rng.randint(1, most))


def test_random_matrices(api, server, ns):
    rng = random.Random(int(os.environ.get("SCIA_SEED", "7")))
    spaces = [ns, f"{ns}-b"]
    created(api.post("/api/v1/namespaces", {"metadata": {"name": spaces[1]}}))
    roles, bindings = {}, []
    for i in range(24):
        rules = [rule(some(rng, VERBS), some(rng, RESOURCES, 3), some(rng, GROUPS), rng.choice([(), (), ("a",)])) for _ in range(2)]
        space = rng.choice(["", *spaces])
        name = f"m{i}-{ns}"
        obj = role(name, *rules)
        obj["kind"] = "Role" if space else "ClusterRole"
        created(api.post(f"{RBAC}/namespaces/{space}/roles" if space else f"{RBAC}/clusterroles", obj))
        roles[space, name] = rules
    for i in range(24):
        space = rng.choice(["", *spaces])
        choices = [k for k in roles if k[0] in ("", space)]
        role_space, role_name = rng.choice(choices)
        kind = "Role" if role_space else "ClusterRole"
        subjects = []
        for _ in range(rng.randint(1, 2)):
            subjects.append(rng.choice([user(rng.choice(USERS[:3])), {**user(rng.choice(TEAMS)), "kind": "Group"},
                                        {"kind": "ServiceAccount", "name": "s0", "namespace": rng.choice(spaces)}]))
        obj = binding(f"m{i}-{ns}", kind, role_name, *subjects)
        obj["kind"] = "RoleBinding" if space else "ClusterRoleBinding"
        created(api.post(f"{RBAC}/namespaces/{space}/rolebindings" if space else f"{RBAC}/clusterrolebindings", obj))
        bindings.append({"ns": space, "kind": kind, "role": role_name, "subjects": subjects})
    wrong = []
    for _ in range(400):
        resource, _, sub = rng.choice(["pods", "pods/log", "deployments", "deployments/scale", "secrets"]).partition("/")
        q = {"verb": rng.choice(VERBS[:4]), "group": rng.choice(["", "apps", "other"]), "resource": resource,
             "namespace": rng.choice(["", *spaces])}
        if sub:
            q["subresource"] = sub
        if rng.random() < 0.4:
            q["name"] = rng.choice(["a", "b"])
        name = rng.choice(USERS).format(ns=rng.choice(spaces))
        groups = rng.sample(TEAMS, rng.randint(0, 2))
        answer = created(api.post(REVIEW, {"spec": {"user": name, "groups": groups, "resourceAttributes": q}}))
        want = expected(roles, bindings, q, name, groups)
        if answer["status"]["allowed"] != want:
            wrong.append((q, name, groups, want, answer["status"]))
    assert not wrong, json.dumps(wrong[:5], indent=1)
    for space, name in roles:
        api.delete(f"{RBAC}/namespaces/{space}/roles/{name}" if space else f"{RBAC}/clusterroles/{name}")
    for i, b in enumerate(bindings):
        space = b["ns"]
        api.delete(f"{RBAC}/namespaces/{space}/rolebindings/m{i}-{ns}" if space else f"{RBAC}/clusterrolebindings/m{i}-{ns}")
    api.delete(f"/api/v1/namespaces/{spaces[1]}")


def test_the_operator_has_no_more_than_it_needs(api):
    def may(verb, resource, group="", **more):
        return created(api.post(REVIEW, {"spec": {"user": "system:scia:operator", "groups": ["system:authenticated"],
            "resourceAttributes": {"verb": verb, "group": group, "resource": resource, **more}}}))["status"]["allowed"]

    assert may("update", "deployments", "scia.io", subresource="status") and may("create", "processes", "local.scia.io")
    assert may("get", "secrets", namespace="a", name="b") and may("patch", "events", namespace="a")
    assert not may("list", "secrets") and not may("update", "secrets", namespace="a")
    assert not may("delete", "namespaces") and not may("create", "pods", namespace="a")
    assert not may("create", "clusterrolebindings", "rbac.authorization.k8s.io") and not may("impersonate", "users")

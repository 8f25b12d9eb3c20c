"""The audit log (kubernetes.io/docs/tasks/debug/debug-cluster/audit)."""
import json
import pathlib

import pytest
from apiclient import Client, Server, eventually

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  nonResourceURLs: ["/livez", "/readyz*"]
- level: RequestResponse
  resources: [{group: "", resources: [configmaps, secrets, serviceaccounts/token]}, {group: authentication.k8s.io}]
  omitStages: [RequestReceived]
  omitManagedFields: true
- level: Request
  namespaces: [kube-public]
- level: Metadata
"""


class Audited:
    def __init__(self, folder, *arguments, policy=POLICY):
        self.log = pathlib.Path(folder, "audit.log")
        pathlib.Path(folder, "policy.yaml").write_text(policy)
        self.server = Server(arguments=["--audit-policy-file", str(pathlib.Path(folder, "policy.yaml")),
                                        "--audit-log-path", str(self.log), *arguments])
        self.api = Client(self.server.kubeconfig)

    def events(self, text=None):
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if text is None or text in line]

    def event(self, text, stage="ResponseComplete"):
        found = eventually(lambda: [e for e in self.events(text) if e["stage"] == stage])
        assert len(found) == 1, found
        return found[0]


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    a = Audited(tmp_path_factory.mktemp("audit"))
    yield a
    assert a.server.stop() == 0
    a.server.remove()


def test_an_event(audited):
    answer = audited.api.request("GET", "/api/v1/namespaces/default?seen=1", headers={
        "User-Agent": "me/1.0", "X-Forwarded-For": "10.1.2.3, 10.1.2.4"})
    assert answer.status == 200
    received, complete = audited.event("seen=1", "RequestReceived"), audited.event("seen=1")
    assert received["auditID"] == complete["auditID"] == answer.header("Audit-Id")
    assert complete["kind"] == "Event" and complete["apiVersion"] == "audit.k8s.io/v1"
    assert complete["level"] == "Metadata" and complete["verb"] == "get"
    assert complete["requestURI"] == "/api/v1/namespaces/default?seen=1"
    assert "system:masters" in complete["user"]["groups"]
    assert complete["sourceIPs"] == ["10.1.2.3", "10.1.2.4", "127.0.0.1"] and complete["userAgent"] == "me/1.0"
    assert complete["objectRef"] == {"resource": "namespaces", "namespace": "default", "name": "default", "apiVersion": "v1"}
    assert complete["responseStatus"] == {"metadata": {}, "code": 200}
    assert complete["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert "requestObject" not in complete and "responseObject" not in complete
    assert received["requestReceivedTimestamp"] == complete["requestReceivedTimestamp"] <= complete["stageTimestamp"]
    assert len(complete["stageTimestamp"]) == len("2026-01-02T03:04:05.123456Z")


def test_the_clients_own_id_is_kept(audited):
    answer = audited.api.request("GET", "/api/v1/namespaces?id", headers={"Audit-ID": "my-id"})
    assert answer.header("Audit-Id") == "my-id"
    assert audited.event("?id")["auditID"] == "my-id"


def test_bodies_at_request_response(audited):
    path = "/api/v1/namespaces/default/configmaps"
    audited.api.post(path, {"metadata": {"name": "bodies"}, "data": {"k": "v"}})
    e = audited.event('"name":"bodies"')
    assert e["level"] == "RequestResponse" and e["objectRef"]["name"] == "bodies" and e["verb"] == "create"
    assert e["requestObject"]["data"] == {"k": "v"}
    assert e["responseObject"]["metadata"]["uid"] and "managedFields" not in e["responseObject"]["metadata"]
    assert not [r for r in audited.events('"name":"bodies"') if r["stage"] == "RequestReceived"]
    audited.api.patch(f"{path}/bodies", {"data": {"k": "w"}})
    assert audited.event('"verb":"patch"')["requestObject"] == {"data": {"k": "w"}}


def test_yaml_bodies_are_shown_as_json(audited):
    audited.api.request("POST", "/api/v1/namespaces/default/configmaps", "metadata: {name: fromyaml}\ndata: {k: v}\n",
                        headers={"Content-Type": "application/yaml"}, raw=True)
    assert audited.event('"name":"fromyaml"')["requestObject"]["data"] == {"k": "v"}


def test_request_level_has_no_response(audited):
    audited.api.post("/api/v1/namespaces/kube-public/events", {
        "metadata": {"name": "rq"}, "involvedObject": {"namespace": "kube-public"}, "reason": "x"})
    e = audited.event('"name":"rq"')
    assert e["level"] == "Request" and e["requestObject"]["reason"] == "x" and "responseObject" not in e


def test_secrets_are_never_written(audited):
    path, secret = "/api/v1/namespaces/default/secrets", "c3VwZXItc2VjcmV0LXZhbHVl"
    body = {"metadata": {"name": "hidden", "annotations": {"last": secret}}, "data": {"k": secret}}
    assert audited.api.post(path, body).status == 201
    audited.api.patch(f"{path}/hidden", {"data": {"other": secret}})
    audited.api.patch(f"{path}/hidden", [{"op": "add", "path": "/data/third", "value": secret}], "json")
    audited.api.get(f"{path}/hidden")
    audited.api.get(path)
    eventually(lambda: len(audited.events('"resource":"secrets"')) == 5)
    events = audited.events('"resource":"secrets"')
    assert secret not in audited.log.read_text()
    assert events[0]["requestObject"]["metadata"] == {"name": "hidden"} and events[0]["level"] == "RequestResponse"


def test_tokens_are_never_written(audited):
    audited.api.post("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": "very-secret-token"}})
    audited.event('"resource":"tokenreviews"')
    made = audited.api.post("/api/v1/namespaces/default/serviceaccounts/default/token", {"spec": {}})
    text = eventually(lambda: audited.log.read_text())
    assert "very-secret-token" not in text
    if made.status == 201:
        audited.event('"subresource":"token"')
        assert made.json["status"]["token"] not in audited.log.read_text()


def test_failures_say_why(audited):
    audited.api.get("/api/v1/namespaces/nowhere")
    status = audited.event("namespaces/nowhere")["responseStatus"]
    assert status["code"] == 404 and status["reason"] == "NotFound" and "nowhere" in status["message"]


def test_who_is_not_known(audited):
    stranger = Client(audited.server.kubeconfig, certificate=False, token="unknown")
    assert stranger.get("/api/v1/nodes", who="stranger").status == 401
    e = audited.event("who=stranger")
    assert e["responseStatus"]["code"] == 401 and e["user"] == {}


def test_watches_have_a_start_and_an_end(audited):
    list(audited.api.watch("/api/v1/namespaces", timeoutSeconds=1, mark="watched"))
    started, complete = audited.event("mark=watched", "ResponseStarted"), audited.event("mark=watched")
    assert started["verb"] == complete["verb"] == "watch"
    assert started["stageTimestamp"] < complete["stageTimestamp"]
    assert started["responseStatus"]["code"] == 200


def test_in_the_name_of_another(audited):
    audited.api.request("GET", "/api/v1/namespaces?as=jane", headers={"Impersonate-User": "jane", "Impersonate-Group": "devs"})
    e = audited.event("?as=jane")
    assert "system:masters" in e["user"]["groups"]
    assert e["impersonatedUser"]["username"] == "jane" and "devs" in e["impersonatedUser"]["groups"]
    assert e["annotations"]["authorization.k8s.io/decision"] == "forbid" and e["responseStatus"]["code"] == 403


def test_what_the_policy_omits(audited):
    audited.api.get("/readyz?omitted")
    audited.api.get("/version?written")
    assert audited.event("/version?written")["verb"] == "get"
    assert not audited.events("omitted")


def test_rotation(tmp_path):
    a = Audited(tmp_path, "--audit-log-maxsize", "1", "--audit-log-maxbackup", "2", policy=POLICY)
    try:
        big = {"metadata": {"name": "big"}, "data": {"k": "x" * 300000}}
        path = "/api/v1/namespaces/default/configmaps"
        for i in range(12):
            big["metadata"]["name"] = f"big{i}"
            assert a.api.post(path, big).status == 201
        eventually(lambda: len(list(tmp_path.glob("audit-*.log"))) == 2)
        assert all(p.stat().st_size < 3_000_000 and p.stat().st_mode & 0o77 == 0 for p in tmp_path.glob("audit*.log"))
    finally:
        assert a.server.stop() == 0
        a.server.remove()


def test_a_disk_that_is_full_loses_events_and_no_requests(tmp_path):
    pathlib.Path(tmp_path, "audit.log").symlink_to("/dev/full")
    a = Audited(tmp_path)
    try:
        for _ in range(20):
            assert a.api.get("/api/v1/namespaces").status == 200
        metrics = eventually(lambda: (m := a.api.get("/metrics").body.decode()) and "apiserver_audit_dropped_total{" in m and m)
        assert 'apiserver_audit_dropped_total{reason="write"}' in metrics
    finally:
        assert a.server.stop() == 0
        a.server.remove()


def test_a_bad_policy_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"audit policy .*policy.yaml: rules\[0\]: level"):
        Audited(tmp_path, policy="apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Everything}]\n")


def controller(name):
    return "system:serviceaccount:kube-system:" + name


def test_the_servers_own_controllers_are_named(audited):
    """Each controller acts as its service account, as kube-controller-manager --use-service-account-credentials has it
    (kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles)."""
    audited.api.post("/api/v1/namespaces", {"metadata": {"name": "watched"}})
    owner = audited.api.post("/api/v1/namespaces/watched/configmaps", {"metadata": {"name": "owner"}}).json["metadata"]
    audited.api.post("/api/v1/namespaces/watched/configmaps", {"metadata": {"name": "dependent", "ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}]}})

    def by(who, verb, resource, **ref):
        return [e for e in audited.events(controller(who)) if e["verb"] == verb and e["stage"] == "ResponseComplete"
                and e["objectRef"]["resource"] == resource and ref.items() <= e["objectRef"].items()]

    made = eventually(lambda: by("service-account-controller", "create", "serviceaccounts", namespace="watched"))[0]
    assert made["requestURI"] == "/api/v1/namespaces/watched/serviceaccounts" and made["objectRef"]["name"] == "default"
    assert made["user"] == {"username": controller("service-account-controller"), "groups": [
        "system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]}
    assert made["responseStatus"]["code"] == 201
    assert made["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert made["annotations"]["authorization.k8s.io/reason"] == (
        'RBAC: allowed by ClusterRoleBinding "system:controller:service-account-controller" of ClusterRole '
        '"system:controller:service-account-controller" to ServiceAccount "service-account-controller/kube-system"')
    audited.api.delete("/api/v1/namespaces/watched/configmaps/owner")
    gone = eventually(lambda: by("generic-garbage-collector", "delete", "configmaps", name="dependent"))[0]
    assert gone["requestURI"] == "/api/v1/namespaces/watched/configmaps/dependent" and gone["responseStatus"]["code"] == 200
    audited.api.delete("/api/v1/namespaces/watched")
    done = eventually(lambda: by("namespace-controller", "update", "namespaces", name="watched", subresource="finalize"))
    assert done[-1]["requestURI"] == "/api/v1/namespaces/watched/finalize"
    assert by("namespace-controller", "deletecollection", "serviceaccounts", namespace="watched")


def test_controllers_do_what_their_roles_allow(audited):
    """A role with autoupdate off keeps what its owner made of it (rbac/#auto-reconciliation)."""
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:controller:service-account-controller"
    before = audited.api.get(role).json
    audited.api.patch(role, {"rules": []})
    audited.api.post("/api/v1/namespaces", {"metadata": {"name": "without"}})
    refused = eventually(lambda: [e for e in audited.events(controller("service-account-controller"))
                                  if e["objectRef"].get("namespace") == "without"])[-1]
    assert refused["responseStatus"]["code"] == 403
    assert audited.api.get("/api/v1/namespaces/without/serviceaccounts/default").status == 404
    audited.api.patch(role, {"rules": before["rules"]})
    eventually(lambda: audited.api.get("/api/v1/namespaces/without/serviceaccounts/default").status == 200)

"""Limits of requests: bodies, depth, slow clients, requests in flight and by client (kubernetes.io/docs/concepts/
cluster-administration/flow-control: 429 with Retry-After; kube-apiserver's --max-requests-inflight)."""
import concurrent.futures
import json
import socket
import time

import apiclient
import pytest
from apiclient import Client, Server
from webhook_server import WebhookServer, allow, make_certificates

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def status_of(answer):
    body = answer.json
    assert body["kind"] == "Status" and body["apiVersion"] == "v1" and body["code"] == answer.status
    return body


# ---- bodies ----

def test_bodies_of_more_than_3_mib(api):
    body = {"metadata": {"name": "large"}, "data": {"k": "x" * (3 << 20)}}
    answer = api.post(CONFIG_MAPS, body)
    assert answer.status == 413, answer
    status = status_of(answer)
    assert status["reason"] == "RequestEntityTooLarge"
    assert status["message"] == "Request entity too large: limit is 3145728"
    assert api.get("/api/v1/namespaces").status == 200


def test_bodies_that_only_say_to_be_huge(api):
    connection = api.connect()
    connection.putrequest("POST", CONFIG_MAPS)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    connection.close()


def test_chunked_bodies_are_limited_too(api):
    connection = api.connect()
    connection.putrequest("POST", CONFIG_MAPS)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for _ in range(64):
        connection.send(chunk)
    connection.send(b"0\r\n\r\n")
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("kind, body", [
    ("application/json", '{"metadata":{"name":"deep"},"data":' + '{"a":' * 100000 + "1" + "}" * 100001),
    ("application/json", "[" * 1000000),
    ("application/yaml", "a: " + "[" * 100000),
    ("application/yaml", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [" + ",".join(f"*{chr(97 + i)}" for _ in range(10)) + "]\n" for i in range(9))),
], ids=["deep object", "deep array", "deep yaml", "billion laughs"])
def test_deep_bodies_and_alias_bombs(api, kind, body):
    start = time.monotonic()
    answer = api.request("POST", CONFIG_MAPS, body, headers={"Content-Type": kind}, raw=True)
    assert time.monotonic() - start < 20  # a bomb that goes off takes for ever
    assert answer.status == 400, answer
    assert status_of(answer)["reason"] == "BadRequest" and status_of(answer)["message"]


def test_deep_patches(api):
    api.post(CONFIG_MAPS, {"metadata": {"name": "patched"}})
    for kind in "merge", "json", "strategic", "apply":
        types = {"merge": "merge-patch+json", "json": "json-patch+json", "strategic": "strategic-merge-patch+json",
                 "apply": "apply-patch+yaml"}
        answer = api.request("PATCH", f"{CONFIG_MAPS}/patched?fieldManager=m", '{"a":' * 5000 + "1" + "}" * 5000,
                             headers={"Content-Type": f"application/{types[kind]}"}, raw=True)
        assert answer.status == 400, (kind, answer)


def test_headers_that_are_too_large(api):
    answer = api.request("GET", "/api/v1/namespaces", headers={"X-Large": "x" * 200000})
    assert answer.status == 431
    assert api.get("/api/v1/namespaces").status == 200


# ---- slow clients ----

def raw(api):
    return api.context.wrap_socket(socket.create_connection((api.url.hostname, api.url.port)), server_hostname=api.url.hostname)


def test_slow_clients_keep_nobody_waiting(api):
    """Two hundred that have begun a request and go on a byte at a time (slow loris)."""
    slow = [raw(api) for _ in range(200)]
    for s in slow:
        s.sendall(b"POST " + CONFIG_MAPS.encode() + b" HTTP/1.1\r\nHost: x\r\n")
    end = time.monotonic() + 3
    worst = 0
    while time.monotonic() < end:
        for s in slow[:50]:
            s.sendall(b"a")
        start = time.monotonic()
        assert api.get("/api/v1/namespaces/default").status == 200
        worst = max(worst, time.monotonic() - start)
    assert worst < 0.5
    for s in slow:
        s.close()


def test_a_head_must_come_within_half_a_minute(api):
    s = raw(api)
    s.sendall(b"GET /version HTTP/1.1\r\nX-Slow: ")
    s.settimeout(1)
    start = time.monotonic()
    cut = False
    while not cut and time.monotonic() - start < 45:
        try:
            s.sendall(b"a")
            cut = s.recv(1) == b""
        except TimeoutError:
            continue
        except OSError:
            cut = True
    assert cut and 25 < time.monotonic() - start < 40


# ---- 429 ----

@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def token_client(server, admin, name):
    """A user that is no master: a service account with all rights."""
    admin.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": name}})
    admin.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        "metadata": {"name": f"all-{name}"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                                                         "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]})
    made = admin.post(f"/api/v1/namespaces/default/serviceaccounts/{name}/token", {"spec": {}})
    assert made.status == 201, made
    return Client(server.kubeconfig, certificate=False, token=made.json["status"]["token"])


def test_clients_are_limited_one_by_one():
    server = Server(arguments=["--client-qps", "5", "--client-burst", "10"])
    try:
        one = Client(server.kubeconfig)
        statuses = [one.get("/api/v1/namespaces") for _ in range(30)]
        refused = [a for a in statuses if a.status == 429]
        assert 10 <= sum(a.status == 200 for a in statuses) < 20 and refused
        status = status_of(refused[0])
        assert status["reason"] == "TooManyRequests" and status["details"] == {"retryAfterSeconds": 1}
        assert status["message"] == "Too many requests, please try again later."
        assert refused[0].header("Retry-After") == "1"
        time.sleep(1)
        assert one.get("/api/v1/namespaces").status == 200
    finally:
        assert server.stop() == 0
        server.remove()


def test_writes_in_flight_are_limited_and_reads_go_on(certificates):
    hooks = WebhookServer(certificates)
    server = Server(arguments=["--max-mutating-requests-inflight", "4"])
    try:
        admin = Client(server.kubeconfig)

        def slow(request):
            time.sleep(1)
            return allow(request)
        hooks.answers["/slow"] = slow
        users = [token_client(server, admin, f"u{i}") for i in range(8)]
        assert admin.post("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
            "metadata": {"name": "slow"}, "webhooks": [{
                "name": "slow.example.org", "clientConfig": hooks.config("/slow"), "sideEffects": "None",
                "admissionReviewVersions": ["v1"], "rules": [{"apiGroups": [""], "apiVersions": ["v1"],
                                                              "resources": ["configmaps"], "operations": ["*"]}]}]}).status == 201
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = [pool.submit(u.post, CONFIG_MAPS, {"metadata": {"name": f"c{i}"}}) for i, u in enumerate(users)]
            time.sleep(0.4)
            assert admin.get("/api/v1/namespaces").status == 200
            statuses = [m.result().status for m in made]
        assert statuses.count(201) == 4 and statuses.count(429) == 4
        assert admin.post(CONFIG_MAPS, {"metadata": {"name": "later"}}).status == 201
    finally:
        assert server.stop() == 0
        server.remove()
        hooks.close()


def test_watches_are_not_counted():
    server = Server(arguments=["--max-requests-inflight", "3"])
    try:
        admin = Client(server.kubeconfig)
        user = token_client(server, admin, "watcher")
        connections = []
        for _ in range(10):
            c = user.connect()
            c.request("GET", "/api/v1/namespaces?watch=1", headers={"Authorization": f"Bearer {user.token}"})
            assert c.getresponse().status == 200
            connections.append(c)
        assert user.get("/api/v1/namespaces").status == 200
        for c in connections:
            c.close()
    finally:
        assert server.stop() == 0
        server.remove()


def test_metrics_tell_what_was_refused():
    server = Server(arguments=["--client-qps", "1", "--client-burst", "1"])
    try:
        one = Client(server.kubeconfig)
        assert 429 in [one.get("/api/v1/namespaces").status for _ in range(3)]
        time.sleep(1.1)
        assert b'apiserver_requests_rejected_total{reason="client"}' in one.get("/metrics").body
    finally:
        assert server.stop() == 0
        server.remove()


def test_json_is_still_json():
    """The text of the 413 is made by hand in the server."""
    server = Server()
    try:
        answer = Client(server.kubeconfig).post(CONFIG_MAPS, {"data": {"k": "x" * (4 << 20)}})
        assert set(json.loads(answer.body)) == {"kind", "apiVersion", "metadata", "status", "message", "reason", "code"}
        assert answer.header("Content-Type") == "application/json"
    finally:
        assert server.stop() == 0
        server.remove()


# ---- many of everything ----

def config_map(**metadata):
    return CONFIG_MAPS, {"metadata": {"generateName": "many-", **metadata}}


def pod(**spec):
    return "/api/v1/namespaces/default/pods", {"metadata": {"generateName": "many-"}, "spec": {
        "containers": [{"name": "c", "image": "i", **spec.pop("container", {})}], **spec}}


MANY = 25000
LARGE = {
    "finalizers": config_map(finalizers=[f"example.org/f{i}" for i in range(MANY)]),
    "owners": config_map(ownerReferences=[{"apiVersion": "v1", "kind": "Secret", "name": "n", "uid": f"u{i}"} for i in range(MANY)]),
    "ports": ("/api/v1/namespaces/default/services", {"metadata": {"generateName": "many-"}, "spec": {
        "ports": [{"name": f"p{i}", "port": i + 1} for i in range(MANY)]}}),
    "mounts": pod(volumes=[{"name": f"v{i}", "emptyDir": {}} for i in range(MANY // 2)], container={
        "volumeMounts": [{"name": f"v{i}", "mountPath": f"/m{i}"} for i in range(MANY // 2)]}),
    "containers": pod(initContainers=[{"name": f"i{i}", "image": "i"} for i in range(MANY)]),
    "usages": ("/apis/certificates.k8s.io/v1/certificatesigningrequests", {"metadata": {"generateName": "many-"}, "spec": {
        "request": "", "signerName": "example.org/s", "usages": [f"u{i}" for i in range(MANY)]}}),
    "webhooks": ("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
        "metadata": {"generateName": "many-"}, "webhooks": [{"name": f"a{i}.example.org"} for i in range(MANY)]}),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_comes_in_great_numbers_costs_no_square(api, name):
    """What is compared with each other is looked up: the square of such numbers would take a minute."""
    path, body = LARGE[name]
    start = time.monotonic()
    made = api.post(path, body)
    assert made.status in (201, 422), made
    if made.status == 201:
        one = f"{path}/{made.json['metadata']['name']}"
        for change in {"annotations": {"seen": "twice"}}, {"finalizers": None}:
            # The garbage collector may have been faster: there are no such owners.
            assert api.patch(one, {"metadata": change}).status in (200, 404)
        api.delete(one)
    assert time.monotonic() - start < 15 * apiclient.PATIENCE


@pytest.mark.parametrize("path, body, field", [
    ("/api/v1/namespaces/default/resourcequotas", {"metadata": {"name": "many"}, "spec": {
        "hard": {f"count/r{i}.example.org": "1" for i in range(1001)}}}, "spec.hard: Too many: 1001: must have at most 1000 items"),
    ("/api/v1/namespaces/default/pods", {"metadata": {"name": "many"}, "spec": {"containers": [
        {"name": "c", "image": "i", "resources": {"limits": {f"example.org/r{i}": "1" for i in range(1001)}}}]}},
     "spec.containers[0].resources.limits: Too many: 1001: must have at most 1000 items"),
    ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": {"name": "a.example.org"}, "spec": {
        "group": "example.org", "scope": "Namespaced", "names": {"plural": "a", "kind": "A"}, "versions": [
            {"name": f"v{i}", "served": False, "storage": i == 1, "schema": {"openAPIV3Schema": {"type": "object"}}}
            for i in range(1, 102)]}}, "spec.versions: Too many: 101: must have at most 100 items"),
], ids=["quota", "container", "versions"])
def test_what_is_measured_or_compared_at_each_write_is_bounded(api, path, body, field):
    """Kubernetes has no such bounds; who comes near them means harm."""
    answer = api.post(path, body)
    assert answer.status == 422 and field in answer.json["message"], answer

"""Tokens of service accounts (kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin, KEP-1205), token
files, reviews of tokens, and the documents by which others check them."""
import base64
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import time

import apiclient
import pytest

ISSUER = "https://kubernetes.default.svc.cluster.local"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def ask(api, ns, name="robot", **spec):
    return api.post(f"/api/v1/namespaces/{ns}/serviceaccounts/{name}/token",
                    {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})


def with_token(server, token):
    return apiclient.Client(server.kubeconfig, certificate=False, token=token)


@pytest.fixture()
def robot(api, ns):
    answer = api.post(f"/api/v1/namespaces/{ns}/serviceaccounts", {"metadata": {"name": "robot"}})
    assert answer.status == 201
    return answer.json


def test_token_request(api, server, ns, robot):
    answer = ask(api, ns)
    assert answer.status == 201
    request = answer.json
    assert request["kind"] == "TokenRequest" and request["spec"] == {
        "audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None}
    token = request["status"]["token"]
    header, claims = (part(p) for p in token.split(".")[:2])
    assert header["alg"] == "ES256" and header["kid"]
    now = time.time()
    assert abs(claims["iat"] - now) < 60 and claims["nbf"] == claims["iat"] and claims["exp"] == claims["iat"] + 3600
    assert claims["iss"] == ISSUER and claims["aud"] == [ISSUER] and claims["jti"]
    assert claims["sub"] == f"system:serviceaccount:{ns}:robot"
    assert claims["kubernetes.io"] == {"namespace": ns, "serviceaccount": {"name": "robot", "uid": robot["metadata"]["uid"]}}
    client = with_token(server, token)
    info = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {}).json["status"]["userInfo"]
    assert info == {"username": f"system:serviceaccount:{ns}:robot", "uid": robot["metadata"]["uid"],
                    "groups": ["system:serviceaccounts", f"system:serviceaccounts:{ns}", "system:authenticated"],
                    "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}}
    assert client.get(f"/api/v1/namespaces/{ns}/secrets").status == 403


def test_token_request_limits(api, ns, robot):
    answer = ask(api, ns, expirationSeconds=599)
    assert answer.status == 422 and answer.json["message"] == (
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a '
        'duration less than 10 minutes')
    assert ask(api, ns, expirationSeconds=2**33).status == 422
    assert ask(api, ns, name="nobody").status == 404
    assert api.get(f"/api/v1/namespaces/{ns}/serviceaccounts/robot/token").status == 405
    assert ask(api, ns, boundObjectRef={"kind": "ConfigMap", "apiVersion": "v1", "name": "x"}).json["message"] == (
        "cannot bind token to object of type /v1, Kind=ConfigMap")
    assert ask(api, ns, boundObjectRef={"kind": "Secret", "apiVersion": "v1", "name": "x"}).status == 404


def test_tokens_die_with_what_they_are_bound_to(api, server, ns, robot):
    assert api.post(f"/api/v1/namespaces/{ns}/secrets", {"metadata": {"name": "s"}}).status == 201
    bound = ask(api, ns, boundObjectRef={"kind": "Secret", "apiVersion": "v1", "name": "s"}).json["status"]["token"]
    plain = ask(api, ns).json["status"]["token"]
    assert with_token(server, bound).get("/api").status == 200
    api.delete(f"/api/v1/namespaces/{ns}/secrets/s")
    assert with_token(server, bound).get("/api").status == 401
    assert with_token(server, plain).get("/api").status == 200
    api.delete(f"/api/v1/namespaces/{ns}/serviceaccounts/robot")
    assert with_token(server, plain).get("/api").status == 401
    api.post(f"/api/v1/namespaces/{ns}/serviceaccounts", {"metadata": {"name": "robot"}})
    assert with_token(server, plain).get("/api").status == 401  # another account of that name


def test_audiences_and_reviews(api, server, ns, robot):
    token = ask(api, ns, audiences=["vault", "other"]).json["status"]["token"]
    assert with_token(server, token).get("/api").status == 401
    status = api.post(REVIEWS, {"spec": {"token": token, "audiences": ["vault", "x"]}}).json["status"]
    assert status["authenticated"] is True and status["audiences"] == ["vault"]
    assert status["user"]["username"] == f"system:serviceaccount:{ns}:robot"
    status = api.post(REVIEWS, {"spec": {"token": token}}).json["status"]
    assert "authenticated" not in status and status["error"] == (
        f'token audiences ["vault" "other"] is invalid for the target audiences ["{ISSUER}"]')
    assert api.post(REVIEWS, {"spec": {"token": "guessed"}}).json["status"] == {"user": {}, "error": "invalid bearer token"}
    assert api.post(REVIEWS, {"spec": {}}).status == 400


def test_forged_tokens(server, api, ns, robot):
    head, claims, signature = ask(api, ns).json["status"]["token"].split(".")
    body = part(claims)
    body["sub"] = "system:serviceaccount:kube-system:default"
    forged = base64.urlsafe_b64encode(json.dumps(body).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for token in (f"{head}.{forged}.{signature}", f"{none}.{claims}.", f"{none}.{claims}.{signature}", f"{head}.{claims}.",
                  f"{head}.{claims}", "a.b.c", "." * 3, "x" * 30000):
        assert with_token(server, token).get("/api").status == 401, token[:40]


def test_documents_for_others(api, server, ns, robot):
    client = with_token(server, ask(api, ns).json["status"]["token"])
    config = client.get("/.well-known/openid-configuration").json
    assert config["issuer"] == ISSUER and config["jwks_uri"].endswith("/openid/v1/jwks")
    answer = client.get("/openid/v1/jwks")
    assert answer.header("Content-Type") == "application/jwk-set+json"
    key = answer.json["keys"][0]
    assert key["kty"] == "EC" and key["crv"] == "P-256" and key["use"] == "sig" and "d" not in key


def test_secrets_of_accounts(api, server, ns, robot):
    path = f"/api/v1/namespaces/{ns}/secrets"
    assert api.post(path, {"metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "robot"}},
                           "type": "kubernetes.io/service-account-token"}).status == 201
    data = apiclient.eventually(lambda: "token" in (api.get(f"{path}/t").json.get("data") or {}) and api.get(f"{path}/t").json["data"])
    assert base64.b64decode(data["namespace"]).decode() == ns and data["ca.crt"]
    token = base64.b64decode(data["token"]).decode()
    assert with_token(server, token).get("/api").status == 200
    api.delete(f"{path}/t")
    assert with_token(server, token).get("/api").status == 401


def test_secrets_of_accounts_go_with_them(api, ns, robot):
    path = f"/api/v1/namespaces/{ns}/secrets"
    api.post(path, {"metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "robot"}},
                    "type": "kubernetes.io/service-account-token"})
    apiclient.eventually(lambda: "token" in (api.get(f"{path}/t").json.get("data") or {}))
    api.delete(f"/api/v1/namespaces/{ns}/serviceaccounts/robot")
    apiclient.eventually(lambda: api.get(f"{path}/t").status == 404)


def test_the_ca_is_in_each_namespace():
    server = apiclient.Server(arguments=["--publish-root-ca"])
    api = apiclient.Client(server.kubeconfig)
    api.post("/api/v1/namespaces", {"metadata": {"name": "n"}})
    path = "/api/v1/namespaces/n/configmaps/kube-root-ca.crt"
    pem = apiclient.eventually(lambda: api.get(path).status == 200 and api.get(path).json["data"]["ca.crt"])
    assert pem.startswith("-----BEGIN CERTIFICATE-----")
    api.patch(path, {"data": {"ca.crt": "x"}})
    apiclient.eventually(lambda: api.get(path).json["data"]["ca.crt"] == pem)
    api.delete(path)
    apiclient.eventually(lambda: api.get(path).status == 200)
    server.remove()


def test_kubectl_create_token(kubectl, server, ns):
    if "create token" not in kubectl.run("create", "--help").stdout.replace("  token", "create token"):
        pytest.skip("this kubectl is older than tokens")
    kubectl.ok("create", "serviceaccount", "kate")
    token = kubectl.ok("create", "token", "kate", "--duration", "20m").strip()
    assert part(token.split(".")[1])["exp"] - part(token.split(".")[1])["iat"] == 1200
    assert with_token(server, token).get("/api").status == 200


def test_keys_rotate():
    server = apiclient.Server()
    try:
        api = apiclient.Client(server.kubeconfig)
        old = apiclient.eventually(lambda: ask(api, "default", "default").status == 201 and ask(api, "default", "default").json)["status"]["token"]
        pki = pathlib.Path(server.data, "pki")
        os.rename(pki / "sa.key", pki / "sa-old.key")
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pki / "sa.key"], check=True)
        kid = part(old.split(".")[0])["kid"]
        new = apiclient.eventually(lambda: (t := ask(api, "default", "default").json["status"]["token"]) and part(t.split(".")[0])["kid"] != kid and t)
        assert with_token(server, old).get("/api").status == 200 and with_token(server, new).get("/api").status == 200
        (pki / "sa-old.key").unlink()
        apiclient.eventually(lambda: with_token(server, old).get("/api").status == 401)
        assert with_token(server, new).get("/api").status == 200
    finally:
        server.remove()


# ---- certificates ----

def serving_certificate(url):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    import socket
    with socket.create_connection((url.hostname, url.port), 10) as plain, context.wrap_socket(plain) as tls:
        return tls.getpeercert(True)


def test_certificates_are_replaced_without_a_restart():
    server = apiclient.Server()
    try:
        api = apiclient.Client(server.kubeconfig)
        assert api.get("/api").status == 200
        before = serving_certificate(api.url)
        pki = pathlib.Path(server.data, "pki")
        (pki / "serving.crt").unlink()  # made anew when it is missed
        apiclient.eventually(lambda: serving_certificate(api.url) != before)
        assert api.get("/api").status == 200  # the kept connection
        assert apiclient.Client(server.kubeconfig).get("/api").status == 200
    finally:
        server.remove()


@pytest.mark.parametrize("arguments,works", [
    (["-tls1_3"], True), (["-tls1_2"], True), (["-tls1_1"], False), (["-tls1"], False),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], True),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], False), (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"], False),
    (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], False), (["-tls1_2", "-cipher", "DES-CBC3-SHA:@SECLEVEL=0"], False),
])
def test_tls_versions_and_ciphers(server, api, arguments, works):
    result = subprocess.run(["openssl", "s_client", "-connect", f"{api.url.hostname}:{api.url.port}", *arguments],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert ("-----BEGIN CERTIFICATE-----" in result.stdout and result.returncode == 0) == works, result.stderr


def test_python_client_with_a_token(api, server, ns, robot):
    client = pytest.importorskip("kubernetes.client")
    token = ask(api, ns).json["status"]["token"]
    api.post(f"{RBAC}/namespaces/{ns}/rolebindings", {
        "metadata": {"name": "v"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": ns}]})
    with tempfile.NamedTemporaryFile("w", suffix=".crt") as ca:
        ca.write(pathlib.Path(server.data, "pki", "ca.crt").read_text())
        ca.flush()
        config = client.Configuration(host=api.url.geturl(), api_key={"authorization": f"Bearer {token}"})
        config.ssl_ca_cert = ca.name
        core = client.CoreV1Api(client.ApiClient(config))
        assert core.list_namespaced_config_map(ns).items is not None
        with pytest.raises(client.ApiException) as refused:
            core.list_namespaced_secret(ns)
        assert refused.value.status == 403


@pytest.mark.parametrize("body, words", [
    ({"spec": {"expirationSeconds": "x"}}, "cannot unmarshal string into Go struct field TokenRequestSpec.spec.expirationSeconds of type int64"),
    ({"spec": []}, "cannot unmarshal array into Go struct field TokenRequest.spec"),
    ({"metadata": {"namespace": "other"}}, "the namespace of the provided object does not match the namespace sent on the request"),
])
def test_requests_for_tokens_that_are_none(api, ns, body, words):  # k8s.io/apiserver pkg/endpoints/handlers/create.go
    api.post(f"/api/v1/namespaces/{ns}/serviceaccounts", {"metadata": {"name": "robot"}})
    answer = api.post(f"/api/v1/namespaces/{ns}/serviceaccounts/robot/token", body)
    assert answer.status == 400 and words in answer.json["message"]

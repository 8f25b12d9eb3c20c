"""Who may ask, discovery, health (kubernetes.io/docs/reference/access-authn-authz, docs/concepts/overview/kubernetes-api)."""
import base64
import hashlib

import apiclient


def test_anonymous_requests_are_refused(server):
    anonymous = apiclient.Client(server.kubeconfig, certificate=False)
    answer = anonymous.get("/api/v1/namespaces")
    assert answer.status == 401
    assert answer.json == {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
                           "reason": "Unauthorized", "code": 401}
    assert apiclient.Client(server.kubeconfig, certificate=False, token="guessed").get("/api").status == 401
    for path in ("/healthz", "/livez", "/readyz", "/version"):
        assert anonymous.get(path).status == 200


def test_health(api):
    assert api.get("/healthz").body == b"ok"
    verbose = api.get("/readyz", verbose="").body.decode()
    assert "[+]ping ok" in verbose and verbose.endswith("readyz check passed\n")
    assert api.get("/readyz/ping").status == 200
    assert api.get("/readyz/nope").status == 404


def test_version(api):
    version = api.get("/version").json
    assert version["major"] == "1" and version["gitVersion"].startswith("v1.32") and "scia" in version["gitVersion"]


def test_metrics(api):
    api.get("/api/v1/namespaces")
    text = api.get("/metrics").body.decode()
    assert ('apiserver_request_total{verb="LIST",dry_run="",group="",version="v1",resource="namespaces",subresource="",'
            'scope="cluster",component="apiserver",code="200"}') in text
    assert "process_resident_memory_bytes" in text


def test_discovery(api):
    assert api.get("/api").json["versions"] == ["v1"]
    groups = {g["name"]: g for g in api.get("/apis").json["groups"]}
    assert {"apiextensions.k8s.io", "coordination.k8s.io", "events.k8s.io", "example.org"} <= set(groups)
    assert groups["example.org"]["preferredVersion"] == {"groupVersion": "example.org/v1", "version": "v1"}
    resources = {r["name"]: r for r in api.get("/apis/example.org/v1").json["resources"]}
    assert resources["widgets"]["shortNames"] == ["wd"] and resources["widgets"]["categories"] == ["parts"]
    assert resources["widgets"]["kind"] == "Widget" and resources["widgets"]["singularName"] == "widget"
    assert resources["widgets/status"]["verbs"] == ["get", "patch", "update"]
    assert resources["widgets/scale"]["group"] == "autoscaling" and resources["widgets/scale"]["kind"] == "Scale"
    core = api.get("/api/v1").json
    assert "namespaces" in {r["name"] for r in core["resources"]} and "apiVersion" not in core


def test_discovery_has_the_order_and_hashes_of_kubernetes(api):
    """cmd/kube-apiserver/app/aggregator.go (priorities), k8s.io/apiserver pkg/endpoints/discovery/storageversionhash.go"""
    names = [g["name"] for g in api.get("/apis").json["groups"]]
    order = ["apps", "events.k8s.io", "autoscaling", "batch", "networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io",
             "admissionregistration.k8s.io", "apiextensions.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "example.org"]
    assert [n for n in names if n in order] == order
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    assert [i["metadata"]["name"] for i in api.request("GET", "/apis", headers=accept).json["items"]] == names

    def hashes(path):
        return {r["name"]: r.get("storageVersionHash") for r in api.get(path).json["resources"]}
    core, events = hashes("/api/v1"), hashes("/apis/events.k8s.io/v1")
    assert core["configmaps"] == "qFsyl6wFWjQ=" and core["pods"] == "xPOwRZ+Yhw8=" and core["namespaces/status"] is None
    assert hashes("/apis/apps/v1")["deployments"] == "8aSe+NMegvE="
    assert events["events"] == core["events"] == "r2yiGXH7wu8=", "one stored thing"
    assert hashes("/apis/authorization.k8s.io/v1")["subjectaccessreviews"] is None
    digest = hashlib.sha256(b"example.org/v1/Widget").digest()[:8]
    assert hashes("/apis/example.org/v1")["widgets"] == base64.b64encode(digest).decode()
    address = api.get("/api").json["serverAddressByClientCIDRs"]
    assert address == [{"clientCIDR": "0.0.0.0/0", "serverAddress": api.url.netloc}]


def test_aggregated_discovery(api):  # KEP-3352
    for version in ("v2", "v2beta1"):
        accept = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        answer = api.request("GET", "/apis", headers={"Accept": accept + ",application/json"})
        assert answer.header("Content-Type") == accept
        assert answer.json["kind"] == "APIGroupDiscoveryList" and answer.json["apiVersion"] == f"apidiscovery.k8s.io/{version}"
        group = next(g for g in answer.json["items"] if g["metadata"]["name"] == "example.org")
        widgets = next(r for r in group["versions"][0]["resources"] if r["resource"] == "widgets")
        assert widgets["scope"] == "Namespaced" and widgets["responseKind"]["kind"] == "Widget"
        assert {s["subresource"] for s in widgets["subresources"]} == {"status", "scale"}
    core = api.request("GET", "/api", headers={"Accept": accept}).json
    assert core["items"][0]["versions"][0]["version"] == "v1"


def test_openapi_v3(api):
    root = api.get("/openapi/v3").json["paths"]
    assert {"api/v1", "apis/example.org/v1"} <= set(root)
    document = api.get(root["apis/example.org/v1"]["serverRelativeURL"]).json
    path = document["paths"]["/apis/example.org/v1/namespaces/{namespace}/widgets/{name}"]
    assert path["patch"]["x-kubernetes-group-version-kind"] == {"group": "example.org", "kind": "Widget", "version": "v1"}
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= {p["name"] for p in path["patch"]["parameters"]}
    schema = document["components"]["schemas"]["org.example.v1.Widget"]
    assert schema["properties"]["spec"]["properties"]["color"]["enum"] == ["red", "green", "blue"]
    references = str(document).count("#/components/schemas/")
    assert references > 10
    for name in set(part.split("'")[0] for part in str(document).split("#/components/schemas/")[1:]):
        assert name in document["components"]["schemas"], name
    assert api.get("/openapi/v3/apis/nope/v1").status == 404


def test_openapi_v2(api):
    document = api.get("/openapi/v2").json
    assert document["swagger"] == "2.0" and "org.example.v1.Widget" in document["definitions"]
    for name in set(part.split("'")[0] for part in str(document).split("#/definitions/")[1:]):
        assert name in document["definitions"], name
    accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = api.request("GET", "/openapi/v2", headers={"Accept": accept})
    assert answer.header("Content-Type") == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert answer.body.startswith(b"\x0a\x032.0")


def test_self_subject_reviews(api):
    answer = api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                      {"spec": {"resourceAttributes": {"verb": "delete", "resource": "secrets", "namespace": "default"}}})
    assert answer.status == 201 and answer.json["status"]["allowed"] is True
    answer = api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {}})
    assert answer.status == 422
    rules = api.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}).json["status"]
    assert rules["resourceRules"][0]["verbs"] == ["*"] and rules["incomplete"] is False
    me = api.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {}).json["status"]["userInfo"]
    assert me["username"] == "admin" and "system:masters" in me["groups"] and "system:authenticated" in me["groups"]


def test_subject_access_review(api):
    def allowed(user, *groups):
        body = {"spec": {"user": user, "groups": groups, "resourceAttributes": {"verb": "get", "resource": "secrets"}}}
        return api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", body).json["status"]["allowed"]
    assert allowed("root", "system:masters") and not allowed("bob", "system:authenticated")


def test_reviews_are_only_created(api):
    assert api.get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").status == 405

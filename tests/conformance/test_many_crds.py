"""Many CRDs at once, as providers of cloud resources bring them: the documents that describe all kinds
(kubernetes.io/docs/concepts/overview/kubernetes-api, OpenAPI and discovery)."""
import concurrent.futures
import gzip
import json

import pytest
from apiclient import Client, Server, eventually

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COUNT = 100
PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


def crd(i):
    kind = f"Bucket{i}"
    field = {"type": "object", "description": "What it is. " * 20,
             "properties": {f"f{n}": {"type": "string", "description": "A field of it. " * 5} for n in range(20)}}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"forProvider": field}},
                                               "status": {"type": "object", "properties": {"atProvider": field}}}}
    version = {"served": True, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{kind.lower()}s.g{i % 10}.cloud.example"},
            "spec": {"group": f"g{i % 10}.cloud.example", "scope": "Cluster",
                     "names": {"kind": kind, "plural": f"{kind.lower()}s", "categories": ["managed"]},
                     "versions": [{"name": "v1beta1", "storage": True, **version},
                                  {"name": "v1beta2", "storage": False, **version}]}}


@pytest.fixture(scope="module")
def many():
    server = Server()
    client = Client(server.kubeconfig)
    for i in range(COUNT):
        assert client.post(CRDS, crd(i)).status == 201
    eventually(lambda: established(client) == COUNT, 30)
    yield server, client
    server.remove()


def established(client):
    return sum({"Established", "NamesAccepted"} <= {c["type"] for c in item["status"]["conditions"] or [] if c["status"] == "True"}
               for item in client.get(CRDS).json["items"])


def test_all_are_described(many):
    _, client = many
    document = client.get("/openapi/v2").json
    for i in range(COUNT):
        for version in ("v1beta1", "v1beta2"):
            definition = document["definitions"][f"example.cloud.g{i % 10}.{version}.Bucket{i}"]
            assert definition["properties"]["spec"]["properties"]["forProvider"]["properties"]["f19"]["type"] == "string"
            assert f"example.cloud.g{i % 10}.{version}.Bucket{i}List" in document["definitions"]
            assert f"/apis/g{i % 10}.cloud.example/{version}/bucket{i}s/{{name}}/status" in document["paths"]
    body = client.request("GET", "/openapi/v2", headers={"Accept": PROTOBUF}).body
    assert body.startswith(b"\x0a\x032.0") and all(b"v1beta2.Bucket%dList" % i in body for i in range(COUNT))


def test_no_name_is_written_twice(many):
    def unique(pairs):
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)
    json.loads(many[1].get("/openapi/v2").body, object_pairs_hook=unique)


def test_tags_and_compressed_forms(many):
    _, client = many
    for path in ("/openapi/v2", "/openapi/v3/apis/g1.cloud.example/v1beta1", "/apis"):
        plain = client.get(path)
        headers = {"Accept-Encoding": "gzip"}
        for _ in range(2):  # made, and kept
            packed = client.request("GET", path, headers=headers)
            assert gzip.decompress(packed.body) == plain.body if packed.header("Content-Encoding") else packed.body == plain.body
        tag = plain.header("ETag")
        if tag:
            again = client.request("GET", path, headers={"If-None-Match": tag})
            assert again.status == 304 and not again.body
    tag = client.get("/openapi/v2").header("ETag")
    assert client.post(CRDS, crd(COUNT)).status == 201
    eventually(lambda: established(client) == COUNT + 1)
    changed = client.request("GET", "/openapi/v2", headers={"If-None-Match": tag})
    assert changed.status == 200 and changed.header("ETag") != tag and f"Bucket{COUNT}List" in changed.body.decode()


def hashes(client):
    return {path: entry["serverRelativeURL"] for path, entry in client.get("/openapi/v3").json["paths"].items()}


def test_only_what_changed_has_another_hash(many):
    """Clients keep a document of OpenAPI v3 under its hash (KEP-2896)."""
    _, client = many
    before, kept = hashes(client), client.get("/openapi/v3/apis/g2.cloud.example/v1beta1")
    changed = client.get(f"{CRDS}/bucket1s.g1.cloud.example").json
    for version in changed["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["more"] = {"type": "string"}
    assert client.put(f"{CRDS}/bucket1s.g1.cloud.example", changed).status == 200
    after = hashes(client)
    assert {path for path in before if before[path] != after[path]} == {
        "apis/g1.cloud.example/v1beta1", "apis/g1.cloud.example/v1beta2"}
    schemas = client.get("/openapi/v3/apis/g1.cloud.example/v1beta1").json["components"]["schemas"]
    assert "more" in schemas["example.cloud.g1.v1beta1.Bucket1"]["properties"]["spec"]["properties"]
    assert "more" not in schemas["example.cloud.g1.v1beta1.Bucket11"]["properties"]["spec"]["properties"]
    again = client.get("/openapi/v3/apis/g2.cloud.example/v1beta1")
    assert again.header("ETag") == kept.header("ETag") and again.body == kept.body


def test_many_clients_ask_at_once(many):
    server, client = many
    assert client.post(CRDS, crd(COUNT + 1)).status == 201  # nothing is kept of before

    def ask(_):
        return Client(server.kubeconfig).get("/openapi/v2")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    assert {a.status for a in answers} == {200}
    assert all(f"Bucket{COUNT + 1}List" in a.body.decode() for a in answers)


def test_a_restart_serves_them_all(many):
    server, client = many
    count, before = established(client), hashes(client)
    tag = client.get("/openapi/v3/apis/g2.cloud.example/v1beta1").header("ETag")
    server.stop()
    server.start()
    client = Client(server.kubeconfig)
    assert established(client) == count
    assert hashes(client) == before
    assert client.get("/openapi/v3/apis/g2.cloud.example/v1beta1").header("ETag") == tag
    assert client.get("/apis/g1.cloud.example/v1beta2/bucket1s").json["items"] == []

"""Forms of answers and bodies (API concepts, "Alternate representations of resources", "Receiving resources as Tables",
"Compression"; RFC 9110 for the negotiation; k8s.io/apiserver's negotiation and response writers for words and headers)."""
import gzip
import json
import random
import time

import pytest
import yaml

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"
PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIALS = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@pytest.fixture()
def widget(api, ns):
    answer = api.post(WD.format(ns), {"metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"color": "green"}})
    assert answer.status == 201
    return WD.format(ns) + "/a"


def get(api, path, accept=None, **headers):
    return api.request("GET", path, headers={**({"Accept": accept} if accept is not None else {}), **headers})


@pytest.mark.parametrize("accept, media", [
    (None, "json"), ("", "json"), ("*/*", "json"), ("application/*", "json"), ("application/json", "json"),
    ("application/yaml", "yaml"), (f"{PROTOBUF},application/json", "json"), (f"{PROTOBUF}, */*", "json"),
    ("application/json;q=0.1,application/yaml;q=0.9", "yaml"), ("application/yaml;q=0.1,application/json;q=0.9", "json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"), ("application/yaml,application/json", "yaml"),
    ("text/html, application/yaml", "yaml"), ("application/json;charset=utf-8", "json"), ("application/yaml;q=x", "yaml"),
    ("application/cbor,application/json", "json"), ("*/*;q=0.9,application/yaml;q=0.1", "yaml"),
])
@pytest.mark.parametrize("form", ["object", "list"])
def test_negotiation(api, widget, accept, media, form):
    answer = get(api, widget if form == "object" else widget.rsplit("/", 1)[0], accept)
    assert answer.status == 200 and answer.header("Content-Type") == f"application/{media}"
    parsed = (json.loads if media == "json" else yaml.safe_load)(answer.body)
    assert parsed["kind"] == ("Widget" if form == "object" else "WidgetList")


NOT_ACCEPTED = "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"


NOT_AVAILABLE = ("406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, "
                 "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/x-yaml", "image/*", "application/json;as=Table;v=v9;g=meta.k8s.io",
                                    "application/json;as=Bird;v=v1;g=meta.k8s.io", "application/json;as=Table;v=v1;g=other.io"])
@pytest.mark.parametrize("path", ["/api/v1/configmaps", "/apis/example.org/v1/widgets"])
def test_406(api, accept, path):
    answer = get(api, path, accept)
    assert answer.status == 406 and answer.header("Content-Type") == "application/json"
    status = answer.json
    assert (status["kind"], status["status"], status["reason"], status["code"]) == ("Status", "Failure", "NotAcceptable", 406)
    # Built-in kinds are refused in other words where no media type fits at all.
    plain = path.startswith("/api/") and "json" not in accept
    assert status["message"] == (NOT_AVAILABLE if plain else NOT_ACCEPTED)


def test_406_for_what_only_takes_protobuf(api):
    answer = get(api, "/apis/example.org/v1/widgets", PROTOBUF)
    assert answer.status == 406 and answer.json["message"] == NOT_ACCEPTED


def test_406_for_watches(api):
    answer = get(api, "/apis/example.org/v1/widgets?watch=1", "application/yaml")
    assert answer.status == 406 and answer.header("Content-Type") == "application/yaml"
    assert yaml.safe_load(answer.body)["message"] == ("only the following media types are accepted: "
                                                      "application/json;stream=watch, "
                                                      "application/vnd.kubernetes.protobuf;stream=watch")
    answer = get(api, "/apis/example.org/v1/widgets?watch=1", "text/html")
    assert answer.status == 406 and answer.json["message"] == NOT_ACCEPTED


@pytest.mark.parametrize("accept, kind", [
    # What kubectl and client-go send, in their order.
    ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", "Table"),
    ("application/json;as=Table;g=meta.k8s.io;v=v1beta1, application/json", "Table"),
    (f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{PARTIALS},application/json", "PartialObjectMetadataList"),
    ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", "WidgetList"),
    (f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/yaml", "WidgetList"),
    ("application/yaml;as=Table;g=meta.k8s.io;v=v1", "Table"), ("application/yaml;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "PartialObjectMetadataList"),
])
def test_chains_of_forms(api, ns, widget, accept, kind):
    answer = get(api, WD.format(ns), accept)
    assert answer.status == 200 and yaml.safe_load(answer.body)["kind"] == kind


@pytest.mark.parametrize("path, name", [("/api/v1/configmaps", "core.ConfigMapList"), ("/apis/coordination.k8s.io/v1/leases", "coordination.LeaseList"),
                                        ("/apis/example.org/v1/widgets", "unstructured.UnstructuredList")])
def test_a_list_is_no_single_metadata(api, path, name):
    answer = get(api, path, PARTIAL)
    assert answer.status == 406
    assert answer.json["message"] == f"you requested PartialObjectMetadata, but the requested object is a list (*{name})"


def test_an_object_is_no_list_of_metadata(api, ns, widget):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    answer = get(api, CM.format(ns) + "/a", PARTIALS)
    assert answer.status == 406
    assert answer.json["message"] == "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
    answer = get(api, widget, PARTIALS)  # the type of custom resources is that of their lists
    assert answer.status == 500 and answer.json["message"] == "content is not a list"


def test_metadata_only(api, ns, widget):
    one = get(api, widget, PARTIAL).json
    assert sorted(one) == ["apiVersion", "kind", "metadata"] and one["kind"] == "PartialObjectMetadata" and one["apiVersion"] == "meta.k8s.io/v1"
    assert one["metadata"]["labels"] == {"x": "y"} and one["metadata"]["uid"]
    many = get(api, WD.format(ns), PARTIALS).json
    assert many["apiVersion"] == "meta.k8s.io/v1" and [i["kind"] for i in many["items"]] == ["PartialObjectMetadata"]
    assert many["metadata"]["resourceVersion"]
    old = get(api, WD.format(ns), PARTIALS.replace("v=v1", "v=v1beta1")).json
    assert old["apiVersion"] == "meta.k8s.io/v1beta1" and old["items"][0]["apiVersion"] == "meta.k8s.io/v1beta1"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_tables(api, ns, widget, version):
    table = get(api, WD.format(ns), TABLE.replace("v=v1", f"v={version}")).json
    assert table["kind"] == "Table" and table["apiVersion"] == f"meta.k8s.io/{version}" and table["metadata"]["resourceVersion"]
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Color", "Size", "Age"]
    assert all(set(c) == {"name", "type", "format", "description", "priority"} for c in table["columnDefinitions"])
    row = table["rows"][0]
    assert row["cells"][:3] == ["a", "green", None]
    assert row["object"]["kind"] == "PartialObjectMetadata" and row["object"]["apiVersion"] == f"meta.k8s.io/{version}"


@pytest.mark.parametrize("include, check", [("Object", lambda o: o["spec"]["color"] == "green"), ("None", lambda o: o is None),
                                            ("Metadata", lambda o: "spec" not in o), ("", lambda o: "spec" not in o)])
@pytest.mark.parametrize("form", ["one", "list", "watch"])
def test_include_object(api, ns, widget, include, check, form):
    if form == "watch":
        table = next(api.watch(WD.format(ns), headers={"Accept": TABLE}, includeObject=include))["object"]
    else:
        table = api.request("GET", widget if form == "one" else WD.format(ns), headers={"Accept": TABLE}, includeObject=include).json
    assert table["kind"] == "Table" and "object" in table["rows"][0] and check(table["rows"][0]["object"])


def test_include_object_of_no_kind(api, ns):
    answer = api.request("GET", WD.format(ns), headers={"Accept": TABLE}, includeObject="All")
    assert answer.status == 400 and answer.json["message"] == (
        "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty")


def test_an_empty_list_has_items(api, ns):
    for path in (CM.format(ns), WD.format(ns)):
        assert api.get(path).json["items"] == []
        assert get(api, path, PARTIALS).json["items"] == []
        assert get(api, path, TABLE).json["rows"] == []


def test_items_of_typed_lists_leave_their_kind_to_the_list(api, ns, widget):
    api.post(CM.format(ns), {"metadata": {"name": "c"}, "data": {"a": "b"}})
    item = api.get(CM.format(ns)).json["items"][0]
    assert "kind" not in item and "apiVersion" not in item and item["data"] == {"a": "b"}
    item = api.get(WD.format(ns)).json["items"][0]
    assert item["kind"] == "Widget" and item["apiVersion"] == "example.org/v1"


# ---- bodies ----

@pytest.mark.parametrize("content_type, body, status", [
    ("application/json", '{"metadata":{"name":"a"}}', 201), ("application/json; charset=utf-8", '{"metadata":{"name":"a"}}', 201),
    (None, '{"metadata":{"name":"a"}}', 201), ("application/yaml", "metadata: {name: a}", 201),
    ("application/yaml;charset=utf-8", "metadata:\n  name: a\n", 201), ("text/plain", '{"metadata":{"name":"a"}}', 415),
    ("text/yaml", "metadata: {name: a}", 415), ("application/merge-patch+json", '{"metadata":{"name":"a"}}', 415),
    ("application/apply-patch+yaml", "metadata: {name: a}", 415),
    ("application/xml", "<a/>", 415), ("application/x-www-form-urlencoded", "a=b", 415), ("application/json", "{", 400),
    ("application/yaml", "a: [", 400), ("application/json", "", 400), ("application/json", "[]", 400), ("application/json", "7", 400),
])
def test_bodies(api, ns, content_type, body, status):
    connection = api.connect()
    connection.putrequest("POST", CM.format(ns))
    if content_type:
        connection.putheader("Content-Type", content_type)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode())
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert response.status == status, answer
    if status == 415:
        assert answer["reason"] == "UnsupportedMediaType" and answer["message"] == (
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, "
            "application/vnd.kubernetes.protobuf")


def test_yaml_in_and_out(api, ns):
    answer = api.request("POST", CM.format(ns), "metadata: {name: a}\ndata: {x: 'yes', k: '007'}\n", raw=True,
                         headers={"Content-Type": "application/yaml", "Accept": "application/yaml"})
    assert answer.status == 201 and answer.header("Content-Type") == "application/yaml"
    assert yaml.safe_load(answer.body)["data"] == {"x": "yes", "k": "007"}
    error = get(api, CM.format(ns) + "/none", "application/yaml")
    assert error.status == 404 and yaml.safe_load(error.body)["reason"] == "NotFound"


# ---- headers, lines, compression ----

def test_headers_of_any_answer(api, ns):
    for path in (CM.format(ns), CM.format(ns) + "/none", "/api", "/version"):
        answer = api.get(path)
        assert answer.header("Cache-Control") == "no-cache, private", path
        assert answer.header("Content-Type") == "application/json"


@pytest.mark.parametrize("query, agent, lines", [
    ("", "client-go", False), ("", "curl/7.88", True), ("", "Wget/1.21", True), ("", "Mozilla/5.0 (X11)", True),
    ("?pretty=true", "client-go", True), ("?pretty=1", "client-go", True), ("?pretty=false", "curl/7.88", False),
    ("?pretty=0", "Mozilla/5.0", False), ("?pretty=", "curl/7.88", True),
])
def test_lines_for_people(api, ns, query, agent, lines):
    api.post(CM.format(ns), {"metadata": {"name": "a"}, "data": {"a": "{\"x\":[1,2]}"}})
    for path in (CM.format(ns) + "/a", CM.format(ns), CM.format(ns) + "/none", "/api/v1"):
        answer = api.request("GET", path + query, headers={"User-Agent": agent})
        assert (b'\n  "kind": ' in answer.body) == lines, answer
        value = answer.json
        if lines:
            assert answer.body.decode() == json.dumps(value, indent=2, ensure_ascii=False)


@pytest.fixture(scope="module")
def large(server):
    """A namespace with a list of more than 128 KiB, a large object and a small one."""
    import apiclient
    api, ns = apiclient.Client(server.kubeconfig), "large"
    api.post("/api/v1/namespaces", {"metadata": {"name": ns}})
    rand = random.Random(1)
    for i in range(20):
        api.post(CM.format(ns), {"metadata": {"name": f"c{i}"}, "data": {"x": "".join(rand.choices("abcdef", k=10000))}})
    api.post(CM.format(ns), {"metadata": {"name": "big"}, "data": {"x": "y" * 200000}})
    yield ns
    api.delete(f"/api/v1/namespaces/{ns}")


@pytest.mark.parametrize("encoding, packed", [("gzip", True), ("deflate, gzip", True), ("gzip;q=1", False), ("br", False), ("identity", False)])
@pytest.mark.parametrize("what", ["list", "object", "table", "yaml"])
def test_gzip(api, large, encoding, packed, what):
    path = CM.format(large) + ("/big" if what == "object" else "")
    accept = {"table": TABLE + ",application/json", "yaml": "application/yaml"}.get(what, "application/json")
    more = "?includeObject=Object" if what == "table" else ""
    plain = get(api, path + more, accept)
    answer = get(api, path + more, accept, **{"Accept-Encoding": encoding})
    assert answer.header("Content-Encoding") == ("gzip" if packed else None)
    body = gzip.decompress(answer.body) if packed else answer.body
    assert yaml.load(body, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == yaml.load(plain.body, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if what == "yaml" \
        else json.loads(body)["kind"] == plain.json["kind"]
    if packed:
        assert answer.header("Vary") == "Accept-Encoding" and len(answer.body) < len(body) and answer.header("Content-Length") == str(len(answer.body))


def test_small_answers_and_watches_are_not_packed(api, large):
    assert get(api, CM.format(large) + "/c0", **{"Accept-Encoding": "gzip"}).header("Content-Encoding") is None
    connection = api.connect(10)
    connection.request("GET", CM.format(large) + "?watch=1", headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    assert response.getheader("Content-Encoding") is None and response.getheader("Transfer-Encoding") == "chunked"
    assert json.loads(response.readline())["type"] == "ADDED"
    connection.close()


# ---- methods and connections ----

def test_head_and_options(api, ns, widget):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    assert api.request("HEAD", CM.format(ns) + "/a").status == 405
    head = api.request("HEAD", widget)
    assert head.status == 200 and head.body == b""
    assert api.request("OPTIONS", CM.format(ns)).status == 405
    for path in ("/healthz", "/livez", "/readyz"):
        assert api.request("HEAD", path).status == 200, path
    assert api.request("HEAD", "/version").status == 405


@pytest.mark.parametrize("method, path", [("POST", CM + "/a"), ("PUT", CM), ("PATCH", CM), ("POST", "/api/v1/configmaps"), ("DELETE", "/api/v1/secrets")])
def test_405(api, ns, method, path):
    answer = api.request(method, path.format(ns), {})
    assert answer.status == 405 and answer.json["reason"] == "MethodNotAllowed"
    assert answer.json["message"] == "the server does not allow this method on the requested resource"


def test_405_of_custom_resources(api, ns):
    answer = api.request("OPTIONS", WD.format(ns))
    assert answer.status == 405 and "is not supported on resources of kind \"widgets.example.org\"" in answer.json["message"]


@pytest.mark.parametrize("path, status", [("/api/v1/birds", True), ("/api/v1/namespaces/default/configmaps/a/wings", True),
                                          ("/apis/coordination.k8s.io/v1/birds", True), ("/apis/none.example.org/v1/birds", False),
                                          ("/api/v1//configmaps", True), ("//api/v1", False), ("/apis/apps//v1", True),
                                          ("/apis//apps/v1", False), ("/api/v1/namespaces/default//configmaps", True),
                                          ("/api/v1/namespaces/default/configmaps/a/status/b", True),
                                          ("/apis/apps/v1/namespaces/default/deployments/a/status/b", True),
                                          ("/healthz/", False), ("/openapi/v3/", False), ("/version/x", True),
                                          ("/api/v9/configmaps", True), ("/apis/example.org/v9/widgets", False), ("/nothing", False)])
def test_404_of_paths(api, path, status):
    answer = api.get(path)
    assert answer.status == 404
    if status:
        assert answer.json["message"] == "the server could not find the requested resource" and answer.json["reason"] == "NotFound"
    else:
        assert answer.body == b"404 page not found\n" and answer.header("Content-Type") == "text/plain; charset=utf-8"


def test_slashes_in_paths(api, ns, widget):  # k8s.io/apiserver pkg/endpoints/request/requestinfo.go; path.Validate…SegmentName
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    for path in (CM.format(ns) + "/", CM.format(ns) + "//", CM.format(ns) + "/%2F"):
        assert api.get(path).json["kind"] == "ConfigMapList", path
    assert api.get(CM.format(ns) + "%2Fa").json["kind"] == "ConfigMap", "a slash divides whether or not it is encoded"
    assert api.get("/api/v1/namespaces//configmaps").json["kind"] == "ConfigMapList"
    assert api.get(widget + "/status/x").json["kind"] == "Widget", "custom resources do not look further"
    for name, fault in (("..", "may not be '..'"), (".", "may not be '.'"), ("a%25b", "may not contain '%'")):
        for method in ("GET", "DELETE"):
            answer = api.request(method, f"{CM.format(ns)}/{name}")
            assert answer.status == 400
            assert answer.json["message"] == f'Name parameter invalid: "{name.replace("%25", "%")}": {fault}'
    answer = api.get(CM.format(ns) + "/a%zz")
    assert answer.status == 400 and answer.body == b"400 Bad Request"


def test_a_connection_serves_many_requests(api, ns):
    connection = api.connect()
    start = time.monotonic()
    for i in range(50):
        connection.request("GET", CM.format(ns) + ("/none" if i % 2 else ""))
        response = connection.getresponse()
        response.read()
        assert response.status == (404 if i % 2 else 200) and not response.will_close
    connection.close()
    assert time.monotonic() - start < 20


# ---- documents ----

@pytest.mark.parametrize("path, accept", [
    ("/openapi/v2", "application/json"), ("/openapi/v3", "application/json"), ("/openapi/v3/api/v1", "application/json"),
    ("/openapi/v3/apis/example.org/v1", "application/json"),
    ("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
    ("/api", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
])
def test_documents_have_etags(api, path, accept):
    first = get(api, path, accept)
    tag = first.header("ETag")
    assert first.status == 200 and tag.startswith('"') and tag.endswith('"') and "Accept" in first.header("Vary")
    again = get(api, path, accept, **{"If-None-Match": tag})
    assert again.status == 304 and again.body == b"" and again.header("ETag") == tag
    assert get(api, path, accept, **{"If-None-Match": '"other"'}).status == 200

"""Label and field selectors (concepts, "Labels and selectors", "Field selectors"; KEP-4358 selectable fields; the words of
k8s.io/apimachinery's parsers)."""
import pytest

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"

OPERATORS = "in, notin, =, ==, !=, gt, lt"
NAME_WORDS = ("name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
              "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
              "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")


def fill(api, ns, count=10):
    for i in range(count):
        obj = {"metadata": {"name": f"c{i:03}", "labels": {"n": str(i), "odd": str(i % 2), "x.io/key": f"v{i % 3}"}}, "data": {"n": str(i)}}
        assert api.post(CM.format(ns), obj).status == 201


def names(answer):
    assert answer.status == 200, answer
    return [o["metadata"]["name"] for o in answer.json["items"]]


@pytest.fixture(scope="module")
def filled(server):
    import apiclient
    api = apiclient.Client(server.kubeconfig)
    assert api.post("/api/v1/namespaces", {"metadata": {"name": "selected"}}).status == 201
    fill(api, "selected")
    yield "selected"
    api.delete("/api/v1/namespaces/selected")


@pytest.mark.parametrize("selector, expected", [
    ("odd=1", [1, 3, 5, 7, 9]), ("odd==1,n!=3", [1, 5, 7, 9]), ("n in (1,2,33)", [1, 2]),
    ("n notin (0,1,2,3,4,5,6,7)", [8, 9]), ("n", list(range(10))), ("!n", []), ("other", []),
    ("odd=0,n in (2,3,4)", [2, 4]), ("x!=y,n in (7)", [7]), ("", list(range(10))), (" odd = 1 , n = 3 ", [3]),
    ("n>7", [8, 9]), ("n<2", [0, 1]), ("odd>0,n<4", [1, 3]), ("other>1", []), ("x.io/key=v0", [0, 3, 6, 9]),
    ("!other,n in (5)", [5]), ("n=", []), ("other!=", list(range(10))), ("n in (,3)", [3]), ("n in (3,,4)", [3, 4]),
    ("n notin (x,),odd=0,n<3", [0, 2]), ("odd in (0),odd in (1)", []), ("n in (1, 2 , 3)", [1, 2, 3]),
])
def test_label_selector(api, filled, selector, expected):
    assert names(api.get(CM.format(filled), labelSelector=selector)) == [f"c{i:03}" for i in expected]


@pytest.mark.parametrize("selector, message", [
    ("a=b=c", "found '=', expected: ',' or 'end of string'"),
    ("a in", "unable to parse requirement: found '' expected: '('"),
    ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
    ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
    ("=", "found '=', expected: !, identifier, or 'end of string'"),
    ("!", "unable to parse requirement: found '', expected: identifier"),
    ("a notin b", "unable to parse requirement: found 'b' expected: '('"),
    ("a,", "found '', expected: identifier after ','"),
    ("a b", f"unable to parse requirement: found 'b', expected: {OPERATORS}"),
    ("a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"),
    ("a/b/c", "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a qualified name must consist of alphanumeric "
              "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  "
              "or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS "
              "subdomain prefix and '/' (e.g. 'example.com/MyName')"),
    ("-a", f'unable to parse requirement: <nil>: Invalid value: "-a": {NAME_WORDS}'),
    ("/a", 'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty'),
])
@pytest.mark.parametrize("verb", ["list", "watch", "deletecollection"])
def test_bad_label_selector(api, ns, selector, message, verb):
    query = {"labelSelector": selector, **({"watch": "1"} if verb == "watch" else {})}
    answer = api.request("DELETE" if verb == "deletecollection" else "GET", CM.format(ns), **query)
    assert answer.status == 400 and answer.json["reason"] == "BadRequest"
    assert answer.json["message"] == message and "details" not in answer.json


@pytest.mark.parametrize("selector, expected", [
    ("metadata.name=c001", [1]), ("metadata.name==c001", [1]), ("metadata.name!=c001", [0, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("metadata.name=c001,metadata.name!=c001", []), ("metadata.namespace=selected,metadata.name=c004", [4]),
    ("metadata.namespace=other", []), (",metadata.name=c002,", [2]), ("metadata.name=", []),
])
def test_field_selector(api, filled, selector, expected):
    assert names(api.get(CM.format(filled), fieldSelector=selector)) == [f"c{i:03}" for i in expected]


def test_field_selector_across_namespaces(api, filled):
    assert names(api.get("/api/v1/configmaps", fieldSelector="metadata.namespace=selected,metadata.name=c003")) == ["c003"]
    assert names(api.get("/api/v1/configmaps", fieldSelector="metadata.namespace=selected", labelSelector="n<2")) == ["c000", "c001"]


@pytest.mark.parametrize("path, selector, message", [
    ("/api/v1/configmaps", "data.n=1", '"data.n" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    ("/api/v1/namespaces", "spec.x=1", "field label not supported: spec.x"),
    ("/apis/example.org/v1/widgets", "spec.size=1", "field label not supported: spec.size"),
    ("/apis/example.org/v1/widgets", "=1", "field label not supported: "),
    ("/api/v1/configmaps", "a", "invalid selector: 'a'; can't understand 'a'"),
    ("/api/v1/configmaps", "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
    ("/api/v1/configmaps", "metadata.name=a\\x", "invalid field selector: invalid escape sequence: \\x"),
])
def test_bad_field_selector(api, path, selector, message):
    answer = api.get(path, fieldSelector=selector)
    assert answer.status == 400 and answer.json["message"] == message


def test_selectable_fields_of_custom_resources(api, ns):
    for name, color in (("a", "red"), ("b", "blue"), ("c", "blue")):
        api.post(WD.format(ns), {"metadata": {"name": name}, "spec": {"color": color}})
    assert names(api.get(WD.format(ns), fieldSelector="spec.color=blue")) == ["b", "c"]
    assert names(api.get(WD.format(ns), fieldSelector="spec.color!=blue")) == ["a"]
    assert names(api.get(WD.format(ns), fieldSelector="spec.color=blue,metadata.name=c")) == ["c"]


def test_namespaces_by_phase(api, ns):
    assert ns in names(api.get("/api/v1/namespaces", fieldSelector="status.phase=Active"))
    assert ns not in names(api.get("/api/v1/namespaces", fieldSelector="status.phase=Terminating"))
    assert names(api.get("/api/v1/namespaces", labelSelector=f"kubernetes.io/metadata.name={ns}")) == [ns]

"""What a resource version asks of a read (API concepts, "Resource versions": the tables for get, list and watch; KEP-1693,
KEP-2340)."""
import base64
import json

import apiclient
import pytest

CM = "/api/v1/namespaces/{}/configmaps"
FUTURE = "99999999"


def names(answer):
    assert answer.status == 200, answer
    return [o["metadata"]["name"] for o in answer.json["items"]]


@pytest.fixture()
def history(api, ns):
    """Three objects; then the second goes and a fourth comes. The version in between."""
    for name in "abc":
        api.post(CM.format(ns), {"metadata": {"name": name}, "data": {"v": "1"}})
    version = api.get(CM.format(ns)).json["metadata"]["resourceVersion"]
    api.delete(CM.format(ns) + "/b")
    api.patch(CM.format(ns) + "/c", {"data": {"v": "2"}})
    api.post(CM.format(ns), {"metadata": {"name": "d"}})
    return version


NOW, THEN = ["a", "c", "d"], ["a", "b", "c"]


@pytest.mark.parametrize("match, version, limit, expected", [
    (None, None, None, NOW), (None, "0", None, NOW), (None, "then", None, NOW),
    (None, None, 2, NOW[:2]), (None, "then", 2, THEN[:2]),        # the legacy meaning: exactly
    ("Exact", "then", None, THEN), ("Exact", "then", 2, THEN[:2]),
    ("NotOlderThan", "0", None, NOW), ("NotOlderThan", "then", None, NOW), ("NotOlderThan", "then", 2, NOW[:2]),
    (None, "0", 2, NOW), ("NotOlderThan", "0", 2, NOW),           # any version will do: the limit is not looked at
])
def test_list(api, ns, history, match, version, limit, expected):
    query = {"resourceVersionMatch": match, "resourceVersion": history if version == "then" else version, "limit": limit}
    answer = api.get(CM.format(ns), **{k: v for k, v in query.items() if v is not None})
    assert names(answer) == expected
    exact = expected[:2] == THEN[:2]
    assert (answer.json["metadata"]["resourceVersion"] == history) == exact


def test_old_states_are_whole(api, ns, history):
    then = api.get(CM.format(ns), resourceVersion=history, resourceVersionMatch="Exact").json["items"]
    assert [o["data"]["v"] for o in then] == ["1", "1", "1"]
    assert all(int(o["metadata"]["resourceVersion"]) <= int(history) for o in then)


@pytest.mark.parametrize("query", [
    {"resourceVersion": FUTURE}, {"resourceVersion": FUTURE, "resourceVersionMatch": "NotOlderThan"},
    {"resourceVersion": FUTURE, "resourceVersionMatch": "Exact"}, {"resourceVersion": FUTURE, "limit": "2"},
    {"resourceVersion": FUTURE, "watch": "true"},
    {"resourceVersion": FUTURE, "watch": "true", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"},
], ids=str)
def test_a_version_of_the_future(api, ns, query):
    answer = api.get(CM.format(ns), **query)
    assert answer.status == 504 and answer.header("Retry-After") == "1"
    status = answer.json
    assert status["reason"] == "Timeout" and status["message"].startswith(f"Timeout: Too large resource version: {FUTURE}, current: ")
    assert status["details"] == {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                                 "retryAfterSeconds": 1}


@pytest.mark.parametrize("version, expected", [(None, 200), ("0", 200), ("1", 200), (FUTURE, 504), ("x", 500)])
def test_get(api, ns, version, expected):
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    answer = api.get(CM.format(ns) + "/a", **({"resourceVersion": version} if version else {}))
    assert answer.status == expected
    if expected == 504:
        assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize("version, why", [("x", "invalid syntax"), ("-1", "invalid syntax"), ("1.5", "invalid syntax"),
                                          ("99999999999999999999", "value out of range")])
def test_what_is_no_version(api, ns, version, why):
    message = f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": {why}'
    for query in ({}, {"watch": "1"}):
        answer = api.get(CM.format(ns), resourceVersion=version, **query)
        assert answer.status == 500 and answer.json["message"] == message and "reason" not in answer.json
    answer = api.get(CM.format(ns), resourceVersion=version, limit=3)
    assert answer.status == 400 and answer.json["message"] == f"invalid resource version: {message}"


MATCH = "resourceVersionMatch"


@pytest.mark.parametrize("query, field, message", [
    ({MATCH: "Exact"}, MATCH, "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
    ({MATCH: "NotOlderThan"}, MATCH, "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
    ({MATCH: "Exact", "resourceVersion": "0"}, MATCH, 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    ({MATCH: "Other", "resourceVersion": "1"}, MATCH, 'Unsupported value: "Other": supported values: "Exact", "NotOlderThan", ""'),
    ({MATCH: "Exact", "resourceVersion": "1", "continue": "x"}, MATCH, "Forbidden: resourceVersionMatch is forbidden when continue is provided"),
    ({"sendInitialEvents": "true"}, "sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list"),
    ({"watch": "1", "sendInitialEvents": "true"}, MATCH, "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
    ({"watch": "1", MATCH: "NotOlderThan"}, MATCH, "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
], ids=str)
@pytest.mark.parametrize("path", ["/api/v1/configmaps", "/apis/example.org/v1/widgets"])
def test_options_that_may_not_be_together(api, path, query, field, message):
    answer = api.get(path, **query)
    assert answer.status == 422
    status = answer.json
    assert status["reason"] == "Invalid" and status["message"] == f'ListOptions.meta.k8s.io "" is invalid: {field}: {message}'
    assert status["details"]["group"] == "meta.k8s.io" and status["details"]["kind"] == "ListOptions"
    assert [(c["field"], c["message"]) for c in status["details"]["causes"]] == [(field, message)]


def test_several_wrong_options_are_told_together(api):
    answer = api.get("/api/v1/configmaps", watch="1", resourceVersionMatch="Exact")
    assert answer.status == 422 and len(answer.json["details"]["causes"]) == 2
    assert answer.json["message"].startswith('ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: ')


@pytest.mark.parametrize("query", [{"limit": "x"}, {"limit": ""}, {"timeoutSeconds": "1.5"}], ids=str)
def test_what_is_no_number(api, ns, query):
    answer = api.get(CM.format(ns), **query)
    value = next(iter(query.values()))
    assert answer.status == 400 and answer.json["message"] == f'strconv.ParseInt: parsing "{value}": invalid syntax'


# ---- continue tokens ----

def token(**fields):
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def test_tokens_have_kubernetes_form(api, ns):
    for name in "abc":
        api.post(CM.format(ns), {"metadata": {"name": name}})
    meta = api.get(CM.format(ns), limit=2).json["metadata"]
    decoded = json.loads(base64.urlsafe_b64decode(meta["continue"] + "=" * (-len(meta["continue"]) % 4)))
    assert decoded == {"v": "meta.k8s.io/v1", "rv": int(meta["resourceVersion"]), "start": "b"}
    everywhere = api.get("/api/v1/configmaps", limit=1).json["metadata"]["continue"]
    assert "/" in json.loads(base64.urlsafe_b64decode(everywhere + "=" * (-len(everywhere) % 4)))["start"]


PREFIX = "invalid continue token: continue key is not valid"


@pytest.mark.parametrize("text, message", [
    ("!!!!", PREFIX + ": illegal base64 data at input byte 0"), ("abc!", PREFIX + ": illegal base64 data at input byte 3"),
    (token(v="meta.k8s.io/v2", rv=1, start="a"), PREFIX + ": server does not recognize this encoded version meta.k8s.io/v2"),
    (token(v="meta.k8s.io/v1", start="a"), PREFIX + ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
    (token(v="meta.k8s.io/v1", rv=1), PREFIX + ": encoded start key empty (version meta.k8s.io/v1)"),
    (token(v="meta.k8s.io/v1", rv=1, start="../x"), PREFIX + ": ../x"),
    (token(v="meta.k8s.io/v1", rv=1, start="a//b"), PREFIX + ": a//b"),
])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_bad_tokens(api, ns, text, message, method):
    answer = api.request(method, CM.format(ns), limit=2, **{"continue": text})
    assert answer.status == 400 and answer.json["reason"] == "BadRequest" and answer.json["message"] == message


@pytest.mark.parametrize("text", ["x", "e30", token(v=1), token(v="meta.k8s.io/v1", rv="1", start="a")])
def test_tokens_that_are_nothing(api, ns, text):
    answer = api.get(CM.format(ns), limit=2, **{"continue": text})
    assert answer.status == 400 and answer.json["message"].startswith(PREFIX)


def test_a_token_and_a_version_exclude_each_other(api, ns):
    for name in "abc":
        api.post(CM.format(ns), {"metadata": {"name": name}})
    first = api.get(CM.format(ns), limit=2).json["metadata"]
    answer = api.get(CM.format(ns), limit=2, resourceVersion=first["resourceVersion"], **{"continue": first["continue"]})
    assert answer.status == 400 and answer.json["message"] == "specifying resource version is not allowed when using continue"
    assert names(api.get(CM.format(ns), limit=2, resourceVersion="0", **{"continue": first["continue"]})) == ["c"]


def test_a_negative_limit_is_none(api, ns):
    for name in "abc":
        api.post(CM.format(ns), {"metadata": {"name": name}})
    assert names(api.get(CM.format(ns), limit=-1)) == ["a", "b", "c"]


# ---- what history no longer holds ----

@pytest.fixture(scope="module")
def short_history():
    server = apiclient.Server(arguments=["--history", "10"])
    yield apiclient.Client(server.kubeconfig)
    server.remove()


def test_410(short_history):
    api, path = short_history, CM.format("default")
    for i in range(15):
        api.post(path, {"metadata": {"name": f"c{i:02}"}})
    expired = api.get(path, resourceVersion="5", resourceVersionMatch="Exact")
    assert expired.status == 410 and expired.json["reason"] == "Expired" and "continue" not in expired.json["metadata"]
    assert expired.json["message"] == "The resourceVersion for the provided list is too old."
    # A watch is told in an event: once it is authorized, the answer is a stream.
    events = list(api.watch(path, resourceVersion="5"))
    assert [e["type"] for e in events] == ["ERROR"]
    status = events[0]["object"]
    assert status["kind"] == "Status" and status["code"] == 410 and status["reason"] == "Expired" and status["status"] == "Failure"
    assert status["message"].startswith("too old resource version: 5 (")


def test_an_expired_token_goes_on_inconsistently(short_history):
    api, path = short_history, CM.format("kube-public")
    for i in range(6):
        api.post(path, {"metadata": {"name": f"c{i:02}"}})
    first = api.get(path, limit=2).json["metadata"]["continue"]
    for i in range(6, 20):
        api.post(path, {"metadata": {"name": f"c{i:02}"}})
    answer = api.get(path, limit=2, **{"continue": first})
    assert answer.status == 410 and answer.json["reason"] == "Expired"
    assert answer.json["message"] == (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
        "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
        "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the "
        "first chunk was returned and now may show up in the list.")
    rest = api.get(path, limit=100, **{"continue": answer.json["metadata"]["continue"]})
    assert names(rest)[:2] == ["c02", "c03"] and names(rest)[-1] == "c19"

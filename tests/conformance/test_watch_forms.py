"""What a watch sends, beside what test_watch.py has: deprecated paths, single objects, bookmarks and streaming lists in every
form, ends (API concepts, "Efficient detection of changes", "Watch bookmarks", "Streaming lists"; KEP-956, KEP-3157)."""
import itertools
import json
import threading
import time

import apiclient
import pytest
from apiclient import eventually

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
PARTIAL = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
STREAM = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


def take(events, count):
    return list(itertools.islice(events, count))


def brief(events):
    return [(e["type"], e["object"]["metadata"].get("name")) for e in events]


@pytest.fixture()
def three(api, ns):
    for name in "abc":
        assert api.post(WD.format(ns), {"metadata": {"name": name}, "spec": {"color": "blue"}}).status == 201
        assert api.post(CM.format(ns), {"metadata": {"name": name}}).status == 201
    return ns


@pytest.mark.parametrize("path, expected", [
    ("/api/v1/watch/namespaces/{}/configmaps", ["a", "b", "c"]), ("/api/v1/watch/namespaces/{}/configmaps/b", ["b"]),
    ("/apis/example.org/v1/watch/namespaces/{}/widgets", ["a", "b", "c"]), ("/apis/example.org/v1/watch/namespaces/{}/widgets/c", ["c"]),
])
def test_deprecated_paths(api, three, path, expected):
    assert brief(take(api.watch(path.format(three)), len(expected))) == [("ADDED", n) for n in expected]


def test_deprecated_path_of_all_namespaces(api, three):
    events = api.watch("/api/v1/watch/configmaps", fieldSelector=f"metadata.namespace={three}")
    assert brief(take(events, 3)) == [("ADDED", n) for n in "abc"]


def test_a_deprecated_path_takes_only_get(api, three):
    assert api.delete(f"/api/v1/watch/namespaces/{three}/configmaps").status == 405


def test_the_selected_name_must_be_that_of_the_path(api, three):
    path = f"/api/v1/watch/namespaces/{three}/configmaps/b"
    assert brief(take(api.watch(path, fieldSelector="metadata.name=b"), 1)) == [("ADDED", "b")]
    answer = api.get(path, fieldSelector="metadata.name=a")
    assert answer.status == 400 and answer.json["message"] == "fieldSelector metadata.name doesn't match requested name"


def test_watch_on_a_named_path_is_a_get(api, three):
    answer = api.get(CM.format(three) + "/a", watch="true")
    assert answer.status == 200 and answer.json["metadata"]["name"] == "a"


def test_a_single_object(api, three):
    version = api.get(CM.format(three)).json["metadata"]["resourceVersion"]
    for name in "abc":
        api.patch(CM.format(three) + f"/{name}", {"data": {"x": "y"}})
    api.delete(CM.format(three) + "/b")
    events = take(api.watch(CM.format(three), resourceVersion=version, fieldSelector="metadata.name=b"), 2)
    assert brief(events) == [("MODIFIED", "b"), ("DELETED", "b")]


def test_a_deleted_object_has_its_last_state_and_the_version_of_the_end(api, three):
    last = api.patch(WD.format(three) + "/a", {"spec": {"color": "green"}}).json
    api.delete(WD.format(three) + "/a")
    event = next(api.watch(WD.format(three), resourceVersion=last["metadata"]["resourceVersion"]))
    assert event["type"] == "DELETED" and event["object"]["spec"]["color"] == "green"
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(last["metadata"]["resourceVersion"])
    assert api.get(WD.format(three)).json["metadata"]["resourceVersion"] >= event["object"]["metadata"]["resourceVersion"]


def test_finalizers_make_a_deletion_a_modification_first(api, ns):
    made = api.post(CM.format(ns), {"metadata": {"name": "a", "finalizers": ["example.org/hold"]}}).json
    api.delete(CM.format(ns) + "/a")
    api.patch(CM.format(ns) + "/a", {"metadata": {"finalizers": None}})
    events = take(api.watch(CM.format(ns), resourceVersion=made["metadata"]["resourceVersion"]), 2)
    assert [e["type"] for e in events] == ["MODIFIED", "DELETED"] and events[0]["object"]["metadata"]["deletionTimestamp"]


# ---- tables and metadata ----

def test_only_the_first_table_has_columns(api, three):
    events = take(api.watch(WD.format(three), headers=TABLE), 3)
    tables = [e["object"] for e in events]
    assert [c["name"] for c in tables[0]["columnDefinitions"]] == ["Name", "Color", "Size", "Age"]
    assert [t["columnDefinitions"] for t in tables[1:]] == [None, None]
    assert [t["rows"][0]["cells"][0] for t in tables] == ["a", "b", "c"]
    assert all(t["metadata"]["resourceVersion"] == t["rows"][0]["object"]["metadata"]["resourceVersion"] for t in tables)


def test_metadata_events(api, three):
    events = take(api.watch(WD.format(three), headers=PARTIAL), 3)
    for event in events:
        assert event["object"]["kind"] == "PartialObjectMetadata" and event["object"]["apiVersion"] == "meta.k8s.io/v1"
        assert "spec" not in event["object"] and event["object"]["metadata"]["uid"]


@pytest.mark.parametrize("path, kind, headers", [(CM, "ConfigMap", {}), (WD, "Widget", {}), (WD, "PartialObjectMetadata", PARTIAL), (CM, "PartialObjectMetadata", PARTIAL)])
def test_streaming_list(api, three, path, kind, headers):
    events = take(api.watch(path.format(three), headers=headers, **STREAM), 4)
    assert brief(events[:3]) == [("ADDED", n) for n in "abc"]
    mark = events[3]
    assert mark["type"] == "BOOKMARK" and mark["object"]["kind"] == kind
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark["object"]["metadata"]["resourceVersion"]) >= int(events[2]["object"]["metadata"]["resourceVersion"])


@pytest.mark.parametrize("include", ["Metadata", "None", "Object"])
def test_streaming_list_as_tables(api, three, include):
    events = take(api.watch(WD.format(three), headers=TABLE, includeObject=include, **STREAM), 4)
    mark = events[3]
    assert mark["type"] == "BOOKMARK" and mark["object"]["kind"] == "Table"
    assert mark["object"]["rows"][0]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_streaming_list_of_nothing(api, ns):
    event = next(api.watch(CM.format(ns), **STREAM))
    assert event["type"] == "BOOKMARK" and event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"


def test_a_streaming_list_with_selectors(api, three):
    events = take(api.watch(WD.format(three), fieldSelector="metadata.name!=b", **STREAM), 3)
    assert brief(events)[:2] == [("ADDED", "a"), ("ADDED", "c")] and events[2]["type"] == "BOOKMARK"


def test_a_streaming_list_goes_on_as_a_watch(api, three):
    events = api.watch(CM.format(three), **STREAM)
    take(events, 4)
    api.delete(CM.format(three) + "/a")
    assert brief(take(events, 1)) == [("DELETED", "a")]


@pytest.mark.parametrize("more, expected", [
    ({"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}, []),
    ({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}, ["ADDED"] * 3), # no bookmark for who does not take them
    ({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"}, ["ADDED"] * 3), ({}, ["ADDED"] * 3),
])
def test_initial_events(api, three, more, expected):
    assert [e["type"] for e in api.watch(CM.format(three), timeoutSeconds=1, **more)] == expected


@pytest.mark.parametrize("headers, kind", [({}, "ConfigMap"), (PARTIAL, "PartialObjectMetadata"), (TABLE, "Table")])
def test_bookmarks_at_the_end(api, three, headers, kind):
    version = api.get(CM.format(three)).json["metadata"]["resourceVersion"]
    events = list(api.watch(CM.format(three), headers=headers, resourceVersion=version, timeoutSeconds=1, allowWatchBookmarks="true"))
    assert [e["type"] for e in events] == ["BOOKMARK"] and events[0]["object"]["kind"] == kind
    assert int(events[0]["object"]["metadata"]["resourceVersion"]) >= int(version)
    assert "annotations" not in events[0]["object"]["metadata"]


def test_list_then_watch_has_no_gap(api, ns):
    """While somebody writes, lists and watches from their versions tell the same story."""
    stop = threading.Event()
    writer = apiclient.Client.__new__(apiclient.Client)
    writer.__dict__.update(api.__dict__, connection=None)

    def write():
        for i in itertools.count():
            if stop.is_set():
                return
            writer.post(CM.format(ns), {"metadata": {"name": f"c{i}"}})
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            listed = api.get(CM.format(ns)).json
            there = {o["metadata"]["name"] for o in listed["items"]}
            events = take(api.watch(CM.format(ns), resourceVersion=listed["metadata"]["resourceVersion"]), 3)
            new = [int(e["object"]["metadata"]["name"][1:]) for e in events]
            assert [e["type"] for e in events] == ["ADDED"] * 3 and new == list(range(len(there), len(there) + 3))
    finally:
        stop.set()
        thread.join()


# ---- ends ----

def test_a_watch_ends_with_its_definition(api, ns):
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "pins.brief.example.org"},
           "spec": {"group": "brief.example.org", "scope": "Namespaced", "names": {"plural": "pins", "kind": "Pin"}, "versions": [
               {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
    assert api.post(CRDS, crd).status == 201
    path = f"/apis/brief.example.org/v1/namespaces/{ns}/pins"
    eventually(lambda: api.post(path, {"metadata": {"name": "p"}}).status == 201)
    events = []
    thread = threading.Thread(target=lambda: events.extend(api.watch(path, timeout=20)))
    thread.start()
    eventually(lambda: events)
    api.delete(CRDS + "/pins.brief.example.org")
    thread.join(15)
    assert not thread.is_alive() and [e["type"] for e in events] == ["ADDED", "DELETED"]
    assert eventually(lambda: api.get(path).status == 404)


def test_a_changed_definition_does_not_end_a_watch(api, ns):
    version = api.get(WD.format(ns)).json["metadata"]["resourceVersion"]
    events = api.watch(WD.format(ns), resourceVersion=version)
    thread = threading.Timer(0.3, lambda: api.post(WD.format(ns), {"metadata": {"name": "a"}, "spec": {}}))
    api.patch(CRDS + "/widgets.example.org", {"metadata": {"annotations": {"touched": str(time.time())}}})
    thread.start()
    assert brief(take(events, 1)) == [("ADDED", "a")]
    thread.join()


def test_a_stopping_server_ends_its_watches():
    server = apiclient.Server()
    try:
        api = apiclient.Client(server.kubeconfig)
        ended = []
        events = api.watch(CM.format("default"), timeout=20)
        thread = threading.Thread(target=lambda: ended.append(list(events)))
        thread.start()
        api.post(CM.format("default"), {"metadata": {"name": "a"}})
        start = time.monotonic()
        assert server.stop() == 0 and time.monotonic() - start < 10
        thread.join(5)
        assert not thread.is_alive() and [e["type"] for e in ended[0]] == ["ADDED"]
    finally:
        server.remove()


def test_a_client_that_does_not_read_disturbs_nobody(api, ns):
    lazy = api.connect(30)
    lazy.request("GET", CM.format(ns) + "?watch=1")  # and never reads
    version = api.get(CM.format(ns)).json["metadata"]["resourceVersion"]
    start = time.monotonic()
    for i in range(20):
        assert api.post(CM.format(ns), {"metadata": {"name": f"c{i}"}, "data": {"x": "y" * 900000}}).status == 201
    assert time.monotonic() - start < 30 * apiclient.PATIENCE
    assert [e["type"] for e in take(api.watch(CM.format(ns), resourceVersion=version), 20)] == ["ADDED"] * 20
    lazy.close()


def test_events_come_one_a_line_and_at_once(api, ns):
    connection = api.connect(10)
    connection.request("GET", CM.format(ns) + "?watch=1")
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "application/json" and response.getheader("Transfer-Encoding") == "chunked"
    api.post(CM.format(ns), {"metadata": {"name": "a"}, "data": {"x": "line\nbreak"}})
    start = time.monotonic()
    line = response.readline()
    assert time.monotonic() - start < 8 and line.endswith(b"\n") and json.loads(line)["object"]["data"]["x"] == "line\nbreak"
    connection.close()

"""Watches (API concepts, "Efficient detection of changes"; KEP-956 bookmarks; KEP-3157 streaming lists)."""
import itertools
import threading

import apiclient
import pytest

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"


def take(events, count):
    return list(itertools.islice(events, count))


def brief(events):
    return [(e["type"], e["object"]["metadata"].get("name")) for e in events]


def version_of(api, ns):
    return api.get(CM.format(ns)).json["metadata"]["resourceVersion"]


def change(api, ns):
    """Five changes: two ADDED, one MODIFIED, two DELETED."""
    api.post(CM.format(ns), {"metadata": {"name": "a", "labels": {"on": "no"}}})
    api.post(CM.format(ns), {"metadata": {"name": "b", "labels": {"on": "yes"}}})
    api.patch(CM.format(ns) + "/a", {"metadata": {"labels": {"on": "yes"}}})
    api.delete(CM.format(ns) + "/b")
    api.delete(CM.format(ns) + "/a")


ALL = [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b"), ("DELETED", "a")]


def test_resume_from_a_version(api, ns):
    version = version_of(api, ns)
    change(api, ns)
    events = take(api.watch(CM.format(ns), resourceVersion=version), 5)
    assert brief(events) == ALL
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
    assert versions == sorted(set(versions)) and versions[0] > int(version)
    middle = str(versions[1])
    assert brief(take(api.watch(CM.format(ns), resourceVersion=middle), 3)) == ALL[2:]


def test_changes_arrive_while_watching(api, ns):
    version = version_of(api, ns)
    got = []
    thread = threading.Thread(target=lambda: got.extend(take(api.watch(CM.format(ns), resourceVersion=version), 5)))
    thread.start()
    change(api, ns)
    thread.join(10)
    assert brief(got) == ALL


def test_without_a_version_what_is_there_comes_first(api, ns):
    api.post(CM.format(ns), {"metadata": {"name": "there"}})
    for version in ({}, {"resourceVersion": "0"}):
        assert brief(take(api.watch(CM.format(ns), **version), 1)) == [("ADDED", "there")]


def test_selector_transitions(api, ns):
    version = version_of(api, ns)
    api.post(CM.format(ns), {"metadata": {"name": "a", "labels": {"on": "no"}}})
    api.patch(CM.format(ns) + "/a", {"metadata": {"labels": {"on": "yes"}}})
    api.patch(CM.format(ns) + "/a", {"data": {"x": "y"}})
    left = api.patch(CM.format(ns) + "/a", {"metadata": {"labels": {"on": "no"}}}).json
    api.post(CM.format(ns), {"metadata": {"name": "z", "labels": {"on": "yes"}}})
    events = take(api.watch(CM.format(ns), resourceVersion=version, labelSelector="on=yes"), 4)
    assert brief(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "z")]
    # The last state that matched, with the version of the change that made it leave.
    assert events[2]["object"]["metadata"]["labels"] == {"on": "yes"}
    assert events[2]["object"]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]


def test_field_selector(api, ns):
    version = version_of(api, ns)
    change(api, ns)
    events = take(api.watch(CM.format(ns), resourceVersion=version, fieldSelector="metadata.name=b"), 2)
    assert brief(events) == [("ADDED", "b"), ("DELETED", "b")]


def test_too_old_version():
    server = apiclient.Server(arguments=["--history", "10"])
    try:
        api = apiclient.Client(server.kubeconfig)
        path = CM.format("default")
        for i in range(15):
            api.post(path, {"metadata": {"name": f"c{i}"}})
        events = list(api.watch(path, resourceVersion="5"))
        assert len(events) == 1 and events[0]["type"] == "ERROR"
        status = events[0]["object"]
        assert status["kind"] == "Status" and status["code"] == 410 and status["reason"] == "Expired"
        assert status["message"].startswith("too old resource version: 5 (")
        first = api.get(path, limit=2).json["metadata"]["continue"]
        for i in range(15):
            api.delete(path + f"/c{i}")
        answer = api.get(path, limit=2, **{"continue": first})
        assert answer.status == 410 and answer.json["reason"] == "Expired"
        assert "The provided continue parameter is too old" in answer.json["message"]
        # The error has a token to go on with, though not consistently.
        rest = api.get(path, limit=2, **{"continue": answer.json["metadata"]["continue"]})
        assert rest.status == 200
    finally:
        server.remove()


def test_version_of_the_future(api, ns):
    with pytest.raises(RuntimeError, match="504"):
        next(api.watch(CM.format(ns), resourceVersion="99999999"))


def test_timeout_ends_the_watch(api, ns):
    assert list(api.watch(CM.format(ns), resourceVersion=version_of(api, ns), timeoutSeconds="1")) == []


def test_bookmark_at_the_end(api, ns):
    version = version_of(api, ns)
    change(api, ns)
    newest = version_of(api, ns)
    events = list(api.watch(CM.format(ns), resourceVersion=version, timeoutSeconds="1", allowWatchBookmarks="true"))
    assert brief(events[:5]) == ALL
    mark = events[-1]
    assert mark["type"] == "BOOKMARK" and mark["object"]["kind"] == "ConfigMap"
    assert int(mark["object"]["metadata"]["resourceVersion"]) >= int(newest)


def test_streaming_list(api, ns):
    for i in range(3):
        api.post(CM.format(ns), {"metadata": {"name": f"c{i}"}})
    query = dict(sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true")
    events = take(api.watch(CM.format(ns), **query), 4)
    assert brief(events[:3]) == [("ADDED", "c0"), ("ADDED", "c1"), ("ADDED", "c2")]
    assert events[3]["type"] == "BOOKMARK"
    assert events[3]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert api.get(CM.format(ns), watch="true", sendInitialEvents="true").status == 422
    assert api.get(CM.format(ns), watch="true", resourceVersionMatch="NotOlderThan").status == 422


def test_table_events(api, ns):
    version = api.get(WD.format(ns)).json["metadata"]["resourceVersion"]
    api.post(WD.format(ns), {"metadata": {"name": "a"}, "spec": {"color": "blue"}})
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    event = next(api.watch(WD.format(ns), headers=headers, resourceVersion=version))
    assert event["type"] == "ADDED" and event["object"]["kind"] == "Table"
    assert event["object"]["rows"][0]["cells"][:2] == ["a", "blue"]


def test_watch_of_all_namespaces(api, ns):
    version = api.get("/api/v1/configmaps").json["metadata"]["resourceVersion"]
    api.post(CM.format(ns), {"metadata": {"name": "a"}})
    event = next(api.watch("/api/v1/configmaps", resourceVersion=version))
    assert event["object"]["metadata"]["namespace"] == ns

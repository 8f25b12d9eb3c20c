"""A system clock that jumps: only the times written into objects follow it. (A build with fault points.)"""
import os
import pathlib
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import apiclient  # noqa: E402

PATH = "/api/v1/namespaces/default/configmaps"
DAY = 86400


@pytest.fixture
def clock():
    """Sets how many seconds the server's clock is ahead."""
    handle, path = tempfile.mkstemp(prefix="scia-clock-")
    os.close(handle)

    def jump(seconds):
        pathlib.Path(path).write_text(f"{seconds}\n")
    jump.path = path
    yield jump
    os.unlink(path)


@pytest.fixture
def server(clock):
    server = apiclient.Server(environment={"SCIA_CLOCK_OFFSET": clock.path})
    yield server
    server.remove()


def created(client, name):
    answer = client.post(PATH, {"metadata": {"name": name}})
    assert answer.status == 201, answer
    meta = answer.json["metadata"]
    return meta["creationTimestamp"], int(meta["resourceVersion"])


@pytest.mark.parametrize("jump", [-10 * DAY, 10 * DAY, -2], ids=["ten days back", "ten days on", "two seconds back"])
def test_jumps_change_times_and_nothing_else(server, clock, jump):
    client = apiclient.Client(server.kubeconfig)
    first_time, first = created(client, "before")
    version = client.get(PATH).json["metadata"]["resourceVersion"]
    watch = client.watch(PATH, resourceVersion=version, timeoutSeconds=4, allowWatchBookmarks="true")
    began = time.monotonic()
    clock(jump)
    second_time, second = created(client, "after")
    assert (second_time < first_time) == (jump < 0) and second > first
    assert client.patch(f"{PATH}/before", {"data": {"k": "v"}}).status == 200
    events = [e["object"]["metadata"]["name"] for e in watch if e["type"] != "BOOKMARK"]
    assert events == ["after", "before"]
    assert 2 < time.monotonic() - began < 20, "the watch lasts as long as it was asked to"
    assert client.get("/readyz").status == 200
    # Namespaces empty themselves, finalizers and deletions go on.
    assert client.post("/api/v1/namespaces", {"metadata": {"name": "gone"}}).status == 201
    assert client.delete("/api/v1/namespaces/gone").status in (200, 202)
    apiclient.eventually(lambda: client.get("/api/v1/namespaces/gone").status == 404)
    # And so does the next start, with the clock still elsewhere.
    assert server.stop() == 0
    server.start()
    client = apiclient.Client(server.kubeconfig)
    assert client.get(f"{PATH}/after").status == 200
    assert created(client, "later")[1] > second


def test_history_ages_by_the_monotonic_clock(clock):
    server = apiclient.Server(arguments=["--history-age", "2s"], environment={"SCIA_CLOCK_OFFSET": clock.path})
    try:
        client = apiclient.Client(server.kubeconfig)
        _, version = created(client, "one")
        clock(-10 * DAY)
        # The clock is further back than the age, but not more than two seconds have passed.
        assert client.get(PATH, watch="true", resourceVersion=str(version), timeoutSeconds="1").status == 200
        clock(10 * DAY)
        assert client.get(PATH, watch="true", resourceVersion=str(version), timeoutSeconds="1").status == 200

        def too_old():
            created(client, f"n{time.monotonic()}")
            answer = client.get(PATH, watch="true", resourceVersion=str(version), timeoutSeconds="1")
            return answer.status == 410 or b"too old resource version" in answer.body
        apiclient.eventually(too_old, 20)
    finally:
        server.remove()

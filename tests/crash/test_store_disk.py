"""A disk without space: writes fail and say so, reads and watches go on, and all is well as soon as there is space."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import apiclient  # noqa: E402

PATH = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def small_disk():
    """A file system of 8 MiB."""
    folder = tempfile.mkdtemp(prefix="scia-disk-")
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", folder], stderr=subprocess.DEVNULL).returncode == 0
    if not mounted:
        os.rmdir(folder)
        pytest.skip("a small file system can only be mounted by root")
    yield pathlib.Path(folder)
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


def fill(disk):
    """Takes all that is left."""
    with open(disk / "filler", "wb", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


def create(client, name, size=100):
    return client.post(PATH, {"metadata": {"name": name}, "data": {"v": "x" * size}})


@pytest.fixture
def server(small_disk):
    os.environ["SCIA_LOG"] = "/dev/null"
    data = small_disk / "data"
    data.mkdir()
    server = apiclient.Server(str(data))
    yield server
    if server.process.poll() is None:
        server.stop()
    del os.environ["SCIA_LOG"]


def test_full_disk_refuses_writes_and_recovers(small_disk, server):
    client = apiclient.Client(server.kubeconfig)
    written = []
    for i in range(20):
        assert create(client, f"before-{i}").status == 201
        written.append(f"before-{i}")
    fill(small_disk)
    refused = None
    for i in range(3000):  # the log has some room that is taken already
        answer = create(client, f"full-{i}", 3000)
        if answer.status != 201:
            refused = answer
            break
        written.append(f"full-{i}")
    assert refused is not None and refused.status == 507, refused
    status = refused.json
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "InsufficientStorage", 507)
    assert "no space left on the disk" in status["message"] and "free some" in status["message"]
    assert client.delete(f"{PATH}/before-0").status in (200, 507)
    assert {o["metadata"]["name"] for o in client.get(PATH).json["items"]} >= set(written) - {"before-0"}
    assert client.get("/readyz").status == 200
    (small_disk / "filler").unlink()
    assert create(client, "after").status == 201, "no restart is needed"
    written.append("after")
    server.kill()
    server.start()
    names = {o["metadata"]["name"] for o in apiclient.Client(server.kubeconfig).get(PATH).json["items"]}
    assert names >= set(written) - {"before-0"}
    assert not {n for n in names if n not in written and n.startswith("full-")}, "nothing that was refused is there"


def test_watch_goes_on_over_a_full_disk(small_disk, server):
    client = apiclient.Client(server.kubeconfig)
    version = client.get(PATH).json["metadata"]["resourceVersion"]
    watch = apiclient.Client(server.kubeconfig).connect()
    writer = apiclient.Client(server.kubeconfig)
    watch.request("GET", f"{PATH}?watch=1&resourceVersion={version}", headers={"Accept": "application/json"})
    events = watch.getresponse()
    fill(small_disk)
    names = []
    for i in range(3000):
        answer = create(writer, f"w-{i}", 3000)
        if answer.status != 201:
            break
        names.append(f"w-{i}")
    (small_disk / "filler").unlink()
    assert create(writer, "end").status == 201
    seen = []
    while not seen or seen[-1] != "end":
        seen.append(json.loads(events.readline())["object"]["metadata"]["name"])
    assert seen == names + ["end"], "each acknowledged write, none of the refused"


def test_starts_on_a_full_disk_and_serves_reads(small_disk, server):
    assert create(apiclient.Client(server.kubeconfig), "there").status == 201
    assert server.stop() == 0
    fill(small_disk)
    server.start()
    client = apiclient.Client(server.kubeconfig)
    assert client.get(f"{PATH}/there").status == 200
    answers = [create(client, f"x-{i}", 3000).status for i in range(20)]
    assert 507 in answers
    (small_disk / "filler").unlink()
    assert create(client, "after").status == 201


def test_refuses_to_start_on_a_read_only_disk_and_says_why(small_disk, server):
    assert server.stop() == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    run = subprocess.run([apiclient.server_binary(), "--data", server.data], capture_output=True, text=True, timeout=20)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert run.returncode == 1 and "Read-only file system" in run.stderr, run.stderr
    server.start()


def test_failed_fsync_ends_writing_until_a_restart():
    server = apiclient.Server(environment={"SCIA_FAULT": "store.vfs.wal-sync=fail@60"})
    try:
        client = apiclient.Client(server.kubeconfig)
        written, answer = [], create(client, "n0")
        while answer.status == 201:
            written.append(answer.json["metadata"]["name"])
            answer = create(client, f"n{len(written)}")
        assert answer.status == 500 and "only known after a restart" in answer.json["message"], answer
        unknown = f"n{len(written)}"
        answer = create(client, "later")
        assert answer.status == 503 and "restart" in answer.json["message"], answer
        assert {o["metadata"]["name"] for o in client.get(PATH).json["items"]} >= set(written), "reads go on"
        assert client.get(f"{PATH}/{unknown}").status == 404
        ready = client.get("/readyz")
        assert ready.status == 500 and b"[-]store failed" in ready.body
        assert client.get("/livez").status == 200
        server.kill()
        server.environment = None
        server.start()
        client = apiclient.Client(server.kubeconfig)
        names = {o["metadata"]["name"] for o in client.get(PATH).json["items"]}
        assert names >= set(written) and "later" not in names
        assert client.get("/readyz").status == 200 and create(client, "later").status == 201
    finally:
        server.remove()

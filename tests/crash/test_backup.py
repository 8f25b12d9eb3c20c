"""`scia backup`, `scia restore`, `scia store` and the encryption of what is on the disk, with a server that works."""
import base64
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import apiclient  # noqa: E402
from process_usage import usage  # noqa: E402

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
SCIA = os.environ.get("SCIA_BUILD", str(apiclient.ROOT / "build" / "debug")) + "/src/scia"


def scia(*arguments, code=0):
    run = subprocess.run([SCIA, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert run.returncode == code, (arguments, run.returncode, run.stdout, run.stderr)
    return run.stdout + run.stderr


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="scia-backup-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def servers(folder):
    """Starts servers on folders; all are stopped at the end."""
    started = []

    def start(name="data", *arguments):
        (folder / name).mkdir(exist_ok=True)
        server = apiclient.Server(str(folder / name), arguments)
        started.append(server)
        return server
    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


class Writer(threading.Thread):
    """Creates prefix-0, prefix-1, … one after the other."""

    def __init__(self, server, prefix):
        super().__init__(daemon=True)
        self.client, self.prefix, self.acknowledged, self.version, self.stopping = (
            apiclient.Client(server.kubeconfig), prefix, 0, 0, False)

    def run(self):
        while not self.stopping:
            answer = self.client.post(CONFIGMAPS, {"metadata": {"name": f"{self.prefix}-{self.acknowledged}"}})
            assert answer.status == 201, answer
            self.version = int(answer.json["metadata"]["resourceVersion"])
            self.acknowledged += 1


def secret(client, name, value):
    answer = client.post(SECRETS, {"metadata": {"name": name, "labels": {"tier": value}},
                                   "stringData": {"password": value}})
    assert answer.status == 201, answer


def on_disk(folder, *words):
    """Files in which one of the words is, plain or in base64."""
    found = []
    wanted = [w.encode() for w in words] + [base64.b64encode(w.encode()) for w in words]
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and path.name != "log":
            data = path.read_bytes()
            found += [path.name for w in wanted if w in data]
    return found


def test_backup_under_load_is_one_moment_and_can_be_restored(folder, servers):
    server = servers()
    secret(apiclient.Client(server.kubeconfig), "db", "hunter2-hunter2")
    writers = [Writer(server, p) for p in "abcd"]
    for w in writers:
        w.start()
    while min(w.acknowledged for w in writers) < 30:
        pass
    before = {w.prefix: w.acknowledged for w in writers}
    scia("backup", folder / "backup", "--data", folder / "data")
    for w in writers:
        w.stopping = True
    for w in writers:
        w.join(20)
    assert stat.S_IMODE((folder / "backup").stat().st_mode) == 0o600
    assert not (folder / "backup.part").exists()
    assert "intact" in scia("store", "check", folder / "backup", "--data", folder / "data")
    scia("restore", folder / "backup", "--data", folder / "restored")
    restored = servers("restored")
    client = apiclient.Client(restored.kubeconfig)
    listed = client.get(CONFIGMAPS).json
    names = {o["metadata"]["name"] for o in listed["items"]}
    for w in writers:
        mine = {n for n in names if n.startswith(w.prefix + "-")}
        assert mine == {f"{w.prefix}-{i}" for i in range(len(mine))}, "no later one without the ones before it"
        assert before[w.prefix] <= len(mine) <= w.acknowledged
    assert base64.b64decode(client.get(f"{SECRETS}/db").json["data"]["password"]) == b"hunter2-hunter2"
    # Whoever watched the lost ones is told that it has to list again.
    newest = max(w.version for w in writers)
    assert int(listed["metadata"]["resourceVersion"]) > newest
    answer = client.get(f"{CONFIGMAPS}?watch=1&resourceVersion={newest}&timeoutSeconds=1")
    assert answer.status == 410 or json.loads(answer.body.split(b"\n")[0])["object"]["code"] == 410


def test_backup_of_a_server_that_dies_leaves_no_file(folder, servers):
    server = servers()
    client = apiclient.Client(server.kubeconfig)
    for i in range(20):
        assert client.post(CONFIGMAPS, {"metadata": {"name": f"n{i}"}}).status == 201
    server.stop()
    server.environment = {"SCIA_FAULT": "store.backup.object=kill@10"}
    server.start()
    scia("backup", folder / "backup", "--data", folder / "data", code=1)
    assert not (folder / "backup").exists() and not (folder / "backup.part").exists()
    server.process.wait(10)
    server.environment = None
    # Without a server the folder itself is read.
    scia("backup", folder / "backup", "--data", folder / "data")
    assert "intact" in scia("store", "check", folder / "backup", "--data", folder / "data")


def test_a_slow_reader_of_a_backup_costs_no_memory(servers):
    server = servers()
    client = apiclient.Client(server.kubeconfig)
    for i in range(80):
        assert client.post(CONFIGMAPS, {"metadata": {"name": f"c{i}"}, "data": {"x": "y" * 900000}}).status == 201
    before = usage(server.process.pid)["rss_mb"]
    slow = [client.connect(60) for _ in range(3)]
    for connection in slow:
        connection.request("GET", "/scia/backup")
    answers = [connection.getresponse() for connection in slow]
    # No more than two at a time: each keeps a moment of the store alive.
    assert sorted(answer.status for answer in answers) == [200, 200, 429]
    for i in range(50):  # and nobody waits for them
        assert client.post(CONFIGMAPS, {"metadata": {"name": f"d{i}"}}).status == 201
    assert usage(server.process.pid)["rss_mb"] - before < 40, "72 MiB wait in the sender's memory"
    begin, whole = [a for a in answers if a.status == 200]
    slow[answers.index(begin)].close()
    begin.close()
    total = 0
    while data := whole.read(1 << 20):
        total += len(data)
    assert total > 80 * 900000
    # The first one's place is free again.
    assert apiclient.eventually(lambda: client.request("GET", "/scia/backup", raw=True).status == 200)


def test_backup_needs_the_right_to(servers):
    server = servers()
    assert apiclient.Client(server.kubeconfig, certificate=False).get("/scia/backup").status in (401, 403)


def test_secrets_are_never_plain_on_the_disk(folder, servers):
    server = servers()
    client = apiclient.Client(server.kubeconfig)
    words = ["correct-horse-battery", "staple-battery-horse"]
    secret(client, "one", words[0])
    answer = client.patch(f"{SECRETS}/one", {"stringData": {"password": words[1]}})
    assert answer.status == 200, answer
    assert client.get(f"{SECRETS}?labelSelector=tier={words[0]}").json["items"], "it is found by its label"
    assert not on_disk(folder / "data", *words), "in the log"
    scia("backup", folder / "backup", "--data", folder / "data", "--objects-only")
    assert not on_disk(folder, *words)
    server.stop()
    assert not on_disk(folder / "data", *words), "in the file"
    out = scia("store", "check", "--data", folder / "data")
    assert "1 encrypted with the key" in out and "intact" in out


def encryption_config(path, keys, resource="secrets"):
    providers = [{"aesgcm": {"keys": [{"name": n, "secret": base64.b64encode(k).decode()}]}} for n, k in keys]
    path.write_text(json.dumps({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
        "resources": [{"resources": [resource], "providers": providers + [{"identity": {}}]}]}))
    return ("--encryption-provider-config", str(path))


def test_keys_are_replaced_while_it_runs(folder, servers):
    """kubernetes.io/docs/tasks/administer-cluster/encrypt-data (rotate a decryption key; automatic reload)."""
    a, b = bytes(range(32)), bytes(range(32, 64))
    file = folder / "enc.json"
    server = servers("data", *encryption_config(file, [("a", a)]))
    client = apiclient.Client(server.kubeconfig)
    for i in range(600):
        secret(client, f"s{i}", f"word-{i}")

    def log():
        return (folder / "data" / "log").read_text()

    encryption_config(file, [("b", b)])  # without the one that is in use: refused
    apiclient.eventually(lambda: 'may still be encrypted with the key "a"' in log())
    secret(client, "meanwhile", "word")
    encryption_config(file, [("b", b), ("a", a)])
    apiclient.eventually(lambda: "all objects are encrypted as configured" in log())
    encryption_config(file, [("b", b)])
    apiclient.eventually(lambda: log().count("the encryption configuration was replaced") == 2)
    secret(client, "after", "word")
    assert client.get(SECRETS + "/s7").status == 200
    server.stop()
    out = scia("store", "check", "--data", folder / "data", "--encryption-provider-config", file)
    assert "602 encrypted with the key b" in out.replace('"', "") and "intact" in out, out
    server = servers("data", *encryption_config(file, [("b", b)]))
    assert len(apiclient.Client(server.kubeconfig).get(SECRETS).json["items"]) == 602


def refused(folder, *arguments):
    run = subprocess.run([apiclient.server_binary(), "--data", str(folder / "data"), *arguments],
                         capture_output=True, text=True, timeout=20)
    assert run.returncode == 1
    return run.stderr


def test_keys_are_rotated_and_wrong_ones_refused(folder, servers):
    """kubernetes.io/docs/tasks/administer-cluster/encrypt-data, "Rotate a decryption key"."""
    old, new = ("old", os.urandom(32)), ("new", os.urandom(32))
    config = encryption_config(folder / "enc.yaml", [old])
    server = servers("data", *config)
    secret(apiclient.Client(server.kubeconfig), "one", "value-one")
    server.stop()
    assert 'key "old", which is not in the encryption configuration' in refused(
        folder, *encryption_config(folder / "other.yaml", [new]))
    assert 'another key that was called "old"' in refused(
        folder, *encryption_config(folder / "other.yaml", [("old", os.urandom(32))]))
    encryption_config(folder / "enc.yaml", [new, old])
    scia("store", "reencrypt", "--data", folder / "data", *config)
    assert '1 encrypted with the key "new"' in scia("store", "check", "--data", folder / "data", *config)
    encryption_config(folder / "enc.yaml", [new])
    server.start()
    assert apiclient.Client(server.kubeconfig).get(f"{SECRETS}/one").json["data"]


def test_damage_is_named_and_the_start_refused(folder, servers):
    server = servers()
    client = apiclient.Client(server.kubeconfig)
    for name in ("good", "bad"):
        assert client.post(CONFIGMAPS, {"metadata": {"name": name}, "data": {"k": "some-value"}}).status == 201
    server.stop()
    import sqlite3
    db = sqlite3.connect(folder / "data" / "store.db")
    db.execute("UPDATE objects SET text=CAST(replace(CAST(text AS TEXT),'some-value','same-value') AS BLOB) WHERE name='bad'")
    db.commit()
    db.close()
    out = scia("store", "check", "--data", folder / "data", code=6)
    assert "(/configmaps default/bad): its checksum does not match" in out and "1 damages" in out
    assert "/configmaps default/bad) is damaged" in refused(folder)


def test_second_process_is_refused_by_any_path(folder, servers):
    server = servers()
    (folder / "link").symlink_to(folder / "data")
    for path in (folder / "data", folder / "link", folder / "data" / ".." / "link"):
        run = subprocess.run([apiclient.server_binary(), "--data", str(path)], capture_output=True, text=True, timeout=20)
        assert run.returncode == 1
        assert f"in use by another process (pid {server.process.pid})" in run.stderr
    assert "in use by another process" in scia("store", "check", "--data", folder / "link", code=1)
    assert "in use by another process" in scia("store", "reencrypt", "--data", folder / "link", code=1)
    scia("backup", folder / "backup", "--data", folder / "link")
    assert "stop the server first" in scia("restore", folder / "backup", "--data", folder / "link", "--replace", code=1)

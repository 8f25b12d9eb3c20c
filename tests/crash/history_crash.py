#!/usr/bin/env python3
"""Records what many clients do to a few objects, and are told, while the server is killed again and again, and checks the
whole history (linearizability.py).

    history_crash.py [KILLS] [--seed N] [--faults]

Clients contend for the same objects: creates, updates with and without an expected version, deletions, reads, lists.
Watchers follow all of it, resuming after each break. With --faults the server kills itself at a fault point of the store
instead of being killed at a random moment."""
import argparse
import http.client
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import apiclient  # noqa: E402
from linearizability import FOREVER, Event, List, Op, Watch, check_all  # noqa: E402

PATH = "/api/v1/namespaces/default/configmaps"
POINTS = ["store.commit.before-begin", "store.commit.after-write", "store.commit.after-fsync", "store.vfs.wal-sync",
          "store.vfs.torn-write"]
CLIENTS, WATCHERS, KEYS = 6, 3, 6
GONE = (OSError, http.client.HTTPException, ValueError)


KNOWN = {}  # kubeconfig text → client: making one takes longer than many requests


def client_of(server):
    text = pathlib.Path(server.kubeconfig).read_text()
    if text not in KNOWN:
        KNOWN[text] = apiclient.Client(server.kubeconfig)
    return KNOWN[text]


class NotSent(OSError):
    """Nobody was there to take the request: it did not happen."""


def state_of(obj):
    return int(obj["metadata"]["resourceVersion"]), obj["data"]["v"]


class History:
    """What happened; shared by all threads."""

    def __init__(self, seed):
        self.ops, self.lists, self.watches, self.seed = [], [], [], seed
        self.open = []  # operations without an answer, of which the server may still be alive

    def server_is_dead(self):
        """What had no answer cannot happen any more."""
        now = time.monotonic()
        for op in self.open:
            op.returned = now
        self.open.clear()


class Worker(threading.Thread):
    """Goes on over deaths of the server; connected to whichever lives."""

    def __init__(self, history, server, number):
        super().__init__(daemon=True)
        self.history, self.server, self.rng = history, server, random.Random(f"{history.seed}-{type(self).__name__}-{number}")
        self.number, self.stopping, self.problem, self.connection = number, False, None, None
        self.alive = threading.Event()  # the server is

    def call(self, method, path, body=None):
        """One request, never repeated: (status, body)."""
        if not self.connection:
            self.connection = client_of(self.server).connect(20)
            try:
                self.connection.connect()
            except OSError as e:
                self.close()
                raise NotSent() from e
        try:
            self.connection.request(method, path, body=json.dumps(body) if body is not None else None,
                                    headers={"Content-Type": "application/json"})
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())
        except GONE:
            self.close()
            raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def run(self):
        try:
            while not self.stopping:
                self.alive.wait(1)
                try:
                    if self.alive.is_set():
                        self.step()
                except GONE:
                    self.close()
                    time.sleep(0.005)
        except BaseException as e:  # pylint: disable=broad-except
            self.problem = e
            raise


class Client(Worker):
    def step(self):
        key = f"k{self.rng.randrange(KEYS)}"
        known = getattr(self, "known", {})
        self.known = known
        choice = self.rng.random()
        if choice < 0.1:
            return self.list(known)
        if choice < 0.3:
            return self.read(key, known)
        kind = "create" if key not in known else self.rng.choice(["update", "update", "update", "delete"])
        return self.write(kind, key, known)

    def list(self, known):
        called = time.monotonic()
        status, body = self.call("GET", PATH)
        assert status == 200, (status, body)
        items = {o["metadata"]["name"]: state_of(o) for o in body["items"] if o["metadata"]["name"].startswith("k")}
        items.pop("kube-root-ca.crt", None)
        self.history.lists.append(List(called, time.monotonic(), int(body["metadata"]["resourceVersion"]), items))
        known.clear()
        known.update(items)

    def read(self, key, known):
        op = Op("read", key, time.monotonic(), 0, "absent")
        status, body = self.call("GET", f"{PATH}/{key}")
        op.returned = time.monotonic()
        assert status in (200, 404), (status, body)
        known.pop(key, None)
        if status == 200:
            op.outcome = "ok"
            op.version, op.value = known[key] = state_of(body)
        self.history.ops.append(op)

    def write(self, kind, key, known):
        value = None if kind == "delete" else f"{self.number}-{self.rng.getrandbits(48):x}"
        op = Op(kind, key, time.monotonic(), FOREVER, "unknown", value)
        body = {"metadata": {"name": key}, "data": {"v": value, "pad": "x" * self.rng.choice([10, 500, 3000])}}
        if kind == "update" and self.rng.random() < 0.6:
            op.expected = known[key][0]
            body["metadata"]["resourceVersion"] = str(op.expected)
        method, path = {"create": ("POST", PATH), "update": ("PUT", f"{PATH}/{key}"),
                        "delete": ("DELETE", f"{PATH}/{key}")}[kind]
        # Noted before: whatever becomes of it, it may have happened.
        self.history.open.append(op)
        self.history.ops.append(op)
        try:
            status, answer = self.call(method, path, None if kind == "delete" else body)
        except NotSent:
            self.history.open.remove(op)
            self.history.ops.remove(op)
            raise
        except GONE:
            known.pop(key, None)
            raise
        op.returned = time.monotonic()
        self.history.open.remove(op)
        op.outcome = self.outcome(status, answer)
        known.pop(key, None)
        if op.outcome == "ok" and kind != "delete":
            op.version, _ = known[key] = state_of(answer)

    @staticmethod
    def outcome(status, answer):
        if status in (200, 201):
            return "ok"
        reason = answer["reason"]
        assert reason in ("AlreadyExists", "Conflict", "NotFound"), answer
        return {"AlreadyExists": "exists", "Conflict": "conflict", "NotFound": "absent"}[reason]


class Watcher(Worker):
    watch = None

    def step(self):
        if not self.watch:
            status, body = self.call("GET", PATH)
            assert status == 200, body
            items = {o["metadata"]["name"]: state_of(o) for o in body["items"] if "v" in o.get("data", {})}
            self.watch = Watch(int(body["metadata"]["resourceVersion"]), items, [])
            self.history.watches.append(self.watch)
        self.follow(self.watch)

    def follow(self, watch):
        last = watch.events[-1].version if watch.events else watch.start
        connection = client_of(self.server).connect(0.5)
        try:
            connection.request("GET", f"{PATH}?watch=1&resourceVersion={last}&timeoutSeconds=3")
            response = connection.getresponse()
            if response.status == 410:
                self.watch = None
                return
            assert response.status == 200, response.read()
            # Now and then it breaks off and resumes.
            left = self.rng.randrange(1, 400)
            while left > 0 and not self.stopping and (line := response.readline()):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    assert event["object"]["code"] in (410, 504), event
                    self.watch = None
                    return
                if "v" in event["object"].get("data", {}):
                    watch.events.append(Event(event["type"], event["object"]["metadata"]["name"],
                                              *state_of(event["object"])))
                left -= 1
        finally:
            connection.close()


def run_once(server, workers, rng, faults):
    """One life of the server under load, and its death."""
    for w in workers:
        w.alive.set()
    if faults:
        server.process.wait(60)
        server._close()
    else:
        time.sleep(rng.uniform(0.05, 1))
        server.kill()
    for w in workers:
        w.alive.clear()


def crash_loop(kills, seed, faults, say=lambda *_: None):
    """Kills and checks; how many operations were looked at."""
    rng = random.Random(seed)
    server, total = apiclient.Server(), 0
    try:
        # In rounds, so that a history stays short enough to be checked as a whole.
        while kills > 0:
            history = History(rng.random())
            total += round_of(server, history, min(kills, 5), rng, faults)
            kills -= 5
            say(f"{max(kills, 0)} kills to go, {total} operations checked")
    finally:
        server.environment = None
        server.remove()
    return total


def round_of(server, history, kills, rng, faults):
    client = apiclient.Client(server.kubeconfig)
    for name in [o["metadata"]["name"] for o in client.get(PATH).json["items"] if "v" in o.get("data", {})]:
        client.delete(f"{PATH}/{name}")
    workers = [Client(history, server, n) for n in range(CLIENTS)] + [Watcher(history, server, n) for n in range(WATCHERS)]
    for w in workers:
        w.start()
    for _ in range(kills):
        if faults:
            server.stop()
            server.environment = {"SCIA_FAULT": f"{rng.choice(POINTS)}=kill@{rng.randrange(20, 200)}"}
            server.start()
        run_once(server, workers, rng, faults)
        history.server_is_dead()
        server.environment = None
        server.start()
    for w in workers:
        w.alive.set()
    time.sleep(0.3)
    for w in workers:
        w.stopping = True
    for w in workers:
        w.join(30)
        assert not w.is_alive(), "a client hangs"
        assert not w.problem, w.problem
    check_all(history.ops, history.lists, history.watches)
    return len(history.ops) + len(history.lists) + sum(len(w.events) for w in history.watches)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", nargs="?", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    total = crash_loop(options.kills, options.seed, options.faults, lambda text: print(text, flush=True))
    print(f"{options.kills} kills; {total} operations and events agree")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Kills scia-apiserver at random moments under load and checks that nothing it acknowledged is lost.

    apiserver_crash.py [KILLS] [--seed N] [--faults]

Writers create, update and delete objects and note, of every name, the last acknowledged state and what was under way.
After each kill -9 the server is started again on the same folder, and every object must be either in the state last
acknowledged or in the one that was under way; resource versions must never go back, nor be given out twice. With
--faults the server kills itself at the store's fault points instead (a build with -Dfault_points=true)."""
import argparse
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import apiclient  # noqa: E402

PATH = "/api/v1/namespaces/default/configmaps"
POINTS = ["store.commit.before-begin", "store.commit.after-write", "store.commit.after-fsync"]
WRITERS, NAMES = 6, 15


class Writer(threading.Thread):
    """Works on names of its own, so that it knows all there is to know about them."""

    def __init__(self, number, state, kubeconfig, rng):
        super().__init__(daemon=True)
        self.number, self.state, self.rng = number, state, rng
        self.client = apiclient.Client(kubeconfig)
        self.stopping, self.done, self.versions = False, 0, []

    def run(self):
        while not self.stopping:
            name = f"w{self.number}-{self.rng.randrange(NAMES)}"
            known = self.state.setdefault(name, {"value": None, "maybe": None})
            value = f"{self.rng.getrandbits(64):x}"
            try:
                if known["value"] is None:
                    known["maybe"] = ("is", value)
                    answer = self.client.post(PATH, {"metadata": {"name": name}, "data": {"v": value, "pad": "x" * 500}})
                    assert answer.status == 201, answer
                elif self.rng.random() < 0.25:
                    value, known["maybe"] = None, ("is", None)
                    answer = self.client.delete(f"{PATH}/{name}")
                    assert answer.status == 200, answer
                else:
                    known["maybe"] = ("is", value)
                    answer = self.client.patch(f"{PATH}/{name}", {"data": {"v": value}})
                    assert answer.status == 200, answer
            except (OSError, ValueError) as e:  # the server is gone; what was under way may have happened
                del e
                return
            except Exception as e:
                if "http.client" in type(e).__module__:
                    return
                raise
            if value is not None:
                self.versions.append(int(answer.json["metadata"]["resourceVersion"]))
            known["value"], known["maybe"] = value, None
            self.done += 1


def check(client, state):
    """What is there must be what was acknowledged or was under way; what that is, is known from then on."""
    listed = client.get(PATH).json
    there = {o["metadata"]["name"]: o for o in listed["items"]}
    for name, known in state.items():
        value = there[name]["data"]["v"] if name in there else None
        allowed = [known["value"]] + ([known["maybe"][1]] if known["maybe"] else [])
        assert value in allowed, f"{name} is {value}, acknowledged was {known['value']}, under way was {known['maybe']}"
        known["value"], known["maybe"] = value, None
    unknown = set(there) - set(state)
    assert not unknown, f"nobody wrote {unknown}"
    versions = [int(o["metadata"]["resourceVersion"]) for o in there.values()]
    assert len(versions) == len(set(versions)), "a resource version was given out twice"
    return int(listed["metadata"]["resourceVersion"])


def crash_loop(kills, seed, faults):
    rng = random.Random(seed)
    server, state, newest, written = apiclient.Server(), {}, 0, 0
    try:
        for _ in range(kills):
            if faults:
                server.stop()
                server.environment = {"SCIA_FAULT": f"{rng.choice(POINTS)}=kill@{rng.randrange(8, 60)}"}
                server.start()
            writers = [Writer(n, {}, server.kubeconfig, random.Random(rng.random())) for n in range(WRITERS)]
            for w in writers:  # a name belongs to one writer; what earlier ones knew goes on
                w.state = state
                w.start()
            if faults:
                server.process.wait(30)
                server._close()
            else:
                time.sleep(rng.uniform(0.02, 0.35))
                server.kill()
            for w in writers:
                w.stopping = True
                w.join(20)
                assert not w.is_alive()
            acknowledged = max([v for w in writers for v in w.versions], default=0)
            written += sum(w.done for w in writers)
            server.environment = None
            server.start()
            version = check(apiclient.Client(server.kubeconfig), state)
            assert version >= acknowledged and version >= newest, f"the version went back: {version} after {acknowledged}, {newest}"
            newest = version
    finally:
        server.environment = None
        server.remove()
    return written


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", nargs="?", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    written = crash_loop(options.kills, options.seed, options.faults)
    print(f"{options.kills} kills, {written} acknowledged writes, none lost")
    assert written > options.kills, "too few writes to prove anything"


if __name__ == "__main__":
    main()

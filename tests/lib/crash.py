"""Kills `scia up` at random moments while it is told to create, change and delete, and checks afterwards that what was
acknowledged is there, and that every application exists exactly once."""

import http.client
import random
import threading
import time

from scia_testing import Api, ApiError, http_get, processes_below, wait_for

SITES_MAX = 6


class Writer:
    """Creates, changes and deletes objects, and remembers what the server acknowledged. Whatever a call that got no
    answer did is not known: such an object may be as before or as after."""

    def __init__(self, control_plane, name, seed, body, keep):
        self.control_plane, self.prefix, self.body, self.keep = control_plane, name, body, keep
        self.random = random.Random(seed)
        self.known = {}  # name: the value that was acknowledged last, or None for deleted
        self.unknown = {}  # name: what a call without an answer may have made of it
        self.acknowledged, self.counter = 0, 0
        self.running, self.problem = threading.Event(), None
        self.api = None

    def work(self):
        """One life of the control plane: until it is killed or we are told to stop."""
        self.api = Api(self.control_plane.kubeconfig, timeout=10)
        while self.running.is_set():
            try:
                self.step()
            except ApiError as error:
                if error.status not in (404, 409, 429, 503):
                    self.problem = error
                    raise
            except (OSError, http.client.HTTPException):
                break
        self.api.close()

    def step(self):
        living = [n for n, value in self.known.items() if value is not None and n not in self.unknown]
        action = self.random.choice(["create", "create", "change", "change", "delete"])
        if not living or (action == "create" and len(living) < self.keep):
            name, value = f"{self.prefix}-{self.counter}", 0
            self.counter += 1
            call = lambda: self.api.create("deployments", self.body(name))
        elif action == "delete" and len(living) > self.keep // 2:
            name, value = self.random.choice(living), None
            call = lambda: self.api.delete("deployments", name)
        else:
            name = self.random.choice(living)
            value = self.known[name] + 1
            call = lambda: self.api.patch("deployments", name, {"metadata": {"annotations": {"n": str(value)}}})
        self.unknown[name] = value
        call()
        self.known[name] = value
        del self.unknown[name]
        self.acknowledged += 1
        time.sleep(self.random.random() * 0.01)


def value_of(deployment):
    return None if deployment is None or deployment["metadata"].get("deletionTimestamp") else int(
        deployment["metadata"].get("annotations", {}).get("n", 0))


def check_acknowledged(control_plane, writers):
    """Everything that was acknowledged is there; what was not may be either way. Returns how many were looked at."""
    there = {d["metadata"]["name"]: d for d in control_plane.api.list("deployments")}
    for writer in writers:
        for name, value in list(writer.known.items()):
            found = value_of(there.get(name))
            allowed = {value} | ({writer.unknown[name]} if name in writer.unknown else set())
            assert found in allowed, f"{name}: {found} is there, but {allowed} was acknowledged"
        for name, value in list(writer.unknown.items()):
            # Now it is known.
            writer.known[name] = value_of(there.get(name))
            del writer.unknown[name]
        writer.known = {n: v for n, v in writer.known.items() if v is not None}
    expected = {n for w in writers for n in w.known}
    extra = {n for n, d in there.items() if n not in expected and value_of(d) is not None}
    assert not extra, f"nobody made {extra}"
    return len(there)


def shims(control_plane):
    return [c for c in processes_below(control_plane.folder).values() if c.split(" ")[0].endswith("/scia-shim")]


def check_exactly_once(control_plane, names, timeout=60):
    """Of every Deployment that runs something there is one process, it answers, and there is no other process."""
    for name in names:
        control_plane.wait_running(name, timeout=timeout)

    def once():
        found = shims(control_plane)
        count = {name: sum(f"/{name}-app/instances/" in c for c in found) for name in names}
        return len(found) == len(names) and set(count.values()) <= {1}, {"expected": sorted(names), "found": found}
    wait_for("every application exists exactly once", once, 30)
    for name in names:
        url = control_plane.url(name)
        wait_for(f"{url} answers", lambda: (http_get(url)[0] == 200, http_get(url)), 20)


def kill_loop(control_plane, repository, kills, seed, say=lambda *_: None, until=None):
    """Kills `kills` times (or until that time has come); returns what was done, for people."""
    rng = random.Random(seed)
    base = {"apiVersion": "scia.io/v1alpha1", "kind": "Deployment"}

    def none(name):
        return dict(base, metadata={"name": name}, spec={
            "repository": {"url": str(repository)}, "cloudProvider": "nothing"})

    def local(name):
        return dict(base, metadata={"name": name}, spec={
            "repository": {"url": str(repository)}, "strategy": "vm"})

    control_plane.start(stop_applications=False)
    control_plane.api.create("cloudproviders", dict(base, kind="CloudProvider", metadata={"name": "nothing"},
                                                    spec={"type": "none"}))
    writers = [Writer(control_plane, "none-a", seed + 1, none, 30), Writer(control_plane, "none-b", seed + 2, none, 30),
               Writer(control_plane, "site", seed + 3, local, SITES_MAX)]
    starts = []
    done = 0
    while done < kills and (until is None or time.monotonic() < until):
        threads = []
        for writer in writers:
            writer.running.set()
            threads.append(threading.Thread(target=writer.work, daemon=True))
            threads[-1].start()
        # Mostly while everything is under way; sometimes right at the start.
        time.sleep(rng.choice([rng.random() * 0.1, 0.2 + rng.random()]))
        control_plane.kill()
        for writer in writers:
            writer.running.clear()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a request hangs though the server is gone"
        for writer in writers:
            assert writer.problem is None, f"{writer.problem}\n{control_plane.log_tail()}"
        started = time.monotonic()
        control_plane.start(stop_applications=False)
        starts.append(time.monotonic() - started)
        count = check_acknowledged(control_plane, writers)
        done += 1
        say(f"kill {done}: {sum(w.acknowledged for w in writers)} writes acknowledged, {count} Deployments there, "
            f"ready again after {starts[-1] * 1000:.0f} ms")
        if done % 25 == 0:
            check_exactly_once(control_plane, sorted(writers[2].known))
    check_exactly_once(control_plane, sorted(writers[2].known))
    for writer in writers[:2]:
        for name in writer.known:
            control_plane.wait_running(name, timeout=60)
    left = leftovers(control_plane, {n for w in writers for n in w.known})
    assert not left, f"things of Deployments that are gone: {left}"
    return {"kills": done, "acknowledged": sum(w.acknowledged for w in writers), "slowest start": max(starts)}


def leftovers(control_plane, names):
    """Objects and folders that belong to no Deployment any more."""
    def look():
        found = []
        for plural in ("deploymentrevisions", "infrastructures", "processes", "nopresources"):
            for o in control_plane.api.list(plural):
                owner = o["metadata"].get("labels", {}).get("scia.io/deployment")
                if owner not in names:
                    found.append(f"{plural}/{o['metadata']['name']}")
        for folder in (control_plane.data / "local/apps").glob("*/*"):
            if folder.name.removesuffix("-app") not in names:
                found.append(str(folder))
        return found
    deadline = time.monotonic() + 60
    found = look()
    while found and time.monotonic() < deadline:
        time.sleep(0.5)
        found = look()
    return found

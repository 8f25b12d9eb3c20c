#!/usr/bin/env python3
"""Measures the embedded control plane: start, memory, convergence, time to a served request.

    ./dev bench control_plane [start|memory|converge|deploy]... [--peer-kubeconfig FILE]

Prints one line a figure: name, value, goal. Figures are medians where a run is short. With --peer-kubeconfig the
creation of objects is also measured against another Kubernetes API (it needs SCIA's CRDs), and the ratio is printed.
The machine's other work disturbs all of it: run it twice, and quote medians and ratios.
"""
import argparse
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCIA = pathlib.Path(os.environ.get("SCIA_BUILD", ROOT / "build/release")) / "src/scia"
WORKERS = 8


def figure(name, value, unit, goal=None):
    print(f"  {name:<58} {value:>10.1f} {unit:<4}" + (f" (goal {goal} {unit})" if goal is not None else ""), flush=True)


class Api:
    """A Kubernetes API by kubeconfig; one kept connection a thread."""

    def __init__(self, kubeconfig):
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url = urllib.parse.urlparse(cluster["server"])
        self.headers = {"Content-Type": "application/json"}
        self.context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as pem:
                pem.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
                pem.flush()
                self.context.load_cert_chain(pem.name)
        if "token" in user:
            self.headers["Authorization"] = "Bearer " + user["token"]
        self.local = threading.local()

    def call(self, method, path, body=None):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.context, timeout=60)
            self.local.connection = connection
        connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        response = connection.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {data[:300]!r}")
        return json.loads(data)


class ControlPlane:
    def __init__(self, *options):
        self.data = tempfile.mkdtemp(prefix="scia-bench-")
        self.log = open(os.path.join(self.data, "log"), "wb")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [SCIA, "up", "--data", self.data + "/data", "--allow-local-repositories", "--stop-applications", *options],
            stdout=self.log, stderr=self.log)
        self.kubeconfig = self.data + "/data/kubeconfig"
        self.wait_ready()
        self.ready_ms = (time.monotonic() - self.started) * 1000

    def wait_ready(self):
        while time.monotonic() - self.started < 30:
            if b"ready after" in pathlib.Path(self.log.name).read_bytes():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.001)
        raise RuntimeError("scia up did not get ready: " + pathlib.Path(self.log.name).read_text())

    def rss_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024

    def scia(self, *arguments):
        return subprocess.run([SCIA, *arguments], env={**os.environ, "KUBECONFIG": self.kubeconfig}, check=True,
                              capture_output=True, text=True).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)


def deployment(name, repository, provider="none", **annotations):
    return {
        "apiVersion": "scia.io/v1alpha1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"repository": {"url": repository}, "cloudProvider": provider, "prompt": "two replicas, cheap"},
    }


DEPLOYMENTS = "/apis/scia.io/v1alpha1/namespaces/default/deployments"


def create_all(api, objects, path=DEPLOYMENTS):
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda o: api.call("POST", path, o), objects):
            pass
    return time.monotonic() - begin


def make_repository(folder, example):
    target = os.path.join(folder, "repo-" + example)
    shutil.copytree(ROOT / "examples" / example, target)
    git = ["git", "-C", target, "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "bench"], check=True)
    return target


def add_none_provider(api):
    api.call("POST", "/apis/scia.io/v1alpha1/namespaces/default/cloudproviders", {
        "apiVersion": "scia.io/v1alpha1", "kind": "CloudProvider", "metadata": {"name": "none"}, "spec": {"type": "none"}})


def bench_start(_):
    times = []
    for _ in range(7):
        with ControlPlane() as plane:
            times.append(plane.ready_ms)
    figure("scia up to ready, empty data folder (median of 7)", statistics.median(times), "ms", 100)


def bench_memory(options):
    with ControlPlane() as plane:
        time.sleep(3)
        figure("resident memory, idle", plane.rss_mb(), "MB", 30)
        api = Api(plane.kubeconfig)
        objects = [deployment(f"d{i}", "https://example.org/none.git", **{"scia.io/paused": "true"}) for i in range(10000)]
        seconds = create_all(api, objects)
        figure(f"creates a second ({WORKERS} Python connections)", len(objects) / seconds, "/s")
        time.sleep(3)
        figure("resident memory, 10,000 Deployments", plane.rss_mb(), "MB", 120)
    if options.peer_kubeconfig:
        peer = create_all(Api(options.peer_kubeconfig), objects[:1000])
        figure("the peer's creates a second", 1000 / peer, "/s")
        figure("ratio", (len(objects) / seconds) / (1000 / peer), "x")


def bench_converge(_):
    count = 1000
    with ControlPlane() as plane, tempfile.TemporaryDirectory() as folder:
        repository = make_repository(folder, "static-site")
        api = Api(plane.kubeconfig)
        add_none_provider(api)
        begin = time.monotonic()
        create_all(api, [deployment(f"d{i}", repository) for i in range(count)])
        peak = plane.rss_mb()
        while True:
            items = api.call("GET", DEPLOYMENTS + "?resourceVersion=0")["items"]
            running = sum(item.get("status", {}).get("phase") == "Running" for item in items)
            peak = max(peak, plane.rss_mb())
            if running == count or time.monotonic() - begin > 300:
                break
            time.sleep(0.2)
        figure(f"{count} Deployments on provider none, {running} running", time.monotonic() - begin, "s", 15)
        figure("resident memory meanwhile (highest seen)", peak, "MB", 150)


def served_after(plane, name, manifest):
    begin = time.monotonic()
    plane_api = Api(plane.kubeconfig)
    plane_api.call("POST", DEPLOYMENTS, manifest)
    while time.monotonic() - begin < 120:
        status = plane_api.call("GET", f"{DEPLOYMENTS}/{name}").get("status", {})
        endpoints = status.get("endpoints")
        if status.get("phase") == "Running" and endpoints:
            url = urllib.parse.urlparse(endpoints[0]["url"])
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return time.monotonic() - begin
        time.sleep(0.01)
    raise RuntimeError(f"{name} was not served within 120 s: {status.get('rootCause')}")


def bench_deploy(_):
    with ControlPlane() as plane, tempfile.TemporaryDirectory() as folder:
        site, express = make_repository(folder, "static-site"), make_repository(folder, "express")
        times = [served_after(plane, f"site{i}", deployment(f"site{i}", site, "local")) for i in range(5)]
        figure("apply to served request, static site (median of 5)", statistics.median(times), "s", 1)
        if not shutil.which("npm"):
            print("  express: npm is not installed")
            return
        try:
            first = served_after(plane, "express", deployment("express", express, "local"))
        except RuntimeError as error:
            print(f"  express: {error}")
            return
        figure("apply to served request, Express, nothing cached", first, "s")
        again = [served_after(plane, f"express{i}", deployment(f"express{i}", express, "local")) for i in range(3)]
        figure("apply to served request, Express, dependencies cached (median of 3)", statistics.median(again), "s", 5)


BENCHES = {"start": bench_start, "memory": bench_memory, "converge": bench_converge, "deploy": bench_deploy}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help=", ".join(BENCHES))
    parser.add_argument("--peer-kubeconfig")
    options = parser.parse_args()
    for name in options.names or BENCHES:
        if name not in BENCHES:
            parser.error(f"there is no bench {name}: {', '.join(BENCHES)}")
        print(name)
        BENCHES[name](options)


main()

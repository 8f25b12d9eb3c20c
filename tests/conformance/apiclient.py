"""A Kubernetes API over plain HTTP: what clients do, without a client library in between that would hide the wire."""
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = float(os.environ.get("SCIA_TEST_PATIENCE", "2"))  # for slow builds


def server_binary():
    build = os.environ.get("SCIA_BUILD", str(ROOT / "build" / "debug"))
    return os.environ.get("SCIA_APISERVER", f"{build}/tests/scia-apiserver")


class Server:
    """scia-apiserver on a folder of its own."""

    def __init__(self, data=None, arguments=(), environment=None):
        self.own = data is None
        self.data = data or tempfile.mkdtemp(prefix="scia-conformance-")
        self.arguments, self.environment, self.process = list(arguments), environment, None
        self.start()

    def start(self):
        self.log = open(os.environ.get("SCIA_LOG") or os.path.join(self.data, "log"), "ab")
        self.process = subprocess.Popen(
            [server_binary(), "--data", self.data, *self.arguments], stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **(self.environment or {})})
        self.kubeconfig = self.process.stdout.readline().decode().strip()
        if not self.kubeconfig:
            raise RuntimeError("scia-apiserver did not start: " + pathlib.Path(self.data, "log").read_text()[-2000:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20 * PATIENCE)
        self._close()
        return code

    def _close(self):
        self.process.stdout.close()
        self.log.close()

    def remove(self):
        if self.process.poll() is None:
            self.stop()
        if self.own:
            shutil.rmtree(self.data, ignore_errors=True)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def warnings(self):
        return [v for k, v in self.headers if k.lower() == "warning"]

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


class Client:
    """One kept connection, with the administrator's certificate unless told otherwise."""

    def __init__(self, kubeconfig, certificate=True, token=None):
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url = urllib.parse.urlparse(cluster["server"])
        self.context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        self.token = token
        self.kinds = {}
        if certificate:
            with tempfile.NamedTemporaryFile("wb") as pem:
                pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
                pem.flush()
                self.context.load_cert_chain(pem.name)
        self.connection = None

    def connect(self, timeout=30):
        return http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.context, timeout=timeout)

    def request(self, method, path, body=None, headers=None, raw=False, **query):
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None and not raw:
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if query:
            path += ("&" if "?" in path else "?") + urllib.parse.urlencode(query)
        for attempt in (1, 2):
            self.connection = self.connection or self.connect()
            try:
                self.connection.request(method, path, body=body, headers=headers)
                response = self.connection.getresponse()
                return Answer(response.status, response.getheaders(), response.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection.close()
                self.connection = None
                if attempt == 2:
                    raise

    def says_what_it_is(self, path, body):
        """A custom resource as clients send it: with its apiVersion and kind, which discovery tells."""
        parts = re.match(r"/apis/(?P<group>[^/]+)/(?P<version>[^/]+)/(namespaces/[^/]+/)?(?P<plural>[^/?]+)", path)
        custom = parts and "." in parts["group"] and not parts["group"].endswith(".k8s.io")
        if not custom or not isinstance(body, dict) or body.get("kind") or re.search(r"/scale(\?|$)", path):
            return body
        group_version = f"{parts['group']}/{parts['version']}"
        if (group_version, parts["plural"]) not in self.kinds:
            found = self.get(f"/apis/{group_version}")
            for resource in found.json.get("resources", []) if found.status == 200 else []:
                self.kinds[group_version, resource["name"]] = resource["kind"]
        kind = self.kinds.get((group_version, parts["plural"]))
        return {"apiVersion": group_version, "kind": kind, **body} if kind else body

    def get(self, path, **query):
        return self.request("GET", path, **query)

    def post(self, path, body, **query):
        return self.request("POST", path, self.says_what_it_is(path, body), **query)

    def put(self, path, body, **query):
        return self.request("PUT", path, self.says_what_it_is(path, body), **query)

    def delete(self, path, body=None, **query):
        return self.request("DELETE", path, body, **query)

    def patch(self, path, body, kind="merge", **query):
        types = {"merge": "application/merge-patch+json", "json": "application/json-patch+json",
                 "strategic": "application/strategic-merge-patch+json", "apply": "application/apply-patch+yaml"}
        return self.request("PATCH", path, body, headers={"Content-Type": types[kind]}, **query)

    def watch(self, path, timeout=10, headers=None, **query):
        """Yields events until the server ends the watch or nothing came for timeout seconds."""
        connection = self.connect(timeout)
        query = {"watch": "true", **query}
        connection.request("GET", path + "?" + urllib.parse.urlencode(query), headers=headers or {})
        response = connection.getresponse()
        try:
            if response.status != 200:
                raise RuntimeError(f"watch: {response.status} {response.read()!r}")
            while line := response.readline():
                yield json.loads(line)
        finally:
            connection.close()


def eventually(check, timeout=10):
    """The first true value of check() within so many seconds."""
    end = time.monotonic() + timeout * PATIENCE
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"it did not come true within {timeout} s; last: {value!r}")
        time.sleep(0.02)

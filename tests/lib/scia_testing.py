"""What the end-to-end, crash, soak and documentation tests share: a control plane to start, kill and ask, git
repositories to deploy, and ways to wait that say what was seen last."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SCIA_BUILD", ROOT / "build/debug"))
CACHE = pathlib.Path(os.environ.get("SCIA_CACHE", ROOT / ".cache"))
SCIA = BUILD / "src/scia"
KUBECTLS = {"debian": CACHE / "kubectl-debian/kubectl", "current": CACHE / "kubectl-current/kubectl"}

DEPLOYMENTS = "/apis/scia.io/v1alpha1/namespaces/{ns}/deployments"
TYPES = {
    "deployments": "/apis/scia.io/v1alpha1",
    "deploymentrevisions": "/apis/scia.io/v1alpha1",
    "infrastructures": "/apis/scia.io/v1alpha1",
    "cloudproviders": "/apis/scia.io/v1alpha1",
    "processes": "/apis/local.scia.io/v1alpha1",
    "nopresources": "/apis/nop.scia.io/v1alpha1",
    "events": "/api/v1",
    "secrets": "/api/v1",
    "configmaps": "/api/v1",
}

# The machine may be busy with a build: limits are for "never", not for "slowly".
PATIENCE = float(os.environ.get("SCIA_TEST_PATIENCE", "2"))


def wait_for(what, check, timeout=20.0, every=0.05):
    """Calls check() until it returns something true, and returns that. It may return (False, what was seen) or raise
    AssertionError meanwhile; both are told when time is up."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        try:
            result = check()
        except AssertionError as error:
            result = (False, str(error))
        seen = result
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], bool):
            result, seen = result
            if result:
                return seen
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout * PATIENCE:.0f} s for: {what}\nlast seen: {describe(seen)}")
        time.sleep(every)


def describe(thing):
    if isinstance(thing, dict) and "metadata" in thing:
        thing = summary(thing)
    if isinstance(thing, (dict, list)):
        return yaml.safe_dump(thing, sort_keys=False)[:6000]
    return thing


class ApiError(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body
        message = body.get("message") if isinstance(body, dict) else body
        super().__init__(f"HTTP {status}: {message}")


class Api:
    """The API as plain HTTP: quick, and nothing between the test and what the server says."""

    def __init__(self, kubeconfig, timeout=20):
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        url = urllib.parse.urlsplit(cluster["server"])
        self.host, self.port, self.timeout = url.hostname, url.port, timeout
        ca = cluster.get("certificate-authority-data")
        self.context = ssl.create_default_context(
            cadata=base64.b64decode(ca).decode() if ca else None, cafile=cluster.get("certificate-authority"))
        self.headers = {}
        if "token" in user:
            self.headers["Authorization"] = "Bearer " + user["token"]
        if "client-certificate-data" in user:
            self._load_certificate(user)
        self.connection = None

    def _load_certificate(self, user):
        # The module only takes files.
        with tempfile.NamedTemporaryFile(prefix="scia-client-") as file:
            file.write(base64.b64decode(user["client-certificate-data"]) + b"\n" +
                       base64.b64decode(user["client-key-data"]))
            file.flush()
            self.context.load_cert_chain(file.name)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def call(self, method, path, body=None, content_type="application/json"):
        data = json.dumps(body).encode() if body is not None else None
        headers = dict(self.headers, Accept="application/json")
        if data is not None:
            headers["Content-Type"] = content_type
        fresh = self.connection is None
        try:
            return self._once(method, path, data, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # A kept connection may have been closed while idle; only what is safe to repeat is repeated.
            self.close()
            if fresh or method != "GET":
                raise
            return self._once(method, path, data, headers)
        except OSError:
            self.close()
            raise

    def _once(self, method, path, data, headers):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(self.host, self.port, context=self.context,
                                                          timeout=self.timeout)
        try:
            self.connection.request(method, path, data, headers)
            response = self.connection.getresponse()
            text = response.read()
        except BaseException:
            self.close()
            raise
        try:
            parsed = json.loads(text) if text else {}
        except ValueError:
            parsed = text.decode(errors="replace")
        if response.status >= 400:
            raise ApiError(response.status, parsed)
        return parsed

    @staticmethod
    def path(plural, name=None, ns="default", query=""):
        path = f"{TYPES[plural]}/namespaces/{ns}/{plural}"
        return path + (f"/{name}" if name else "") + query

    def get(self, plural, name, ns="default"):
        """The object, or None."""
        try:
            return self.call("GET", self.path(plural, name, ns))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, plural, ns="default", query=""):
        return self.call("GET", self.path(plural, None, ns, query))["items"]

    def create(self, plural, body, ns="default"):
        return self.call("POST", self.path(plural, None, ns), body)

    def patch(self, plural, name, body, ns="default"):
        return self.call("PATCH", self.path(plural, name, ns), body, "application/merge-patch+json")

    def delete(self, plural, name, ns="default"):
        try:
            return self.call("DELETE", self.path(plural, name, ns))
        except ApiError as error:
            if error.status != 404:
                raise

    def events(self, name, reason=None, kind="Deployment", ns="default"):
        found = [e for e in self.list("events", ns)
                 if e["involvedObject"]["name"] == name and e["involvedObject"]["kind"] == kind]
        return [e for e in found if reason in (None, e["reason"])]

    def wait_event(self, name, reason, **where):
        """Events are written by a thread of their own: they come soon after what they tell of."""
        return wait_for(f"an event {reason} of {name}", lambda: self.events(name, reason, **where))


class ControlPlane:
    """`scia up` with a data folder of its own."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.log_path = self.folder / "scia.log"
        self.options = options
        self.process = None
        self._api = None

    @property
    def kubeconfig(self):
        return self.data / "kubeconfig"

    @property
    def api(self):
        if self._api is None:
            self._api = Api(self.kubeconfig)
        return self._api

    def start(self, stop_applications=True):
        self.launch(stop_applications)
        try:
            wait_for("scia up says it is ready", self.is_ready, 30, every=0.01)
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}\nits log:\n{self.log_tail()}") from None
        return self

    def launch(self, stop_applications=True, **environment):
        """Starts it and does not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(SCIA), "up", "--data", str(self.data), "--allow-local-repositories", "--log-format", "human"]
        if stop_applications:
            command.append("--stop-applications")
        self._log_offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            # A session of its own, so that a Ctrl-C at the tests' terminal reaches us first.
            self.process = subprocess.Popen(command + list(self.options), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True, env=os.environ | environment)
        self.reconnect()

    def reconnect(self):
        if self._api:
            self._api.close()
        self._api = None

    def is_ready(self):
        code = self.process.poll()
        with open(self.log_path, "rb") as log:
            log.seek(self._log_offset)
            text = log.read().decode(errors="replace")
        if code is not None:
            raise RuntimeError(f"scia up ended with {code}:\n{text[-4000:]}")
        return "ready after" in text

    def stop(self, timeout=40):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"scia up did not end within {timeout} s of SIGTERM") from None
        self.reconnect()
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reconnect()

    def log_tail(self, lines=60):
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    # ---- programs that talk to it ----

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "TMPDIR", "LANG")}
        return dict(keep, HOME=str(self.folder), KUBECONFIG=str(self.kubeconfig), TERM="dumb", **more)

    def cli(self, *arguments, check=True, timeout=90, text=None, **environment):
        """Runs `scia ARGUMENTS`; the finished process, with stdout and stderr as text."""
        return run([str(SCIA), *map(str, arguments)], self.environment(**environment), check, timeout, text)

    def kubectl(self, *arguments, version="current", check=True, timeout=90, text=None):
        program = kubectl_program(version)
        return run([str(program), *map(str, arguments)], self.environment(), check, timeout, text)

    # ---- Deployments ----

    def deploy(self, name, repository, ns="default", **spec):
        body = {"apiVersion": "scia.io/v1alpha1", "kind": "Deployment", "metadata": {"name": name, "namespace": ns},
                "spec": dict({"repository": {"url": str(repository)}}, **spec)}
        return self.api.create("deployments", body, ns)

    def deployment(self, name, ns="default"):
        return self.api.get("deployments", name, ns)

    def wait_phase(self, name, *phases, timeout=40, ns="default", where=lambda d: True):
        """Waits until the Deployment's status is about its present spec and has one of the phases."""
        def check():
            d = self.deployment(name, ns)
            status = (d or {}).get("status", {})
            current = d and status.get("observedGeneration") == d["metadata"]["generation"]
            return bool(current and status.get("phase") in phases and where(d)), d if current else summary(d)
        return wait_for(f"Deployment {name} is {' or '.join(phases)}", check, timeout)

    def wait_running(self, name, timeout=60, ns="default", revision=None):
        return self.wait_phase(name, "Running", timeout=timeout, ns=ns,
                               where=lambda d: revision is None or d["status"].get("currentRevision") == revision)

    def url(self, name, ns="default"):
        return self.deployment(name, ns)["status"]["endpoints"][0]["url"]

    def process_of(self, name, ns="default"):
        found = [p for p in self.api.list("processes", ns)
                 if p["metadata"].get("labels", {}).get("scia.io/deployment") == name]
        return found[0] if found else None

    def shim_pids(self, name, ns="default"):
        return [p["pid"] for p in self.process_of(name, ns)["status"]["processes"]]

    def delete(self, name, ns="default", timeout=40):
        self.api.delete("deployments", name, ns)
        wait_for(f"Deployment {name} is gone", lambda: (not self.deployment(name, ns), self.deployment(name, ns)),
                 timeout)


def summary(d):
    return d if d is None else {"metadata": {k: d["metadata"].get(k) for k in ("name", "generation")},
                                "status": d.get("status")}


def run(command, environment, check=True, timeout=90, text=None, cwd=None):
    result = subprocess.run(command, env=environment, input=text, capture_output=True, text=True, timeout=timeout,
                            cwd=cwd, errors="replace", stdin=subprocess.DEVNULL if text is None else None)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\nended with {result.returncode}\nstdout: {result.stdout[-3000:]}\n"
                             f"stderr: {result.stderr[-3000:]}")
    return result


def kubectl_program(version):
    program = KUBECTLS[version]
    if not program.exists():
        import pytest
        pytest.skip(f"{program} is not there: `./dev deps` could not unpack kubectl ({version})")
    return program


# ---- repositories ----

class Repository:
    """A git repository on this machine."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def __str__(self):
        return str(self.folder)

    def git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1",
                       "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.com",
                       "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.com"}
        return run(["git", "-C", str(self.folder), *arguments], environment).stdout.strip()

    def commit(self, files, message="change"):
        """Writes files {path: text} (None removes one) and commits; the commit's id."""
        for path, content in files.items():
            file = self.folder / path
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def example(name, folder):
    """A repository made of examples/NAME."""
    shutil.copytree(ROOT / "examples" / name, folder)
    repository = Repository(folder)
    repository.commit({}, f"The {name} example")
    return repository


def example_manifest(name, repository):
    return (ROOT / "examples" / name / "deployment.yaml").read_text().replace("${REPOSITORY}", str(repository))


# A web application that tells which start of which version answers. Python's own modules only, so nothing is installed.
WEB_APP = '''\
import http.server, os, signal, sys, time, uuid

VERSION = "1"
HEALTH = 200
TOKEN = uuid.uuid4().hex


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/exit"):
            print("asked to exit", flush=True)
            os._exit(int(self.path[5:] or 1))
        body = (f"{VERSION} {TOKEN} {os.environ.get('GREETING', '')}\\n").encode()
        self.send_response(HEALTH if self.path == "/healthz" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


print(f"version {VERSION} starts on {os.environ['PORT']}", flush=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
'''


def web_app(version="1", health=200):
    return {"app.py": WEB_APP.replace('VERSION = "1"', f'VERSION = "{version}"').replace("HEALTH = 200",
                                                                                         f"HEALTH = {health}"),
            "Procfile": "web: python3 app.py\n"}


# How the tests run it: looked at often, so that they need not wait long.
WEB_SPEC = {"healthCheck": {"path": "/healthz", "periodSeconds": 1, "failureThreshold": 2}}


# ---- asking what runs ----

def http_get(url, timeout=10):
    """(status, body as text) of a GET; status 0 when there is no answer."""
    return http_send("GET", url, timeout)


def http_send(method, url, timeout=10):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path or "/", headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


def children(pid):
    try:
        return [int(p) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for p in (task / "children").read_text().split()]
    except OSError:
        return []


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def application_pids(shim):
    """The processes below a shim that are the application's own: neither bubblewrap's nor a shell's."""
    return [p for p in descendants(shim) if comm(p) not in ("bwrap", "sh", "scia-shim", "")]


def processes_below(folder):
    """{pid: command} of processes whose command line or mounts name the folder: control planes, shims, sandboxes and
    what runs in them."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            program = command.split(" ")[0].rsplit("/", 1)[-1]
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state == "Z" or program in ("git", "kubectl"):
                continue
            if str(folder) in command or str(folder) in (entry / "mountinfo").read_text():
                found[int(entry.name)] = command[:300]
    return found


def is_listening(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def sandbox_problem():
    """Why bubblewrap cannot work here, or None."""
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    result = subprocess.run(["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"],
                            capture_output=True, text=True)
    return None if result.returncode == 0 else f"bubblewrap does not work here: {result.stderr.strip()}"


if __name__ == "__main__":
    sys.exit("this is a module of the tests")

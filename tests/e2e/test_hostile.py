"""Repositories and programs that mean no good."""

import os
import pathlib
import time

import pytest

from scia_testing import ControlPlane, comm, http_get, processes_below, wait_for, web_app, WEB_SPEC

MARKER = "SCIA_TEST_OWNED"


def refusal(control_plane, url, **repository):
    name = "hostile"
    control_plane.api.create("deployments", {
        "apiVersion": "scia.io/v1alpha1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"repository": dict(url=url, **repository)}})
    try:
        d = control_plane.wait_phase(name, "Failed", timeout=20)
        return d["status"]["rootCause"]["message"]
    finally:
        control_plane.delete(name)


@pytest.mark.parametrize("url, says", [
    ("--upload-pack=touch${IFS}OWNED", "--upload-pack"),
    ("-oProxyCommand=touch OWNED", "-oProxyCommand"),
    ("ext::sh -c touch% OWNED", "ext"),
    ("ssh://-oProxyCommand=touch/x", "ssh://-oProxyCommand"),
    ("fd::17/foo", "fd"),
    ("http://[::1", "http://[::1"),
    ("ftp://example.com/x.git", "ftp"),
    ("https://user:secretpassword@example.invalid/x.git", "credentials"),
])
def test_hostile_url_is_refused_with_a_reason(control_plane, url, says, session_folder):
    marker = session_folder / MARKER
    message = refusal(control_plane, url.replace("OWNED", str(marker)))
    assert says.lower() in message.lower() or "password" in message.lower(), message
    assert "secretpassword" not in message
    assert not marker.exists()
    assert not pathlib.Path("OWNED").exists()


@pytest.mark.parametrize("ref", ["--upload-pack=x", "-x", "a..b", "main;touch x", "refs/heads/x\ny", "@{-1}"])
def test_hostile_ref_is_refused(control_plane, repositories, ref):
    repository = repositories(f"ref{abs(hash(ref))}", {"index.html": "x"})
    message = refusal(control_plane, str(repository), ref=ref)
    assert "ref" in message.lower(), message


@pytest.mark.parametrize("path", ["../..", "/etc", "a/../../b", "link"])
def test_path_cannot_leave_the_repository(control_plane, repositories, path):
    repository = repositories(f"path{abs(hash(path))}", {"index.html": "x"})
    (repository.folder / "link").symlink_to("/etc")
    repository.commit({})
    refusal(control_plane, str(repository), path=path)


def test_local_repositories_are_refused_unless_allowed(session_folder, repositories):
    repository = repositories("local", {"index.html": "x"})
    control_plane = ControlPlane(session_folder / "no-local")
    control_plane.start = _start_without_local(control_plane)
    control_plane.start()
    try:
        for url in (str(repository), f"file://{repository}"):
            message = refusal(control_plane, url)
            assert "--allow-local-repositories" in message or "not allowed" in message, message
    finally:
        assert control_plane.stop() == 0


def _start_without_local(control_plane):
    """scia up as a machine for several users would start it."""
    import subprocess
    import scia_testing

    def start():
        control_plane.folder.mkdir(parents=True)
        with open(control_plane.log_path, "ab") as log:
            control_plane.process = subprocess.Popen(
                [str(scia_testing.SCIA), "up", "--data", str(control_plane.data), "--log-format", "human"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_for("scia up is ready", lambda: "ready after" in control_plane.log_tail(), 30)
    return start


def test_symbolic_link_in_a_site_serves_nothing_else(control_plane, repositories, sandbox):
    repository = repositories("linked", {"index.html": "fine"})
    (repository.folder / "passwd.txt").symlink_to("/etc/passwd")
    (repository.folder / "up").symlink_to("..")
    repository.commit({})
    control_plane.deploy("linked", repository)
    control_plane.wait_running("linked")
    url = control_plane.url("linked")
    assert http_get(url) == (200, "fine")
    for path in ("passwd.txt", "up/", "../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", ".git/HEAD"):
        status, body = http_get(url + path)
        assert status in (400, 404), (path, status, body)
    control_plane.delete("linked")


def test_hooks_of_a_repository_do_not_run(control_plane, repositories, session_folder, sandbox):
    marker = session_folder / (MARKER + "-hook")
    repository = repositories("hooked", web_app())
    for hook in ("post-checkout", "post-update", "pre-receive"):
        file = repository.folder / ".git/hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {marker}\n")
        file.chmod(0o755)
    control_plane.deploy("hooked", repository, **WEB_SPEC)
    control_plane.wait_running("hooked")
    assert not marker.exists()
    control_plane.delete("hooked")


def test_program_sees_nothing_of_the_machine(control_plane, deployed, sandbox):
    deployed("spy", {
        "app.py": "import http.server, os\n"
                  "def look(p):\n"
                  "    try: return repr(sorted(os.listdir(p)))\n"
                  "    except OSError as e: return type(e).__name__\n"
                  "def write(p):\n"
                  "    try: open(p, 'w').write('x'); return 'WROTE'\n"
                  "    except OSError as e: return type(e).__name__\n"
                  "report = '\\n'.join(f'{p}={look(p)}' for p in ('/root', '/home', '/work', '/var/lib', '/tmp', '/etc/shadow')) + '\\n'\n"
                  "report += '\\n'.join(f'{p}={write(p)}' for p in ('/usr/x', '/etc/x', '/opt/x', '/app/own', '/tmp/own')) + '\\n'\n"
                  "report += f'uid={os.getuid()} pids={len([p for p in os.listdir(\"/proc\") if p.isdigit()])} env={sorted(os.environ)}\\n'\n"
                  "class H(http.server.BaseHTTPRequestHandler):\n"
                  "    def do_GET(self):\n"
                  "        self.send_response(200); self.end_headers(); self.wfile.write(report.encode())\n"
                  "http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n",
        "Procfile": "web: python3 app.py\n"}, healthCheck={"path": "/"})
    report = http_get(control_plane.url("spy"))[1]
    lines = dict(line.split("=", 1) for line in report.splitlines() if line.startswith("/"))
    assert lines["/root"] in ("FileNotFoundError", "PermissionError"), report
    assert lines["/home"] == "['app']"
    assert lines["/work"] == "FileNotFoundError"
    assert lines["/tmp"] == "[]"
    for path in ("/usr/x", "/etc/x", "/opt/x"):
        assert lines[path] != "WROTE", report
    assert lines["/app/own"] == "WROTE" and lines["/tmp/own"] == "WROTE"
    assert "uid=0" not in report
    assert int(report.split("pids=")[1].split(" ")[0]) < 8, "it sees its own processes only"
    for secret in ("KUBECONFIG", "SSH_AUTH_SOCK"):
        assert secret not in report


def test_fork_bomb_harms_only_itself(control_plane, deployed, sandbox):
    deployed("bystander")
    deployed("bomb", {"app.py": "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n"
                                "        time.sleep(0.05)\n", "Procfile": "web: python3 app.py\n"}, wait=False,
             resources={"cpu": "200m", "memory": "256Mi"})
    wait_for("it is started", lambda: (control_plane.process_of("bomb") or {}).get("status", {}).get("processes"), 30)

    # By name only: reading more about a process waits for it, and these share a fifth of a processor.
    def forks():
        return sum(p.name.isdigit() and comm(p.name) == "python3" for p in pathlib.Path("/proc").iterdir())
    wait_for("it forks", lambda: (forks() > 50, str(forks())), 30, every=0.5)
    time.sleep(1)
    assert forks() < 1100, "the number of its processes is limited"
    started = time.monotonic()
    assert http_get(control_plane.url("bystander"))[0] == 200
    assert control_plane.cli("get").returncode == 0
    assert time.monotonic() - started < 10
    control_plane.delete("bomb", timeout=60)
    wait_for("every one of its processes is gone", lambda: (
        not [c for c in processes_below(control_plane.folder).values() if "bomb" in c],
        [c for c in processes_below(control_plane.folder).values() if "bomb" in c][:3]), 20)


def test_program_that_prints_200_megabytes(control_plane, deployed, sandbox):
    files = web_app()
    files["app.py"] = ("import sys\nline = 'x' * 1023 + '\\n'\nfor n in range(200 * 1024):\n    sys.stdout.write(line)\n"
                       "print('last words', flush=True)\n") + files["app.py"]
    deployed("flood", files, wait=False)
    control_plane.wait_running("flood", timeout=60)
    folder = control_plane.data / "local/apps/default/flood-app"
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    assert size < 40 * 1024 * 1024, f"its log is rotated, but {size} bytes are kept"
    tail = control_plane.cli("logs", "flood", "--tail", "3").stdout
    assert "last words" in tail and "version 1 starts" in tail
    assert len(tail.splitlines()) == 3


def test_program_that_ignores_port(control_plane, deployed, sandbox):
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    app = web_app()["app.py"].replace('int(os.environ["PORT"])', str(port))
    assert str(port) in app
    deployed("stubborn", {"app.py": app, "Procfile": "web: python3 app.py\n"})
    assert http_get(control_plane.url("stubborn"))[0] == 200
    assert control_plane.process_of("stubborn")["status"]["processes"][0]["port"] == port


def test_program_that_ignores_sigterm_is_ended(control_plane, deployed, sandbox):
    files = web_app()
    files["app.py"] = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + files["app.py"]
    deployed("deaf", files)
    pid = control_plane.shim_pids("deaf")[0]
    started = time.monotonic()
    control_plane.delete("deaf", timeout=30)
    assert time.monotonic() - started < 20
    assert not os.path.exists(f"/proc/{pid}")


def test_memory_hog_is_ended_and_named(control_plane, deployed, sandbox):
    if not pathlib.Path("/sys/fs/cgroup").is_dir() or not os.access("/sys/fs/cgroup", os.W_OK):
        pytest.skip("control groups cannot be written here, and rlimits do not count memory that is used")
    deployed("hog", {"app.py": "import time\nprint('eating', flush=True)\nx = []\nwhile True:\n"
                               "    x.append(bytearray(8 << 20))\n    time.sleep(0.01)\n",
                     "Procfile": "web: python3 app.py\n"}, wait=False, resources={"memory": "64Mi"})
    d = control_plane.wait_phase("hog", "Failed", timeout=60)
    assert "memory" in d["status"]["rootCause"]["message"], d["status"]["rootCause"]
    assert "64Mi" in d["status"]["rootCause"]["message"]

"""`scia function` as a process of its own, for the tests of this folder."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCIA = pathlib.Path(os.environ.get("SCIA_BUILD", ROOT / "build" / "debug")) / "src" / "scia"
CACHE = pathlib.Path(os.environ.get("SCIA_CACHE", ROOT / ".cache"))
GRPC_MODULES = CACHE / "grpc-node" / "node_modules"
PROTOS = ROOT / "api" / "proto"


class FunctionServer:
    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen([str(SCIA), "function", "--address", "127.0.0.1:0", *arguments], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline()
        match = re.fullmatch(r"serving composition functions on port (\d+)\n", line)
        assert match, line + self.process.stderr.read()
        self.target = f"127.0.0.1:{match.group(1)}"

    def client(self, *arguments, timeout=300):
        """Runs grpc_client.mjs; its result."""
        return subprocess.run(["node", str(pathlib.Path(__file__).with_name("grpc_client.mjs")), str(GRPC_MODULES),
                               str(PROTOS), self.target, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)

    def stop(self, timeout=30):
        """Ends it as Kubernetes does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()


@pytest.fixture(scope="module")
def function_server():
    server = FunctionServer("--insecure")
    yield server
    assert server.stop() == 0, server.process.stderr.read()


@pytest.fixture
def start_server():
    """Starts servers that end with the test."""
    servers = []

    def start(*arguments, **options):
        servers.append(FunctionServer(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


sys.path.insert(0, str(pathlib.Path(__file__).parent))

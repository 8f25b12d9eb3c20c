"""`scia function` as a process of its own, and gRPC's own client for JavaScript to call it."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCIA = pathlib.Path(os.environ.get("SCIA_BUILD", ROOT / "build" / "debug")) / "src" / "scia"
CACHE = pathlib.Path(os.environ.get("SCIA_CACHE", ROOT / ".cache"))
SCRIPTS = ROOT / "tests" / "function"
GRPC_MODULES = CACHE / "grpc-node" / "node_modules"
PROTOS = ROOT / "api" / "proto"

needs_client = pytest.mark.skipif(not (GRPC_MODULES / "@grpc" / "grpc-js").exists() or not shutil.which("node"),
                                  reason="./dev deps could not install @grpc/grpc-js")


def node(script, *arguments):
    """The command that runs one of the scripts."""
    return ["node", str(SCRIPTS / script), str(GRPC_MODULES), str(PROTOS), *map(str, arguments)]


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
        return subprocess.run(node("grpc_client.mjs", self.target, *arguments), capture_output=True, text=True,
                              timeout=timeout)

    def stop(self, timeout=30):
        """Ends it as Kubernetes does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

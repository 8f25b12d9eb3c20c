"""`scia function` called by thousands of clients that come and go, with programs that succeed, fail and are too much: its
memory, threads and open files may not grow."""
import json
import os
import subprocess
import sys
import time

from function_server import FunctionServer, needs_client, node
from process_usage import usage

SECONDS = float(os.environ.get("SCIA_SOAK_MINUTES", "30")) * 60 / 4

PROGRAMS = {
    "resources": "items = [{apiVersion = 'v1', kind = 'ConfigMap', metadata.name = 'c${i}', data.n = '${i}'} for i in range(50)]\n",
    "an error": "items = [1, 2][7]\n",
    "no program": "items = [\n",
    "too many steps": "items = [x for x in range(100000) for y in range(100000) if False]\n",
    "too much memory": "_a = ['x' * 1000 + str(i) for i in range(10000000)]\nitems = []\n",
}


def round_of(number):
    """Some are compiled anew in each round, so that the cache of programs turns over."""
    return {**PROGRAMS, **{f"new {i}": f"_n = {number * 100 + i}\nitems = []\n" for i in range(20)}}


@needs_client
def test_calls_do_not_grow(tmp_path):
    server = FunctionServer("--insecure", "--max-memory", "64", "--max-steps", "1000000")
    try:
        number, first = 0, None
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            (tmp_path / "programs.json").write_text(json.dumps(round_of(number)))
            run = subprocess.run(node("call_at_once.mjs", server.target, tmp_path / "programs.json"), capture_output=True,
                                 text=True, timeout=120)
            assert run.returncode == 0, run.stderr
            outcomes = json.loads(run.stdout.splitlines()[1])
            assert outcomes == ["OK"] + ["SEVERITY_FATAL"] * 4 + ["OK"] * 20
            number += 1
            if number % 20 == 0:
                now = usage(server.process.pid)
                first = first or now
                print(f"{number} rounds: {now}", file=sys.stderr, flush=True)
        assert first, "the run was too short to say anything: give it some minutes"
        last = usage(server.process.pid)
        assert last["rss_mb"] < first["rss_mb"] * 1.3 + 70, (first, last)  # 64 MiB of compiled programs are kept
        assert last["threads"] == first["threads"] and last["files"] <= first["files"] + 2, (first, last)
    finally:
        assert server.stop() == 0

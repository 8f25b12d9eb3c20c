"""Long runs, by `./dev soak [MINUTES]`: half the time kills, half the time churn without any, in which memory, threads
and open files may not grow."""

import os
import random
import sys
import time

import pytest

from crash import kill_loop
from scia_testing import ControlPlane, http_get, web_app, WEB_SPEC
from process_usage import usage

pytestmark = pytest.mark.usefixtures("sandbox")

SECONDS = float(os.environ.get("SCIA_SOAK_MINUTES", "30")) * 60


def say(text):
    print(text, file=sys.stderr, flush=True)


def test_kills(session_folder, repositories):
    seed = int(os.environ.get("SCIA_SEED", random.SystemRandom().randrange(1 << 30)))
    say(f"SCIA_SEED={seed}")
    control_plane = ControlPlane(session_folder / "soak-kills")
    try:
        say(kill_loop(control_plane, repositories("site", {"index.html": "here"}), 1 << 30, seed, say,
                      until=time.monotonic() + SECONDS / 2))
    finally:
        control_plane.kill()
        control_plane.start(stop_applications=True)
        control_plane.stop()


def churn(control_plane, repository, round_number):
    name = f"churn-{round_number % 3}"
    if control_plane.deployment(name):
        control_plane.delete(name)
    control_plane.deploy(name, repository, strategy=("vm", "kubernetes", "serverless")[round_number % 3], **WEB_SPEC)
    control_plane.wait_running(name)
    for _ in range(20):
        assert http_get(control_plane.url(name))[0] == 200
    control_plane.cli("get")
    control_plane.cli("describe", name)


def test_churn_does_not_grow(session_folder, repositories):
    control_plane = ControlPlane(session_folder / "soak-churn", "--poll", "1s").start()
    repository = repositories("churn", web_app())
    try:
        number, first = 0, None
        until = time.monotonic() + SECONDS / 2
        while time.monotonic() < until:
            churn(control_plane, repository, number)
            number += 1
            if number % 5 == 0:
                repository.commit(web_app(str(number)))
            if number % 30 == 0:
                now = usage(control_plane.process.pid)
                first = first or now
                say(f"{number} rounds: {now}")
        assert first, "the run was too short to say anything: give it some minutes"
        last = usage(control_plane.process.pid)
        assert last["rss_mb"] < first["rss_mb"] * 1.5 + 10, (first, last)
        assert last["threads"] <= first["threads"] + 2, (first, last)
        assert last["files"] <= first["files"] + 20, (first, last)
    finally:
        assert control_plane.stop() == 0

"""Fixtures of all tests that run the whole program. Each module of tests gets a control plane of its own."""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import time

import pytest

import scia_testing
from scia_testing import ControlPlane, Repository, example, processes_below, wait_for

# A shell starts what runs in its background with SIGINT ignored, and programs inherit that; tests press Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def session_folder():
    """Everything the tests make is below it. At the end nothing of it may run any more, and it is removed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scia-e2e-"))
    yield folder
    try:
        wait_for("no process of ours is left", lambda: (not processes_below(folder), processes_below(folder)), 5)
        left = ports_left()
        assert not left, f"ports still listened on: {left}"
    finally:
        for pid in processes_below(folder):
            with contextlib.suppress(OSError):
                os.kill(pid, 9)
        time.sleep(0.2 if processes_below(folder) else 0)
        shutil.rmtree(folder, ignore_errors=True)


# Ports of endpoints and API servers that were seen, so that the end of the session can tell whether they are closed.
SEEN_PORTS = set()


def ports_left():
    return [port for port in SEEN_PORTS if scia_testing.is_listening(port)]


def note_ports(control_plane):
    with contextlib.suppress(Exception):
        SEEN_PORTS.add(control_plane.api.port)
        for process in control_plane.api.call("GET", "/apis/local.scia.io/v1alpha1/processes")["items"]:
            url = process.get("status", {}).get("url", "")
            if url:
                SEEN_PORTS.add(int(url.rstrip("/").rsplit(":", 1)[1]))


@pytest.fixture(scope="module")
def control_plane(request, session_folder):
    """A running `scia up`. A module says in CONTROL_PLANE_OPTIONS what else it starts with."""
    folder = session_folder / request.module.__name__.rsplit(".", 1)[-1]
    control_plane = ControlPlane(folder, *getattr(request.module, "CONTROL_PLANE_OPTIONS", ()))
    control_plane.start()
    yield control_plane
    note_ports(control_plane)
    code = control_plane.stop()
    assert code == 0, f"scia up ended with {code}\n{control_plane.log_tail()}"


@pytest.fixture(scope="module")
def repositories(request, session_folder):
    """Makes repositories: repositories("NAME", {path: text}), or of an example: repositories.example("NAME")."""
    folder = session_folder / (request.module.__name__.rsplit(".", 1)[-1] + "-repositories")

    class Maker:
        def __call__(self, name, files):
            repository = Repository(folder / name)
            repository.commit(files)
            return repository

        @staticmethod
        def example(name):
            return example(name, folder / name)

    return Maker()


@pytest.fixture
def deployed(control_plane, repositories):
    """Deploys a small web application and removes it after the test: deployed("NAME", files, **spec)."""
    names = []

    def deploy(name, files=None, wait=True, **spec):
        repository = repositories(name, scia_testing.web_app() if files is None else files)
        control_plane.deploy(name, repository, **dict(scia_testing.WEB_SPEC, **spec))
        names.append(name)
        if wait:
            control_plane.wait_running(name)
        return repository

    yield deploy
    note_ports(control_plane)
    for name in names:
        control_plane.delete(name)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the control plane said goes with every failure."""
    outcome = yield
    report = outcome.get_result()
    control_plane = getattr(item, "funcargs", {}).get("control_plane")
    if report.failed and control_plane is not None:
        report.sections.append(("log of scia up", control_plane.log_tail()))


@pytest.fixture(scope="session")
def sandbox():
    """For tests that run programs: skips where bubblewrap cannot work."""
    problem = scia_testing.sandbox_problem()
    if problem:
        pytest.skip(problem)

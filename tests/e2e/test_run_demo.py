"""What `./dev run` does once the program is built: tools/run-demo."""

import re
import signal
import subprocess
import threading

import pytest

from scia_testing import ROOT, SCIA, http_get, processes_below, wait_for, web_app

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def demo(session_folder, request):
    """Starts it with arguments; gives the lines it prints."""
    folder = session_folder / f"demo-{request.node.name}"
    started = []

    def start(*arguments):
        process = subprocess.Popen([str(ROOT / "tools/run-demo"), str(SCIA), str(folder), *map(str, arguments)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)
        reader.start()
        started.append(process)
        process.lines, process.folder, process.reader = lines, folder, reader
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGINT) if process.poll() is None else None
        process.wait(40)


def wait_line(process, pattern, timeout=120):
    def check():
        for line in list(process.lines):
            match = re.search(pattern, line)
            if match:
                return match
        assert process.poll() is None, "".join(process.lines)
        return (False, "".join(process.lines))
    return wait_for(f"the line {pattern}", check, timeout)


def test_any_repository_is_deployed_and_all_ends_with_ctrl_c(demo, repositories, tmp_path):
    repository = repositories("anything", web_app())
    process = demo(repository, "one process, cheap")
    url = wait_line(process, r"^the application: +(http://127\.0\.0\.1:\d+/)").group(1)
    wait_line(process, r"^it answers: +1 ")
    kubeconfig = wait_line(process, r"^  export KUBECONFIG=(\S+)").group(1)
    wait_line(process, r"^Ctrl-C stops everything")
    assert http_get(url)[0] == 200
    commands = [line.strip() for line in process.lines if re.match(r"  (kubectl|/).* anything$", line)]
    assert len(commands) == 3, process.lines
    for command in commands:
        if "-f" in command.split():
            continue
        result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, env={
            "KUBECONFIG": kubeconfig, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)})
        assert result.returncode == 0 or "kubectl: not found" in result.stderr, result.stderr
    second = subprocess.run([str(ROOT / "tools/run-demo"), str(SCIA), str(process.folder)], capture_output=True, text=True)
    assert second.returncode == 1 and "running already" in second.stderr
    assert http_get(url)[0] == 200, "the first one is left alone"
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
    assert not processes_below(process.folder)
    assert not process.folder.exists()
    assert http_get(url)[0] == 0


def test_a_repository_that_cannot_be_had_is_said(demo):
    process = demo("/nonexistent/repository")
    wait_line(process, "is not running: .*/nonexistent/repository")
    wait_line(process, r"^Ctrl-C stops everything")
    assert not any("Traceback" in line for line in process.lines)

"""The command line: what it prints, and with which code it ends."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading
import time

import pytest
import yaml

from scia_testing import ROOT, SCIA, http_get, http_send, kubectl_program, run, wait_for, web_app

pytestmark = pytest.mark.usefixtures("sandbox")

COMMANDS = ["deploy", "get", "describe", "logs", "events", "explain", "history", "rollback", "delete", "pause", "resume",
            "approve", "analyze", "up", "operator", "serve", "backup", "restore", "store", "user", "keys", "kcl", "function", "render", "version",
            "completion", "help"]
CONTROL_PLANE_OPTIONS = ("--poll", "1s")


@pytest.fixture(scope="module")
def shop(control_plane, repositories):
    """A Deployment that runs, for the commands that only look."""
    repository = repositories("shop", web_app())
    said = control_plane.cli("deploy", repository, "two replicas, cheap", "--wait", "--strategy", "kubernetes")
    assert said.stdout.splitlines() == ["Deployment shop applied", f"shop runs at {control_plane.url('shop')}"]
    assert re.search(r"\d\.\ds  Running ", said.stderr), said.stderr
    yield repository
    control_plane.delete("shop")


def on_terminal(control_plane, *arguments, **environment):
    """What the command prints when its output is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([str(SCIA), *arguments], env=dict(control_plane.environment(), TERM="xterm") | environment,
                               stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    output = b""
    while select.select([master], [], [], 20)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    os.close(master)
    return process.wait(20), output.decode()


def test_help_lists_every_command(control_plane):
    for arguments in (["help"], ["--help"], ["-h"], []):
        said = control_plane.cli(*arguments).stdout
        listed = re.findall(r"^  (\w+) ", said, re.MULTILINE)
        assert sorted(listed) == sorted(COMMANDS)
    assert "Exit codes" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(control_plane, command):
    said = control_plane.cli(command, "--help")
    assert f"usage: scia {command}" in said.stdout and said.stderr == ""
    assert control_plane.cli("help", command).stdout == said.stdout
    assert "\033" not in said.stdout
    for line in said.stdout.splitlines():
        assert len(line) <= 140, f"too wide for a terminal: {line}"


def test_version(control_plane):
    assert re.fullmatch(r"scia \d+\.\d+\.\d+\n", control_plane.cli("version").stdout)
    assert control_plane.cli("--version").stdout == control_plane.cli("version").stdout
    assert re.search(r"^server: v1\.\d+", control_plane.cli("version", "--server").stdout, re.MULTILINE)


def test_get_as_a_table(control_plane, shop):
    lines = control_plane.cli("get").stdout.splitlines()
    assert lines[0].split() == ["NAME", "PHASE", "STRATEGY", "FRAMEWORK", "URL", "REVISION", "AGE"]
    assert lines[1].split()[:3] == ["shop", "Running", "kubernetes"]
    assert control_plane.cli("get", "shop").stdout.splitlines()[1].split()[0] == "shop"
    assert control_plane.cli("get", "-A").stdout.splitlines()[1].split()[:2] == ["default", "shop"]
    assert control_plane.cli("get", "-o", "wide").stdout.splitlines()[0].split()[-2:] == ["COMMIT", "WHY"]
    assert control_plane.cli("get", "-l", "no=such").stdout == ""
    assert "No deployments" in control_plane.cli("get", "-n", "elsewhere").stderr


def test_get_in_other_forms(control_plane, shop):
    assert control_plane.cli("get", "-o", "name").stdout == "deployment.scia.io/shop\n"
    one = json.loads(control_plane.cli("get", "shop", "-o", "json").stdout)
    assert one["kind"] == "Deployment" and one["status"]["phase"] == "Running"
    everything = json.loads(control_plane.cli("get", "-o", "json").stdout)
    assert everything["kind"] == "List" and len(everything["items"]) == 1
    assert yaml.safe_load(control_plane.cli("get", "shop", "-o", "yaml").stdout)["metadata"]["name"] == "shop"
    url = control_plane.cli("get", "shop", "-o", "jsonpath={.status.endpoints[0].url}").stdout
    assert url == control_plane.url("shop")
    names = control_plane.cli("get", "-o", "jsonpath={range .items[*]}{.metadata.name}={.status.phase}{\"\\n\"}{end}")
    assert names.stdout == "shop=Running\n"


def test_get_watches(control_plane, shop):
    process = subprocess.Popen([str(SCIA), "get", "shop", "-w"], env=control_plane.environment(), stdout=subprocess.PIPE,
                               text=True)
    lines = []
    threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True).start()
    try:
        wait_for("the first rows", lambda: len(lines) >= 2, 10)
        control_plane.api.patch("deployments", "shop", {"metadata": {"labels": {"seen": "yes"}}})
        wait_for("a row for the change", lambda: (len([x for x in lines if x.startswith("shop")]) >= 2, lines), 10)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def test_describe(control_plane, shop):
    said = control_plane.cli("describe", "shop").stdout
    for word in ("default/shop", "Running", str(shop), "kubernetes", "CONDITION", "Ready", "DeploymentReady",
                 "AnalysisComplete"):
        assert word in said, said
    assert control_plane.cli("describe", "deployment/shop").stdout.splitlines()[0] == said.splitlines()[0]


def test_events(control_plane, shop):
    lines = control_plane.cli("events", "shop").stdout.splitlines()
    assert lines[0].split() == ["LAST", "SEEN", "COUNT", "TYPE", "REASON", "MESSAGE"]
    assert [line.split()[3] for line in lines[1:4]] == ["AnalysisComplete", "DecisionMade", "InfrastructureCreated"]
    assert "DeploymentReady" in lines[-1]


def test_explain_says_why(control_plane, shop):
    said = control_plane.cli("explain", "shop").stdout
    for word in ("Revision 1 of shop", "Decision: kubernetes", "strategy", "two replicas", "Evidence:", "Procfile"):
        assert word in said, said
    assert "revision: 1" in control_plane.cli("explain", "shop", "-r", "1", "-o", "yaml").stdout
    assert control_plane.cli("explain", "shop", "-r", "77", check=False).returncode == 3


def test_history(control_plane, shop):
    lines = control_plane.cli("history", "shop").stdout.splitlines()
    assert lines[0].split() == ["REVISION", "OUTCOME", "STRATEGY", "COMMIT", "AGE", "REASON"]
    assert lines[1].split()[:4] == ["1", "*", "Success", "kubernetes"]
    commit = shop.git("rev-parse", "HEAD")
    assert lines[1].split()[4] == commit[:12]
    assert json.loads(control_plane.cli("history", "shop", "-o", "json").stdout)[0]["commit"] == commit


def test_logs(control_plane, shop):
    assert "version 1 starts" in control_plane.cli("logs", "shop").stdout
    assert control_plane.cli("logs", "shop", "--tail", "1").stdout.count("\n") == 1
    assert control_plane.cli("logs", "shop", "--replica", "1").stdout != control_plane.cli(
        "logs", "shop", "--replica", "0").stdout, "each tells its own port"


def test_logs_follow_across_a_restart(control_plane, deployed):
    files = web_app()
    files["app.py"] = files["app.py"].replace("def log_message(self, *arguments):\n        pass",
                                              "do_POST = do_GET\n\n"
                                              "    def log_message(self, *arguments):\n        print(self.path, flush=True)")
    deployed("talk", files)
    process = subprocess.Popen([str(SCIA), "logs", "-f", "talk"], env=control_plane.environment(),
                               stdout=subprocess.PIPE, text=True)
    lines = []
    threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True).start()
    url = control_plane.url("talk")
    try:
        wait_for("what is there already", lambda: (any("version 1 starts" in x for x in lines), lines), 10)
        http_get(url + "hello-there")
        wait_for("what comes", lambda: ("/hello-there\n" in lines, lines), 10)
        # Not a GET: the proxy may send one again when its connection closes, and the next start would exit too.
        assert http_send("POST", url + "exit1")[0] == 502
        wait_for("its next start", lambda: (sum("version 1 starts" in x for x in lines) == 2, lines), 20)
        assert "version 1 starts" in control_plane.cli("logs", "talk").stdout
        assert "asked to exit" in control_plane.cli("logs", "talk", "--previous").stdout
    finally:
        process.kill()
        process.wait()


def test_logs_of_the_build(control_plane, deployed):
    deployed("built", overrides={"buildCommand": "echo building it; echo and done"})
    said = control_plane.cli("logs", "built", "--build").stdout
    assert said.splitlines() == ["$ echo building it; echo and done", "building it", "and done"]
    assert control_plane.cli("logs", "built", "--build", "-f", timeout=20).stdout == said, "it ends with the build"


def test_deploy_options(control_plane, repositories):
    repository = repositories("Shop_Two.git", {"site/index.html": "here"})
    repository.git("checkout", "-q", "-b", "other")
    said = control_plane.cli("deploy", repository, "--path", "site", "--ref", "other", "--wait")
    assert "shop-two runs at" in said.stdout
    spec = control_plane.deployment("shop-two")["spec"]
    assert spec["repository"] == {"url": str(repository), "ref": "other", "path": "site"}
    assert control_plane.cli("deploy", repository, "--path", "site", "--name", "named").stdout.splitlines()[0] == \
        "Deployment named applied"
    said = control_plane.cli("delete", "shop-two", "named").stdout
    assert "shop-two is deleted" in said and "named is deleted" in said


def test_deploy_from_standard_input(control_plane, repositories):
    repository = repositories("stdin", {"index.html": "here"})
    text = ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n---\napiVersion: scia.io/v1alpha1\n"
            f"kind: Deployment\nmetadata: {{name: from-stdin}}\nspec: {{repository: {{url: {repository}}}}}\n")
    said = control_plane.cli("deploy", "-f", "-", "--wait", text=text).stdout.splitlines()
    assert said[:2] == ["ConfigMap beside applied", "Deployment from-stdin applied"]
    control_plane.delete("from-stdin")
    wrong = control_plane.cli("deploy", "-f", "-", text="kind: [\n", check=False)
    assert wrong.returncode == 1 and "line 2" in wrong.stderr, wrong.stderr


def test_deploy_waits_in_vain(control_plane, deployed, repositories):
    repository = repositories("slow", web_app())
    said = control_plane.cli("deploy", repository, "--name", "slow", "--wait", "--timeout", "1s", check=False,
                             timeout=20)
    code = said.returncode
    if code != 0:
        assert code == 4, said.stderr
    control_plane.delete("slow")
    deployed("asking", wait=False, approval="Manual")
    control_plane.wait_phase("asking", "AwaitingApproval")
    manifest = yaml.safe_dump({"apiVersion": "scia.io/v1alpha1", "kind": "Deployment", "metadata": {"name": "asking"},
                               "spec": {"approval": "Manual"}})
    said = control_plane.cli("deploy", "-f", "-", "--wait", text=manifest, check=False)
    assert said.returncode == 0 and "scia approve asking" in said.stdout, said.stderr


def test_exit_codes(control_plane, shop):
    for code, arguments in [
        (0, ["get"]),
        (1, ["get", "-o", "hologram"]),
        (1, ["get", "--kubeconfig", "/nonexistent"]),
        (2, ["no-such-command"]),
        (2, ["get", "--no-such-option"]),
        (2, ["get", "-o"]),
        (2, ["describe"]),
        (2, ["deploy"]),
        (2, ["deploy", "url", "a", "prompt", "without", "quotes"]),
        (2, ["logs", "shop", "--tail", "many"]),
        (2, ["completion", "tcsh"]),
        (2, ["up", "--listen", "nowhere:99999"]),
        (2, ["up", "--poll", "1ms"]),
        (2, ["up", "unexpected"]),
        (3, ["get", "nobody"]),
        (3, ["describe", "nobody"]),
        (3, ["logs", "nobody"]),
        (3, ["delete", "nobody"]),
        (3, ["rollback", "nobody"]),
        (3, ["rollback", "shop"]),
        (3, ["explain", "nobody"]),
        (3, ["approve", "nobody"]),
        (3, ["analyze", "/nonexistent"]),
    ]:
        said = control_plane.cli(*arguments, check=False)
        assert said.returncode == code, f"{arguments}: {said.returncode}, not {code}: {said.stderr}"
        if code:
            assert said.stderr.startswith("scia"), (arguments, said.stderr)
            assert said.stdout == "", (arguments, said.stdout)


def test_no_api_server_is_said(control_plane, session_folder):
    empty = session_folder / "empty-home"
    empty.mkdir(exist_ok=True)
    said = run([str(SCIA), "get"], {"PATH": os.environ["PATH"], "HOME": str(empty),
                                    "KUBECONFIG": str(empty / "none")}, check=False)
    assert said.returncode == 1 and "scia up" in said.stderr


def test_interrupt_while_waiting(control_plane, deployed):
    deployed("waited", wait=False, overrides={"startCommand": "sleep 1000"})
    process = subprocess.Popen([str(SCIA), "deploy", "-f", "-", "--wait"], env=control_plane.environment(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write("apiVersion: scia.io/v1alpha1\nkind: Deployment\nmetadata: {name: waited}\nspec: {prompt: x}\n")
    process.stdin.close()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (130, -signal.SIGINT)


def test_colour_only_on_a_terminal_that_wants_it(control_plane, deployed):
    deployed("red", {"README.md": "nothing\n"}, wait=False)
    control_plane.wait_phase("red", "Failed")
    assert "\033" not in control_plane.cli("describe", "red").stdout
    assert "What is wrong" in control_plane.cli("describe", "red").stdout
    code, text = on_terminal(control_plane, "describe", "red")
    assert code == 0 and "\033[31m" in text
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        code, text = on_terminal(control_plane, "describe", "red", **environment)
        assert code == 0 and "\033" not in text and "What is wrong" in text


def test_text_from_strangers_cannot_steer_a_terminal(control_plane, deployed):
    files = web_app()
    files["app.py"] = "print('\\033]0;owned\\007 \\033[31mred\\033[0m \\033[2J', flush=True)\n" + files["app.py"]
    deployed("escapes", files)
    code, text = on_terminal(control_plane, "logs", "escapes", "--tail", "5")
    assert code == 0 and "\033]0;" not in text and "\007" not in text
    assert "version 1 starts" in text


@pytest.mark.parametrize("shell, check", [
    ("bash", "source <({scia} completion bash) && complete -p scia"),
    ("zsh", "autoload -Uz compinit && compinit -u -D && source <({scia} completion zsh)"),
    ("fish", "{scia} completion fish | source; complete -C 'scia desc'"),
])
def test_completion_scripts(control_plane, shop, shell, check):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    said = run([shell, "-c", check.format(scia=SCIA)], control_plane.environment())
    assert said.stderr == ""
    if shell == "fish":
        assert "describe" in said.stdout


def test_bash_completes_commands_and_names(control_plane, shop):
    script = f"""
export PATH={SCIA.parent}:$PATH
source <(scia completion bash)
complete_words() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _scia; echo "${{COMPREPLY[@]}}"; }}
complete_words scia desc
complete_words scia describe sh
complete_words scia completion f
"""
    assert run(["bash", "-c", script], control_plane.environment()).stdout.splitlines() == ["describe", "shop", "fish"]


def test_as_a_plugin_of_kubectl(control_plane, shop, session_folder):
    plugin = session_folder / "plugin"
    plugin.mkdir(exist_ok=True)
    link = plugin / "kubectl-scia"
    if not link.exists():
        link.symlink_to(SCIA)
    said = run([str(link), "get", "-o", "name"], control_plane.environment())
    assert said.stdout == "deployment.scia.io/shop\n"
    environment = control_plane.environment()
    environment["PATH"] = f"{plugin}:{environment['PATH']}"
    said = run([str(kubectl_program("current")), "scia", "get", "-o", "name"], environment)
    assert said.stdout == "deployment.scia.io/shop\n"


def test_namespace_and_context_options(control_plane, shop, session_folder):
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    context = config["contexts"][0]["context"]
    config["contexts"].append({"name": "elsewhere", "context": dict(context, namespace="elsewhere")})
    path = session_folder / "two-contexts"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    assert "namespace elsewhere" in control_plane.cli("get", "--kubeconfig", path, "--context", "elsewhere").stderr
    assert "shop" in control_plane.cli("get", "--kubeconfig", path, "--context", "elsewhere", "-n", "default").stdout
    assert control_plane.cli("get", "--kubeconfig", path, "--context", "nowhere", check=False).returncode == 1


def test_analyze(control_plane, repositories):
    said = control_plane.cli("analyze", ROOT / "examples/express")
    assert re.search(r"^Framework: +express$", said.stdout, re.MULTILINE)
    assert "package.json:" in said.stdout
    result = json.loads(control_plane.cli("analyze", ROOT / "examples/flask", "-o", "json").stdout)
    assert result["framework"] == "flask" and result["evidence"][0]["file"]
    repository = repositories.example("c-server")
    by_url = json.loads(control_plane.cli("analyze", repository.folder.as_uri(), "-o", "json").stdout)
    assert by_url["framework"] == "make" and by_url["commit"] == repository.git("rev-parse", "HEAD")
    services = control_plane.cli("analyze", ROOT / "examples/two-services").stdout
    assert re.search(r"^api +api +node", services, re.MULTILINE), services


def test_serve(session_folder):
    folder = session_folder / "served"
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_text("root")
    (folder / "sub/index.html").write_text("below")
    (folder / "about.html").write_text("about")
    process = subprocess.Popen([str(SCIA), "serve", str(folder), "--port", "0", "--spa"], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split()[-1]
        assert http_get(url) == (200, "root")
        assert http_get(url + "sub/") == (200, "below")
        assert http_get(url + "sub")[0] == 301
        assert http_get(url + "about") == (200, "about")
        assert http_get(url + "any/where") == (200, "root"), "a single-page application's route"
        assert http_get(url + "missing.js")[0] == 404
        assert http_get(url + "..%2f..%2fetc/passwd")[0] == 404
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_kubeconfig_and_keys_are_private(control_plane):
    assert control_plane.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert control_plane.data.stat().st_mode & 0o077 == 0
    for file in (control_plane.data / "pki").iterdir():
        if "key" in file.name:
            assert file.stat().st_mode & 0o077 == 0, file

"""kubectl, Debian's (1.20) and a current one, sees and changes everything."""

import json
import subprocess
import threading

import pytest
import yaml

from scia_testing import WEB_SPEC, kubectl_program, wait_for, web_app

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture(params=["debian", "current"])
def kubectl(request, control_plane):
    def run(*arguments, **options):
        return control_plane.kubectl(*arguments, version=request.param, **options)
    run.version = request.param
    return run


def manifest(name, repository, **spec):
    return yaml.safe_dump({"apiVersion": "scia.io/v1alpha1", "kind": "Deployment",
                           "metadata": {"name": name, "namespace": "default"},
                           "spec": dict({"repository": {"url": str(repository)}}, **dict(WEB_SPEC, **spec))})


def test_life_of_a_deployment(control_plane, repositories, kubectl):
    name = f"life-{kubectl.version}"
    repository = repositories(name, web_app())
    text = manifest(name, repository)
    assert "created" in kubectl("apply", "-f", "-", text=text).stdout
    kubectl("wait", f"deployments.scia.io/{name}", "--for=condition=Ready", "--timeout=60s")
    assert "unchanged" in kubectl("apply", "-f", "-", text=text).stdout
    row = kubectl("get", "deployments.scia.io", name).stdout.splitlines()
    assert row[0].split() == ["NAME", "PHASE", "STRATEGY", "FRAMEWORK", "URL", "REVISION", "AGE"]
    assert row[1].split()[:3] == [name, "Running", "vm"]
    assert "WHY" in kubectl("get", "sd", name, "-o", "wide").stdout.splitlines()[0]
    assert kubectl("get", "sciadeploy", name, "-o", "name").stdout == f"deployment.scia.io/{name}\n"
    everything = kubectl("get", "scia").stdout
    for kind in ("deployment.scia.io/", "infrastructure.scia.io/", "process.local.scia.io/", "cloudprovider.scia.io/"):
        assert kind in everything, everything
    url = kubectl("get", "sd", name, "-o", "jsonpath={.status.endpoints[0].url}").stdout
    assert url == control_plane.url(name)
    assert json.loads(kubectl("get", "sd", name, "-o", "json").stdout)["status"]["phase"] == "Running"
    assert yaml.safe_load(kubectl("get", "sd", name, "-o", "yaml").stdout)["kind"] == "Deployment"
    described = kubectl("describe", "deployments.scia.io", name).stdout
    for word in ("Phase:", "Running", "Events:", "AnalysisComplete", "DecisionMade", "DeploymentReady"):
        assert word in described, described
    changed = text + "  env:\n  - name: GREETING\n    value: hi\n"
    difference = kubectl("diff", "-f", "-", text=changed, check=False)
    assert difference.returncode == 1 and "+" in difference.stdout and "GREETING" in difference.stdout
    assert "configured" in kubectl("apply", "-f", "-", text=changed).stdout
    control_plane.wait_running(name, revision=2)
    kubectl("label", "sd", name, "team=a")
    kubectl("annotate", "sd", name, "note=x")
    assert kubectl("get", "sd", "-l", "team=a", "-o", "name").stdout == f"deployment.scia.io/{name}\n"
    kubectl("patch", "sd", name, "--type=merge", "-p", '{"spec":{"prompt":"cheap"}}')
    assert kubectl("get", "sd", name, "-o", "jsonpath={.spec.prompt}").stdout == "cheap"
    kubectl("delete", "sd", name, "--timeout=40s")
    assert kubectl("get", "sd", name, check=False).returncode == 1
    assert f"{name}-app" not in kubectl("get", "processes.local.scia.io").stdout


def test_server_side_apply(control_plane, repositories, kubectl):
    name = f"ssa-{kubectl.version}"
    text = manifest(name, repositories(name, web_app()), cloudProvider="none-yet")
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", "-", text=text).stdout
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", "-", text=text).stdout
    # A field that another manager owns is not taken away from it silently.
    conflict = kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", check=False,
                       text=text.replace("none-yet", "another"))
    assert conflict.returncode != 0 and "conflict" in conflict.stderr.lower(), conflict.stderr
    assert "spec.cloudProvider" in conflict.stderr
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-",
            text=text.replace("none-yet", "another"))
    kubectl("delete", "sd", name, "--timeout=40s")


def test_explain_and_discovery(kubectl):
    said = kubectl("explain", "sd.spec.repository").stdout
    assert "url" in said and "Where the source code is" in said
    assert "Where the analysis is wrong" in kubectl("explain", "sd.spec.overrides").stdout
    resources = kubectl("api-resources", "--api-group=scia.io", "-o", "name").stdout.split()
    assert resources == ["cloudproviders.scia.io", "deploymentrevisions.scia.io", "deployments.scia.io",
                         "infrastructures.scia.io"]
    assert kubectl("auth", "can-i", "create", "deployments.scia.io").stdout.strip() == "yes"
    assert "v1" in kubectl("api-versions").stdout.split()


@pytest.mark.parametrize("change, says", [
    ("strategy: vm", None),
    ("strategy: mainframe", ["spec.strategy", "mainframe"]),
    ("scaling: {min: many}", ["spec.scaling.min", "integer"]),
    ("healthCheck: {path: healthz}", ["spec.healthCheck.path"]),
    ("budget: {alertThreshold: 3}", ["spec.budget.alertThreshold"]),
    ("env: [{value: x}]", ["spec.env[0].name", "Required"]),
    ("env: [{name: 'A B', value: x}]", ["spec.env[0].name"]),
    ("resources: {memory: lots}", ["spec.resources.memory"]),
    ("rollbackTo: {revision: 0}", ["spec.rollbackTo.revision"]),
    ("overrides: {port: 70000}", ["spec.overrides.port"]),
])
def test_wrong_yaml_is_refused_where_it_is_wrong(control_plane, kubectl, change, says):
    text = ("apiVersion: scia.io/v1alpha1\nkind: Deployment\nmetadata: {name: wrong}\nspec:\n"
            f"  repository: {{url: 'https://example.invalid/x.git'}}\n  {change}\n")
    result = kubectl("apply", "--validate=false", "--dry-run=server", "-f", "-", text=text, check=False)
    if says is None:
        assert result.returncode == 0, result.stderr
        return
    assert result.returncode == 1
    for word in says:
        assert word in result.stderr, result.stderr
    assert control_plane.deployment("wrong") is None


def test_other_mistakes_are_named(kubectl):
    head = "apiVersion: scia.io/v1alpha1\nkind: Deployment\nmetadata: {name: wrong}\n"
    for text, says in [
        (head + "spec: {}\n", ["spec.repository", "Required"]),
        (head + "spec: {repository: {}}\n", ["spec.repository.url", "Required"]),
        (head.replace("wrong", "Not_A_Name") + "spec: {repository: {url: x}}\n", ["metadata.name", "Not_A_Name"]),
        (head.replace("v1alpha1", "v9") + "spec: {repository: {url: x}}\n", ["Deployment", "v9"]),
        (head + "spec: {repository: {url: x}\n", ["line"]),
    ]:
        result = kubectl("apply", "--validate=false", "-f", "-", text=text, check=False)
        assert result.returncode == 1, text
        for word in says:
            assert word in result.stderr, (text, result.stderr)


def test_unknown_fields_are_named_before_they_are_dropped(kubectl):
    text = ("apiVersion: scia.io/v1alpha1\nkind: Deployment\nmetadata: {name: wrong}\n"
            "spec: {repository: {url: x}, stratgy: vm}\n")
    result = kubectl("apply", "--dry-run=server", "-f", "-", text=text, check=False)
    assert "stratgy" in result.stderr, (result.returncode, result.stderr)


def test_events_are_listed(control_plane, deployed, kubectl):
    name = f"eventful-{kubectl.version}"
    deployed(name)
    assert "DeploymentReady" in kubectl("get", "events").stdout
    found = kubectl("get", "events", "--field-selector", f"involvedObject.name={name},reason=DeploymentReady", "-o",
                    "jsonpath={.items[0].message}").stdout
    assert found == f"revision 1 runs at {control_plane.url(name)}"


def test_logs_of_a_process_through_the_api(control_plane, deployed, kubectl):
    deployed("logged")
    raw = kubectl("get", "--raw", "/apis/local.scia.io/v1alpha1/namespaces/default/processes/logged-app/log").stdout
    assert "version 1 starts" in raw


def test_watch_shows_phases(control_plane, repositories, kubectl):
    program = kubectl_program(kubectl.version)
    name = f"watched-{kubectl.version}"
    watcher = subprocess.Popen([str(program), "get", "sd", "-w", "-o", "custom-columns=N:.metadata.name,P:.status.phase"],
                               env=control_plane.environment(), stdout=subprocess.PIPE, text=True)
    lines = []
    threading.Thread(target=lambda: lines.extend(iter(watcher.stdout.readline, "")), daemon=True).start()
    try:
        control_plane.deploy(name, repositories(name, web_app()), **WEB_SPEC)
        control_plane.wait_running(name)
        wait_for("the watch shows it running", lambda: (
            any(line.split() == [name, "Running"] for line in lines), lines), 10)
        phases = {line.split()[1] for line in lines if line.split()[0] == name}
        assert phases <= {"<none>", "Pending", "Analyzing", "Deciding", "Provisioning", "Running"}, phases
    finally:
        watcher.kill()
        watcher.wait()
    control_plane.delete(name)

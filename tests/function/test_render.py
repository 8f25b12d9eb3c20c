"""`scia render` against what `crossplane render` prints: each folder of render/ is a composite, its Composition and what
is wanted (v1.yaml, v2.yaml, v2.3.yaml: the three forms). What is wanted follows Crossplane's own sources, line by line."""
import json
import pathlib
import subprocess

import pytest
from function_server import SCIA, FunctionServer

FOLDER = pathlib.Path(__file__).with_name("render")
FUNCTIONS = FOLDER / "functions.yaml"
OPTIONS = {"kcl": ["-r", "-x", "-o", FOLDER / "kcl/observed.yaml"], "patches": ["-r"],
           "environment": ["-c", "-e", FOLDER / "environment/required.yaml"], "namespaced": []}
WANTED = sorted(path.relative_to(FOLDER) for path in FOLDER.glob("*/v*.yaml"))


def render(case, *options, functions=FUNCTIONS):
    return subprocess.run([str(SCIA), "render", str(FOLDER / case / "xr.yaml"), str(FOLDER / case / "composition.yaml"),
                           str(functions), *map(str, OPTIONS[case]), *map(str, options)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_output(wanted):
    said = render(wanted.parent.name, "--crossplane", wanted.stem)
    assert said.returncode == 0, said.stderr
    assert said.stdout == (FOLDER / wanted).read_text()


def test_functions_that_run_elsewhere(tmp_path):
    server = FunctionServer("--insecure")
    try:
        annotations = ("metadata:\n  annotations:\n    render.crossplane.io/runtime: Development\n"
                       f"    render.crossplane.io/runtime-development-target: dns:///{server.target}\n")
        functions = tmp_path / "functions.yaml"
        functions.write_text("\n---\n".join(
            f"apiVersion: pkg.crossplane.io/v1\nkind: Function\n{annotations}  name: {name}\nspec: {{package: 'other:v1'}}"
            for name in ("function-kcl", "function-auto-ready")))
        assert render("kcl", functions=functions).stdout == (FOLDER / "kcl/v2.yaml").read_text()
    finally:
        server.stop()


def test_functions_that_are_nowhere(tmp_path):
    composition = (FOLDER / "kcl/composition.yaml").read_text().replace("name: function-auto-ready", "name: function-none")
    (tmp_path / "composition.yaml").write_text(composition)
    (tmp_path / "functions.yaml").write_text(FUNCTIONS.read_text() + "\n---\napiVersion: pkg.crossplane.io/v1\nkind: Function\n"
                                             "metadata: {name: function-none}\nspec: {package: 'example.org/function-none:v1'}\n")
    said = subprocess.run([str(SCIA), "render", FOLDER / "kcl/xr.yaml", tmp_path / "composition.yaml", tmp_path / "functions.yaml"],
                          capture_output=True, text=True)
    assert said.returncode == 1 and said.stdout == ""
    assert 'Function "function-none" (example.org/function-none:v1) is none of those that are built in' in said.stderr
    assert "function-patch-and-transform" in said.stderr and "render.crossplane.io/runtime: Development" in said.stderr


def test_a_fatal_result_ends_it(tmp_path):
    composition = (FOLDER / "kcl/composition.yaml").read_text().replace("seen = len", "seen = oxr.no.such + len")
    (tmp_path / "composition.yaml").write_text(composition)
    said = subprocess.run([str(SCIA), "render", FOLDER / "kcl/xr.yaml", tmp_path / "composition.yaml", FUNCTIONS],
                          capture_output=True, text=True)
    assert said.returncode == 1 and said.stdout == ""
    assert 'pipeline step "make" returned a fatal result: failed to run kcl function pipelines: ' in said.stderr


def test_json(tmp_path):
    said = render("namespaced", "-o", "json")
    assert said.returncode == 0 and '"kind": "ConfigMap"' in said.stdout


@pytest.mark.parametrize("change, message", [
    (("kind: Site}", "kind: Other}"), "composition's compositeTypeRef.kind (Other) does not match XR's kind (Site)"),
    (("name: function-auto-ready", "name: function-none"), 'unknown Function "function-none" - does it exist in your Functions file?'),
    (("kind: Composition", "kind: Compositions"), "not a composition: Compositions/sites"),
])
def test_mistakes_are_told(tmp_path, change, message):
    (tmp_path / "composition.yaml").write_text((FOLDER / "kcl/composition.yaml").read_text().replace(*change))
    said = subprocess.run([str(SCIA), "render", FOLDER / "kcl/xr.yaml", tmp_path / "composition.yaml", FUNCTIONS],
                          capture_output=True, text=True)
    assert said.returncode != 0 and message in said.stderr


def site(tmp_path, source, **spec):
    """A Site and its Composition of one KCL step, as options of a command."""
    (tmp_path / "xr.yaml").write_text(json.dumps({"apiVersion": "example.org/v1", "kind": "Site",
                                                  "metadata": {"name": "shop"}, "spec": spec}))
    (tmp_path / "composition.yaml").write_text(json.dumps({
        "apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition", "metadata": {"name": "sites"},
        "spec": {"compositeTypeRef": {"apiVersion": "example.org/v1", "kind": "Site"}, "mode": "Pipeline", "pipeline": [
            {"step": "make", "functionRef": {"name": "function-kcl"},
             "input": {"apiVersion": "krm.kcl.dev/v1alpha1", "kind": "KCLInput", "spec": {"source": source}}}]}}))
    return [str(SCIA), "render", str(tmp_path / "xr.yaml"), str(tmp_path / "composition.yaml"), str(FUNCTIONS)]


def run(command, *options):
    return subprocess.run([*command, *map(str, options)], capture_output=True, text=True, timeout=120)


XRD = """
apiVersion: apiextensions.crossplane.io/%s
kind: CompositeResourceDefinition
metadata: {name: sites.example.org}
spec:
  group: example.org
  names: {kind: Site, plural: sites}
  versions:
  - name: v1
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {
      size: {type: string, default: small}, parts: {type: array, items: {type: object, properties: {
        count: {type: integer, default: 2}}}}}}}}}
"""


def test_the_definition_gives_defaults(tmp_path):
    command = site(tmp_path, "items = []", parts=[{}, {"count": 5}])
    (tmp_path / "xrd.yaml").write_text(XRD % "v2")
    said = run(command, "-x", "--xrd", tmp_path / "xrd.yaml")
    assert "spec:\n  parts:\n  - count: 2\n  - count: 5\n  size: small\n" in said.stdout, said.stderr
    (tmp_path / "xrd.yaml").write_text((XRD % "v2").replace("name: v1", "name: v2"))
    said = run(command, "--xrd", tmp_path / "xrd.yaml")
    assert said.returncode == 1
    assert "cannot default values for XR \"shop\": the specified API version 'example.org/v1' does not exist in the XRD" in said.stderr


def test_a_composite_of_crossplane_1_refers_elsewhere(tmp_path):
    command = site(tmp_path, 'items = [{apiVersion = "v1", kind = "ConfigMap", metadata.name = "c", metadata.namespace = "here"}]')
    (tmp_path / "xrd.yaml").write_text(XRD % "v1")
    said = run(command, "--xrd", tmp_path / "xrd.yaml", "--crossplane", "v2.4")
    assert "spec:\n  resourceRefs:\n  - apiVersion: v1\n    kind: ConfigMap\n    name: c\n    namespace: here\n" in said.stdout


def test_annotations_of_all_functions(tmp_path):
    command = site(tmp_path, "items = []")
    said = run(command, "-a", "render.crossplane.io/runtime=Development",
               "-a", "render.crossplane.io/runtime-development-target=127.0.0.1:1", "--timeout", "3s")
    assert said.returncode == 1 and 'cannot run pipeline step "make": ' in said.stderr
    said = run(command, "-a", "none")
    assert 'invalid function annotation format "none", expected key=value' in said.stderr


def test_functions_see_what_a_struct_holds(tmp_path):
    source = 'oxr = option("params").oxr\nitems = [{apiVersion = "v1", kind = "C", metadata.name = "c", data.text = "${oxr.spec}"}]'
    said = run(site(tmp_path, source, b=9007199254740993, a={"d": 1.0, "c": None}))
    assert "text: '{''a'': {''c'': None, ''d'': 1}, ''b'': 9007199254740992}'" in said.stdout, said.stdout + said.stderr


def test_required_schemas(tmp_path):
    schemas = tmp_path / "schemas" / "deep"
    schemas.mkdir(parents=True)
    command = site(tmp_path, "items = []")
    assert "no JSON files found" in run(command, "-s", schemas.parent).stderr
    (schemas / "v1.json").write_text('{"components": {"schemas": {}}}')
    assert run(command, "-s", schemas.parent).returncode == 0
    (schemas / "v2.json").write_text("{")
    assert "cannot parse OpenAPI JSON from" in run(command, "-s", schemas.parent).stderr


def test_a_version_is_wanted(tmp_path):
    assert run(site(tmp_path, "items = []"), "--crossplane", "v3").returncode == 2


def test_strings_keep_their_indentation(tmp_path):
    """As in the releases of function-kcl, where `kcl run` of today takes it away."""
    source = 'items = [{apiVersion = "v1", kind = "C", metadata.name = "c", data.text = """\n    a\n  b\n  """}]'
    said = run(site(tmp_path, source))
    assert '  text: "\\n    a\\n  b\\n  "\n' in said.stdout, said.stdout + said.stderr

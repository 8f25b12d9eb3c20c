"""`scia render` against what `crossplane render` prints: each folder of render/ is a composite, its Composition and what
is wanted (v2.yaml, v1.yaml: the two forms). What is wanted follows Crossplane's own sources, line by line."""
import pathlib
import subprocess

import pytest
from conftest import SCIA, FunctionServer

FOLDER = pathlib.Path(__file__).with_name("render")
FUNCTIONS = FOLDER / "functions.yaml"
OPTIONS = {"kcl": ["-r", "-x", "-o", FOLDER / "kcl/observed.yaml"], "patches": ["-r"],
           "environment": ["-c", "-e", FOLDER / "environment/required.yaml"], "namespaced": []}
WANTED = sorted(path.relative_to(FOLDER) for path in FOLDER.glob("*/v?.yaml"))


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

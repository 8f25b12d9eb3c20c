"""Renders an input of function-kcl with `scia render`."""
import subprocess

import pytest
import yaml
from function_server import SCIA

COMPOSITION = {"apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition", "metadata": {"name": "x"}}
XR = {"apiVersion": "example.org/v1", "kind": "XR", "metadata": {"name": "x"}, "spec": {"size": 3}}
FUNCTIONS = {"apiVersion": "pkg.crossplane.io/v1", "kind": "Function", "metadata": {"name": "kcl"},
             "spec": {"package": "xpkg.upbound.io/crossplane-contrib/function-kcl:v0.11.0"}}


@pytest.fixture
def render(tmp_path):
    """Renders an input of function-kcl; the resources by name, or the message of a fatal result."""
    def run(spec, *options):
        step = {"step": "kcl", "functionRef": {"name": "kcl"},
                "input": {"apiVersion": "krm.kcl.dev/v1alpha1", "kind": "KCLInput", "metadata": {"name": "x"}, "spec": spec}}
        composition = {**COMPOSITION, "spec": {"compositeTypeRef": {"apiVersion": "example.org/v1", "kind": "XR"},
                                               "mode": "Pipeline", "pipeline": [step]}}
        names = []
        for name, document in (("xr", XR), ("composition", composition), ("functions", FUNCTIONS)):
            names.append(tmp_path / f"{name}.yaml")
            names[-1].write_text(yaml.safe_dump(document))
        said = subprocess.run([str(SCIA), "render", *map(str, names), *map(str, options)], capture_output=True, text=True,
                              timeout=60)
        if said.returncode:
            return said.stderr
        return {r["metadata"]["annotations"]["crossplane.io/composition-resource-name"]: r
                for r in yaml.safe_load_all(said.stdout) if r["kind"] != "XR"}
    return run


def value_of(resources):
    """data.v of the ConfigMap "out"."""
    assert isinstance(resources, dict), resources
    return resources["out"]["data"]["v"]

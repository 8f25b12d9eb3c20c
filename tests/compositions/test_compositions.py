"""Every composition of config/compositions, rendered as Crossplane would: the result is the golden file to the byte.

`SCIA_GOLDEN=write` writes the golden files anew; read what changed before you commit it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scia_testing import ROOT, SCIA

HOME = Path(__file__).parent
CASES = {k: v for k, v in yaml.safe_load((HOME / "cases.yaml").read_text()).items() if not k.startswith("_")}
COMPOSITIONS = ROOT / "config" / "compositions"
PACKAGES = sorted(p.name for p in COMPOSITIONS.glob("v*"))


def composite(version, case):
    meta = {"name": "shop-x7k2p", "namespace": "team-a"} if version == "v2" else {"name": "shop-x7k2p"}
    kind = "Infrastructure" if version == "v2" else "XInfrastructure"
    return {"apiVersion": "scia.io/v1alpha1", "kind": kind, "metadata": meta, "spec": {"parameters": case["parameters"]}}


def observed(case):
    """As Crossplane hands over what it once made: told by the annotation of its part."""
    for resource in case.get("observed", []):
        resource = dict(resource)
        part = resource.pop("part")
        yield resource | {"metadata": {"name": f"shop-x7k2p-{part}",
                                       "annotations": {"crossplane.io/composition-resource-name": part}}}


def render(folder, version, case):
    parameters = case["parameters"]
    (folder / "xr.yaml").write_text(yaml.safe_dump(composite(version, case)))
    composition = COMPOSITIONS / version / "apis" / f"{parameters['strategy']}-{parameters['providerType']}.yaml"
    command = [SCIA, "render", folder / "xr.yaml", composition, COMPOSITIONS / "functions.yaml", "--include-full-xr"]
    if case.get("observed"):
        (folder / "observed.yaml").write_text(yaml.safe_dump_all(observed(case)))
        command += ["--observed-resources", folder / "observed.yaml"]
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("version", PACKAGES)
@pytest.mark.parametrize("name", CASES)
def test_renders_as_agreed(tmp_path, name, version):
    case = CASES[name]
    result = render(tmp_path, version, case)
    if "fails" in case:
        assert result.returncode != 0 and case["fails"] in result.stderr, result.stderr
        return
    assert result.returncode == 0, result.stderr
    golden = HOME / "golden" / f"{name}.{version}.yaml"
    if os.environ.get("SCIA_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(result.stdout)
    assert result.stdout == golden.read_text()


def test_packages_are_what_their_sources_give():
    check = subprocess.run([sys.executable, ROOT / "tools" / "build-compositions", "--check"], capture_output=True,
                           text=True, check=False)
    assert check.returncode == 0, check.stdout


def test_helpers_of_the_compositions():
    """The compositions' own unit tests, in KCL."""
    result = subprocess.run([SCIA, "kcl", "test", COMPOSITIONS / "kcl" / "lib"], capture_output=True, text=True,
                            timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def resources(name, version="v2"):
    golden = HOME / "golden" / f"{name}.{version}.yaml"
    return [d for d in yaml.safe_load_all(golden.read_text()) if d["kind"] not in ("Infrastructure", "XInfrastructure")]


@pytest.mark.parametrize("name", [n for n in CASES if "fails" not in CASES[n] and "-vm-" in n])
def test_no_ssh_unless_asked_for(name):
    opened = "sshCIDR" in CASES[name]["parameters"]
    text = yaml.safe_dump_all(resources(name))
    assert ("allow-ssh" in text) == opened


@pytest.mark.parametrize("name", [n for n in CASES if "fails" not in CASES[n]])
def test_names_are_unique_and_short(name):
    keys = [(r["apiVersion"], r["kind"], r["metadata"].get("name")) for r in resources(name)]
    assert len(keys) == len(set(keys))
    assert all(len(n or "") <= 63 for _, _, n in keys)

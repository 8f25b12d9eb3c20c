"""What the documentation shows is true: every ```yaml block is accepted by a live control plane, every ```sh block that is
marked `run` runs, every link leads somewhere, and every command and field is written about."""

import os
import re

import pytest
import yaml

from scia_testing import ROOT, SCIA, kubectl_program, run

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*.md")])
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


def blocks(kind):
    """(document, line, text) of the fenced blocks with that info string."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text()
        for match in FENCE.finditer(text):
            if match.group(1).strip() == kind:
                line = text.count("\n", 0, match.start()) + 1
                found.append((document.relative_to(ROOT), line, match.group(2)))
    return found


def is_rules_file(text):
    """Decision rules are YAML too, but no objects."""
    return not re.search(r"^kind:", text, re.MULTILINE)


YAML = [b for b in blocks("yaml") if not is_rules_file(b[2])]
SHELL = {}
for path, line, text in blocks("sh run"):
    SHELL.setdefault(path, []).append(text)


@pytest.mark.parametrize("path, line, text", YAML, ids=[f"{p}:{n}" for p, n, _ in YAML])
def test_yaml_is_accepted(control_plane, path, line, text):
    for document in yaml.safe_load_all(text):
        assert {"apiVersion", "kind", "metadata"} <= set(document), f"{path}:{line}: not a complete object"
    result = control_plane.kubectl("apply", "--dry-run=server", "-f", "-", text=text)
    assert "server dry run" in result.stdout
    assert "unknown field" not in result.stderr and "Warning" not in result.stderr, result.stderr


def test_there_are_examples():
    assert len(YAML) >= 7 and len(SHELL) >= 3


@pytest.mark.parametrize("path", sorted(SHELL), ids=str)
def test_shell_examples_run(control_plane, session_folder, sandbox, path):
    """All blocks of one document, one after the other, in one shell."""
    home = session_folder / f"home-{path.stem}"
    home.mkdir()
    for folder in ("examples", "config"):
        (home / folder).symlink_to(ROOT / folder)
    programs = f"{SCIA.parent}:{kubectl_program('current').parent}"
    environment = control_plane.environment() | {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}"}
    script = "set -euxo pipefail\n" + "\n".join(SHELL[path])
    run(["bash", "-c", script], environment, cwd=home, timeout=120)
    left = control_plane.api.list("deployments")
    assert not left, f"{path} leaves Deployments behind: {[d['metadata']['name'] for d in left]}"


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = FENCE.sub("", document.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{target} leads nowhere"
        if fragment and file.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", file.read_text()), re.MULTILINE)
            assert fragment in map(anchor, headings), f"{target}: there is no such heading"


def test_every_command_and_option_is_documented(control_plane):
    written = (ROOT / "docs/cli.md").read_text()
    commands = re.findall(r"^  (\w+) ", control_plane.cli("help").stdout, re.MULTILINE)
    assert len(commands) > 15
    for command in commands:
        assert re.search(rf"^### .*\b{command}\b", written, re.MULTILINE), f"docs/cli.md has no heading for {command}"
        for option in re.findall(r"^ .*?(--[a-z-]+)", control_plane.cli(command, "--help").stdout, re.MULTILINE):
            assert re.search(rf"{option}\b", written) or option == "--output", f"{command} {option} is not in docs/cli.md"


@pytest.mark.parametrize("crd, page", [
    ("scia.io_deployments", "deployment"), ("scia.io_deploymentrevisions", "deploymentrevision"),
    ("scia.io_infrastructures", "infrastructure"), ("scia.io_cloudproviders", "cloudprovider"),
    ("local.scia.io_processes", "process")])
def test_every_field_is_documented(crd, page):
    written = (ROOT / f"docs/resources/{page}.md").read_text()
    schema = yaml.safe_load((ROOT / f"api/crds/{crd}.yaml").read_text())["spec"]["versions"][0]["schema"]
    spec = schema["openAPIV3Schema"]["properties"]["spec"]

    def fields(node):
        for name, child in node.get("properties", {}).items():
            yield name
            yield from fields(child)
    # Fields with the same name as a part that is described, e.g. a reference's name, need no line of their own.
    missing = [name for name in fields(spec) if not re.search(rf"\b{name}\b", written)]
    assert not missing, f"docs/resources/{page}.md says nothing about {missing}"

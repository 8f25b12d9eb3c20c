"""Programs and packages of function-kcl that lie on the disk: in folders, and in OCI layouts."""
import json

import pytest
from kcl_render import render, value_of  # noqa: F401
from oci_layout import Layout, tar_of

HELLO = {"kcl.mod": '[package]\nname = "hello"\nversion = "1.0.0"\n', "main.k": "greeting = 'hello of %s'\n",
         "deep/er.k": "import .other\nx = other.y\n", "deep/other.k": "y = 'deep'\n"}


def module(version="1.0.0", name="hello", **more):
    """The files of a module that says its version; more: dependencies, entries, text of main.k."""
    mod = f'[package]\nname = "{name}"\nversion = "{version}"\n{more.get("mod", "")}'
    return {**HELLO, "kcl.mod": mod, "main.k": more.get("main", f"greeting = 'hello of {version}'\n")}


PROGRAM = """
import {package}
items = [{{apiVersion = "v1", kind = "ConfigMap", metadata.name = "out", data.v = {value}}}]
"""


@pytest.mark.parametrize("ref, dependency, annotations", [
    ("ghcr.io/kcl-lang/hello:1.0.0", 'hello = "1.0.0"', None),
    ("kcl-lang/hello:1.0.0", 'hello = "1.0.0"', None),
    ("hello:1.0.0", 'hello = "1.0.0"', None),
    ("1.0.0", 'hello = "1.0.0"', None),
    (None, 'hello = "1.0.0"', None),
    ("1.0.0", 'hello = "1.0.0"', {"io.containerd.image.name": "ghcr.io/kcl-lang/hello:1.0.0"}),
    ("ghcr.io/team/hello:1.0.0", 'hello = {oci = "oci://ghcr.io/team/hello", tag = "1.0.0"}', None),
    ("hello:1.0.0", 'hello = {oci = "oci://ghcr.io/team/hello", tag = "1.0.0", version = "1.0.0"}', None),
    ("hello:1.0.0", 'other_name = {package = "hello", version = "1.0.0"}', None),
    ("hello:1.0.0", 'other-name = {package = "hello", version = "1.0.0"}', None),
])
@pytest.mark.parametrize("annotated", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_dependency_in_a_layout(render, tmp_path, ref, dependency, annotations, annotated, compress):
    layout = Layout(tmp_path / "oci")
    name, version = ("hello", "1.0.0") if annotated else (None, None)
    layout.add(tar_of(module()), ref, name, version, index_annotations=annotations, compress=compress)
    layout.add(tar_of(module("2.0.0")), ref and ref.replace("1.0.0", "2.0.0"), name and "hello", version and "2.0.0")
    package = "other_name" if "other" in dependency else "hello"
    source = PROGRAM.format(package=package, value=f"{package}.greeting")
    assert value_of(render({"source": source, "dependencies": dependency}, "--oci-layout", layout.folder)) == "hello of 1.0.0"


def test_folder_of_layouts(render, tmp_path):
    Layout(tmp_path / "oci/ghcr.io/kcl-lang/hello").add(tar_of(module()), "1.0.0")
    Layout(tmp_path / "oci/deep_2").add(tar_of(module("2", "deep")))
    source = PROGRAM.format(package="hello", value="hello.greeting + deep.greeting").replace("import", "import deep\nimport", 1)
    said = render({"source": source, "dependencies": 'hello = "1.0.0"\ndeep = "2"'}, "--oci-layout", tmp_path / "oci")
    assert value_of(said) == "hello of 1.0.0hello of 2"


def test_sub_packages_and_dependencies_of_dependencies(render, tmp_path):
    layout = Layout(tmp_path / "oci")
    layout.add(tar_of(module("1.0.0", "top", mod='[dependencies]\nhello = "1.0.0"\n', main="import hello\nimport deep.er\n"
                                                                                         "greeting = hello.greeting + er.x\n")),
               "top:1.0.0")
    layout.add(tar_of(module("1.0.0")), "hello:1.0.0")
    layout.add(tar_of(module("1.5.0")), "hello:1.5.0")
    source = PROGRAM.format(package="top", value="top.greeting")
    assert value_of(render({"source": source, "dependencies": 'top = "1.0.0"'}, "--oci-layout", layout.folder)) == "hello of 1.0.0deep"
    # One version of a module in a program: the greatest that is asked for.
    assert value_of(render({"source": source, "dependencies": 'top = "1.0.0"\nhello = "1.5.0"'}, "--oci-layout",
                           layout.folder)) == "hello of 1.5.0deep"


ITEMS = """items = [{apiVersion = "v1", kind = "ConfigMap", metadata.name = "out", data.v = "%s"}]\n"""


@pytest.mark.parametrize("source, wanted", [
    ("oci://ghcr.io/team/program:1.0.0", "1.0.0"),
    ("oci://ghcr.io/team/program?tag=1.0.0", "1.0.0"),
    ("oci://ghcr.io/team/program", "1.10.0"),
    ("oci://program:1.0.0", "1.0.0"),
    ("oci://ghcr.io/team/program@DIGEST", "1.0.0"),
])
def test_source_in_a_layout(render, tmp_path, source, wanted):
    layout = Layout(tmp_path / "oci")
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.1", "1.0.0"):
        digest = layout.add(tar_of({"kcl.mod": "[package]\n", "main.k": ITEMS % version}), f"ghcr.io/team/program:{version}")
    said = render({"source": source.replace("DIGEST", digest)}, "--oci-layout", layout.folder)
    assert value_of(said) == wanted


def test_entries_of_kcl_mod(render, tmp_path):
    layout = Layout(tmp_path / "oci")
    files = {"kcl.mod": '[package]\nname = "p"\n[profile]\nentries = ["a.k", "${KCL_MOD}/more/b.k"]\n',
             "a.k": "import lib\nx = lib.x\n", "more/b.k": ITEMS % "${x}", "no.k": "fails = 1 / 0\n", "lib/x.k": "x = 'entry'\n"}
    layout.add(tar_of(files), "p:1")
    assert value_of(render({"source": "oci://p:1"}, "--oci-layout", layout.folder)) == "entry"


def damage(layout, digest):
    blob = layout.folder / "blobs/sha256" / digest.split(":")[1]
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")


def layer_of(layout, digest):
    return json.loads((layout.folder / "blobs/sha256" / digest.split(":")[1]).read_text())["layers"][0]["digest"]


def test_damaged_blobs_are_refused(render, tmp_path):
    for what in ("manifest", "layer"):
        layout = Layout(tmp_path / what)
        digest = layout.add(tar_of({"kcl.mod": "[package]\n", "main.k": ITEMS % "x"}), "p:1")
        damage(layout, digest if what == "manifest" else layer_of(layout, digest))
        assert "is damaged: it has" in render({"source": "oci://p:1"}, "--oci-layout", layout.folder)


@pytest.mark.parametrize("files, links, message", [
    ({"../escape.k": "x = 1\n"}, [], 'outside of its own folder (by "..")'),
    ({"/etc/x.k": "x = 1\n"}, [], "an absolute path"),
    ({"main.k": "x = 1\n"}, [("link.k", "/etc/passwd")], "a link"),
    ({"readme": "nothing\n"}, [], "no tar archive of a module"),
])
def test_hostile_archives_are_refused(render, tmp_path, files, links, message):
    layout = Layout(tmp_path / "oci")
    layout.add(tar_of(files, links), "p:1")
    assert message in render({"source": "oci://p:1"}, "--oci-layout", layout.folder)


def test_a_bomb_is_refused(render, tmp_path):
    layout = Layout(tmp_path / "oci")
    layout.add(tar_of({"main.k": " " * (160 << 20)}), "p:1", compress=True)
    assert "larger than" in render({"source": "oci://p:1"}, "--oci-layout", layout.folder)


def test_what_is_missing_is_told(render, tmp_path):
    layout = Layout(tmp_path / "oci")
    layout.add(tar_of(module()), "hello:1.0.0")
    said = render({"source": "oci://ghcr.io/team/none:1.0.0"}, "--oci-layout", layout.folder)
    assert "oci://ghcr.io/team/none:1.0.0 is nowhere on this disk" in said and "--oci-layout" in said
    said = render({"source": PROGRAM.format(package="hello", value="1"), "dependencies": 'hello = "9.9.9"'}, "--oci-layout",
                  layout.folder)
    assert "pkgpath hello not found in the program" in said and "hello 9.9.9 is nowhere on this disk" in said
    said = render({"source": "oci://p:1"}, "--oci-layout", tmp_path / "none")
    assert "there is no such folder of OCI layouts" in said


def test_two_that_are_meant_equally(render, tmp_path):
    layout = Layout(tmp_path / "oci")
    layout.add(tar_of({"main.k": ITEMS % "a"}), "a/p:1")
    layout.add(tar_of({"main.k": ITEMS % "b"}), "b/p:1")
    assert "names several modules" in render({"source": "oci://p:1"}, "--oci-layout", layout.folder)
    assert value_of(render({"source": "oci://a/p:1"}, "--oci-layout", layout.folder)) == "a"


def test_vendored_folder(render, tmp_path):
    for folder, version in (("hello_1.0.0", "1.0.0"), ("vendor/hello_2.0.0", "2.0.0")):
        for name, text in module(version).items():
            path = tmp_path / "root" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    source = PROGRAM.format(package="hello", value="hello.greeting")
    for version in ("1.0.0", "2.0.0"):
        assert value_of(render({"source": source, "dependencies": f'hello = "{version}"'}, "--root",
                               tmp_path / "root")) == f"hello of {version}"


def test_links_do_not_lead_out_of_the_root(render, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/main.k").write_text(ITEMS % "secret")
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (root / "inside/main.k").write_text(ITEMS % "inside")
    (root / "out").symlink_to("../secret")
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "file.k").symlink_to("../secret/main.k")
    (root / "fine").symlink_to("inside")
    for source in ("./out", "./absolute", "./file.k", "../secret", str(tmp_path / "secret"), str(root / "out")):
        assert "is not there, or not in a folder" in render({"source": source}, "--root", root), source
    for source in ("./inside", "./fine", "./fine/main.k", str(root / "fine"), "./inside/../fine"):
        assert value_of(render({"source": source}, "--root", root)) == "inside"


def test_dependencies_that_cannot_be_read(render):
    said = render({"source": "items = []", "dependencies": "hello = = 1"})
    assert "failed to run kcl function pipelines: dependencies:1:" in said

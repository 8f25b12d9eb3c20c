"""`scia kcl run`, as a person uses it: settings, selectors, overrides, packages, standard input, files."""
import subprocess

import pytest
from function_server import SCIA
from oci_layout import Layout, tar_of

PROGRAM = """schema App:
    name: str
    image: str = "v1"
    ports: [int] = [80]

app = App {name = "a"}
other = {b = 1, a = {c = [1, {d = 3}]}, none = None}
_hidden = 1
size = option("size") or "none"
"""


@pytest.fixture
def kcl(tmp_path):
    """Runs it in tmp_path, where files are written first; what it prints, or its errors."""
    def run(*arguments, files=None, stdin="", environment=None):
        for name, text in (files or {}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        said = subprocess.run([str(SCIA.resolve()), "kcl", "run", *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path,
                              input=stdin, timeout=60, env={"HOME": str(tmp_path), "PATH": "/bin", **(environment or {})})
        return said.stdout if said.returncode == 0 else "FAILED " + said.stderr
    return run


@pytest.mark.parametrize("arguments, wanted", [
    (["-S", "app.name"], "a\n"),
    (["-S", "app"], "name: a\nimage: v1\nports:\n- 80\n"),
    (["-S", "other.a.c"], "- 1\n- d: 3\n"),
    (["-S", "app.name", "-S", "other.b"], "- a\n- 1\n"),
    (["--path_selector", "other.a"], "c:\n- 1\n- d: 3\n"),
    (["-S", "app", "--format", "json"], '{\n    "name": "a",\n    "image": "v1",\n    "ports": [\n        80\n    ]\n}\n'),
    (["-S", "app.nothing"], "FAILED"),
    (["-S", "nothing"], "FAILED"),
])
def test_path_selectors(kcl, arguments, wanted):
    said = kcl("main.k", *arguments, files={"main.k": PROGRAM})
    if wanted == "FAILED":
        assert f"invalid path select operand {arguments[1]}, value not found" in said
    else:
        assert said == wanted


@pytest.mark.parametrize("overrides, selector, wanted", [
    (["app.image=v2"], "app.image", "v2\n"),
    (['app.image="v 2"'], "app.image", "v 2\n"),
    (["app.ports=[1, 2]"], "app.ports", "- 1\n- 2\n"),
    (["other.b=5", "other.n.m=True"], "other", "b: 5\na:\n  c:\n  - 1\n  - d: 3\nnone: null\nn:\n  m: true\n"),
    (["other.a-"], "other", "b: 1\nnone: null\n"),
    (["other.a:{e=5}"], "other.a", "e: 5\n"),
    (["new=1"], "new", "1\n"),
])
def test_overrides(kcl, overrides, selector, wanted):
    options = [part for o in overrides for part in ("-O", o)]
    assert kcl("main.k", "-S", selector, *options, files={"main.k": PROGRAM}).replace("'n'", "n") == wanted


@pytest.mark.parametrize("override", ["", "=1", "app.image", "app.image=", "-"])
def test_overrides_that_are_none(kcl, override):
    said = kcl("main.k", "-O", override, files={"main.k": PROGRAM})
    assert f"Invalid spec format '{override}', expected <field_path>=<field_value> or <field_path>-" in said


@pytest.mark.parametrize("value, wanted", [("3", "3"), ("x", "x"), ("True", "true"), ('{"a": [1]}', "a:\n  - 1"),
                                           ('"3"', "'3'"), ("12e1", "'12e1'"), ("a b", "a b"), ("1.5", "1.5")])
def test_arguments(kcl, value, wanted):
    assert wanted in kcl("main.k", "-D", f"size={value}", files={"main.k": PROGRAM})


@pytest.mark.parametrize("argument", ["size", "=1", "size=", "a=b=c"])
def test_arguments_that_are_none(kcl, argument):
    assert f"Invalid value for top level arguments: -D {argument}" in kcl("main.k", "-D", argument, files={"main.k": PROGRAM})


def test_flags(kcl):
    files = {"main.k": PROGRAM}
    assert "none: null" in kcl("main.k", files=files) and "none: null" not in kcl("main.k", "-n", files=files)
    assert "_hidden: 1" in kcl("main.k", "-H", files=files)
    assert kcl("main.k", "-k", files=files).startswith("app:\n  image: v1\n  name: a\n")
    assert kcl("main.k", "--disable_none", "-q", "--no_style", files=files) == kcl("main.k", "--disable-none", files=files)
    assert kcl("main.k", "-o", "out.yaml", "-S", "size", files=files) == ""
    assert kcl("-", stdin="import file\nx = file.read('out.yaml')") == "x: |\n  none\n"


SETTINGS = """kcl_cli_configs:
  files: [one.k, ./two.k]
  overrides: [a=5]
  disable_none: true
  package_maps: {far: %s}
kcl_options:
- {key: size, value: {deep: 1}}
- {key: word, value: yes}
"""


def test_settings(kcl, tmp_path):
    files = {"conf/one.k": "import far\na = 1\nn = None\n", "conf/two.k": "b = option('size').deep + far.f\nw = option('word')\n",
             "conf/s.yaml": SETTINGS % (tmp_path / "elsewhere"), "elsewhere/kcl.mod": "[package]\nname='far'\n",
             "elsewhere/f.k": "f = 10\n", "t.yaml": "kcl_cli_configs: {path_selector: [b]}\n"}
    assert kcl("-Y", "conf/s.yaml", files=files) == "a: 5\nb: 11\nw: 'yes'\n"
    assert kcl("-Y", "conf/s.yaml", "-Y", "t.yaml") == "11\n"
    assert kcl("-Y", "conf/s.yaml", "t.yaml", "-S", "a") == "- 11\n- 5\n"
    assert kcl("-Y", "conf/s.yaml", "-D", "word=no", "conf/one.k") == "a: 5\n"
    assert "Failed to load 'none.yaml'" in kcl("-Y", "none.yaml")
    assert "invalid setting file format" in kcl("-Y", "bad.yaml", files={"bad.yaml": "kcl_options: {a: b}\n"})


def test_kcl_yaml_of_the_folder_and_of_a_package(kcl):
    files = {"kcl.yaml": "kcl_options: [{key: from, value: here}]\n", "a.k": "f = option('from')\n",
             "p/kcl.mod": "[package]\n", "p/kcl.yaml": "kcl_options: [{key: from, value: package}]\n", "p/a.k": "f = option('from')\n"}
    assert kcl("a.k", files=files) == "f: here\n"
    assert kcl("p") == "f: package\n"


def test_profile_of_kcl_mod(kcl):
    mod = ('[package]\nname = "p"\n[profile]\nentries = ["x.k", "${KCL_MOD}/sub/y.k"]\ndisable_none = true\n'
           'arguments = ["size=1"]\noverrides = ["a=2"]\n')
    files = {"p/kcl.mod": mod, "p/x.k": "a = 1\nn = None\ns = option('size')\n", "p/sub/y.k": "y = a\n", "p/z.k": "z = 1 / 0\n"}
    assert kcl("p", files=files) == "a: 2\ns: 1\n'y': 2\n"
    assert kcl("p", "-D", "size=7") == "a: 2\ns: 7\n'y': 2\n"
    assert kcl("p/x.k") == "a: 2\ns: 1\n"


def test_standard_input_and_several_files(kcl):
    files = {"one.k": "a = 1\n", "two.k": "b = a + 1\n", "lib/l.k": "l = 3\n"}
    assert kcl("one.k", "two.k", files=files) == "a: 1\nb: 2\n"
    assert kcl("-", stdin="import lib\nx = lib.l\n") == "x: 3\n"
    assert "Cannot find the kcl file, please check the file path none.k" in kcl("none.k")
    assert "fetched from a network" in kcl("https://example.com/a")
    assert "stdin.k:1:5" in kcl("-", stdin="x = y\n")


PACKAGE = {"kcl.mod": '[package]\nname = "far"\nversion = "1.2.0"\n', "main.k": "import .sub.deep\nf = deep.d\n", "sub/deep.k": "d = 'deep'\n"}


def test_packages(kcl, tmp_path):
    mod = '[package]\nname = "p"\n[dependencies]\nfar = "1.2.0"\n'
    files = {"p/kcl.mod": mod, "p/main.k": "import far\nimport far.sub.deep\nx = far.f + deep.d\n"}
    said = kcl("p", files=files)
    assert "pkgpath far not found in the program" in said and "far 1.2.0 is nowhere on this disk" in said and "kcl mod vendor" in said
    layout = Layout(tmp_path / "oci")
    layout.add(tar_of(PACKAGE), "ghcr.io/kcl-lang/far:1.2.0", compress=True)
    layout.add(tar_of({**PACKAGE, "main.k": "f = 1 / 0\n"}), "ghcr.io/kcl-lang/far:1.3.0")
    assert kcl("p", "--oci-layout", "oci") == "x: deepdeep\n"
    assert "nowhere on this disk" in kcl("p", "--oci-layout", "oci", "-V")
    assert kcl("oci://ghcr.io/kcl-lang/far", "--tag", "1.2.0", "--oci-layout", "oci") == "f: deep\n"
    assert kcl("--oci", "https://ghcr.io/kcl-lang/far", "-t", "1.2.0", "--oci-layout", "oci") == "f: deep\n"
    failed = kcl("oci://far", "--oci-layout", "oci")
    assert "oci://far:1.3.0/main.k:1:5" in failed and "1 | f = 1 / 0" in failed
    store = {f"store/far_1.2.0/{name}": text for name, text in PACKAGE.items()}
    assert kcl("p", files=store, environment={"KCL_PKG_PATH": str(tmp_path / "store")}) == "x: deepdeep\n"
    assert kcl("p", "-V", files={f"p/vendor/far_1.2.0/{name}": text for name, text in PACKAGE.items()}) == "x: deepdeep\n"
    assert kcl("p", "-E", f"far={tmp_path}/store/far_1.2.0", "${far:KCL_MOD}/main.k") != ""


def test_four_thousand_modules_are_loaded_in_a_moment(kcl, tmp_path):
    files = {f"m/p{i}/x.k": "import z\nv = z.z\n" for i in range(2000)}
    files |= {f"every/f{i}.k": f"import z\nv{i} = z.z\n" for i in range(2000)}
    files |= {"z.k": "z = 1\n", "kcl.mod": "", "main.k": "import every\n" + "".join(f"import m.p{i} as p{i}\n" for i in range(2000)) + "x = sum([\n" + "".join(
        f"    p{i}.v\n" for i in range(2000)) + "]) + every.v1999\n"}
    assert kcl("main.k", files=files) == "x: 2001\n"


def test_the_file_module_stays_below_its_root(kcl, tmp_path):
    files = {"in/a.txt": "a", "b.txt": "b", "x.k": "import file\nx = file.read('a.txt')\n", "y.k": "import file\ny = file.read('../b.txt')\n",
             "z.k": "import file\nz = file.read('b.txt')\n"}
    assert kcl("z.k", files=files) == "z: b\n"
    (tmp_path / "in/link").symlink_to("../b.txt")
    root = ["--file-root", "in"]
    assert "outside of the folders" in kcl("x.k", *root) and "outside of the folders" in kcl("y.k", *root)
    assert kcl("-", *root, stdin="import file\nx = file.read('in/a.txt')\n") == "x: a\n"
    assert "outside of the folders" in kcl("-", *root, stdin="import file\nx = file.read('in/link')\n")

"""What the input of function-kcl says: spec.config, settings files, types, and what programs see of the server."""
import pytest
from kcl_render import render, value_of  # noqa: F401

ITEM = """items = [{apiVersion = "v1", kind = "ConfigMap", metadata.name = "out", data.v = str(%s)}]\n"""
GETS = "cannot get Function input from *v1.RunFunctionRequest: cannot get function input *v1alpha1.KCLInput"


@pytest.mark.parametrize("config, expression, wanted", [
    ({"arguments": ["size=3", "name=x", 'list=[1, 2]']}, 'str(option("size") + 1) + option("name") + str(option("list"))', "4x[1, 2]"),
    ({"arguments": ["params=1"]}, 'option("params").oxr.kind', "XR"),
    ({"overrides": ["a.b=7"]}, "a.b", "7"),
    ({"overrides": ["a.c-"]}, "len(a)", "1"),
    ({"arguments": None, "settings": [], "vendor": True, "debug": True}, "a.b", "1"),
])
def test_config(render, config, expression, wanted):
    assert value_of(render({"source": "a = {b = 1, c = 2}\n" + ITEM % expression, "config": config})) == wanted


def test_path_selectors(render):
    source = "other = [{apiVersion = 'v1', kind = 'ConfigMap', metadata.name = 'out', data.v = 'selected'}]\nitems = []\n"
    assert value_of(render({"source": source, "config": {"pathSelectors": ["other"]}})) == "selected"
    assert "invalid path select operand none, value not found" in render({"source": source, "config": {"pathSelectors": ["none"]}})


def test_numbers_of_32_bits(render):
    source = "a = 2147483647 + 1\n" + ITEM % "a"
    assert value_of(render({"source": source})) == "2147483648"
    assert "2147483648: A 32 bit integer overflow" in render({"source": source, "config": {"strictRangeCheck": True}})


def test_hidden_and_none(render):
    source = "items = [{apiVersion = 'v1', kind = 'ConfigMap', metadata.name = 'out', data = {v = 'x', n = None, _h = 'h'}}]\n"
    assert render({"source": source})["out"]["data"] == {"v": "x", "n": None}
    assert render({"source": source, "config": {"disableNone": True, "showHidden": True}})["out"]["data"] == {"v": "x", "_h": "h"}


def test_settings_files(render, tmp_path):
    root = tmp_path / "root"
    (root / "packages/colours").mkdir(parents=True)
    (root / "packages/colours/kcl.mod").write_text("[package]\nname = 'colours'\n")
    (root / "packages/colours/main.k").write_text("best = 'blue'\n")
    (root / "a.yaml").write_text("kcl_cli_configs:\n  overrides: ['a=5']\n  package_maps: {colours: packages/colours}\n"
                                 "kcl_options:\n- {key: size, value: 1}\n- {key: yes, value: no}\n")
    (root / "b.yaml").write_text("kcl_options:\n- {key: size, value: {deep: [2]}}\n")
    source = "import colours\na = 1\n" + ITEM % "str(option('size').deep[0] + a) + option('yes') + colours.best"
    config = {"settings": ["a.yaml", "./b.yaml"]}
    assert value_of(render({"source": source, "config": config}, "--root", root)) == "7noblue"
    assert "a.yaml is not there, or not in a folder" in render({"source": source, "config": config})
    (root / "b.yaml").write_text("kcl_options: 1\n")
    assert "Failed to load './b.yaml', invalid setting file format: kcl_options is no list" in render(
        {"source": source, "config": config}, "--root", root)


@pytest.mark.parametrize("spec, message", [
    ({"source": 1}, 'JSON number into Go string within "/spec/source"'),
    ({"source": "", "config": []}, 'JSON array into Go v1alpha1.ConfigSpec within "/spec/config"'),
    ({"config": {"debug": "yes"}}, 'JSON string into Go bool within "/spec/config/debug"'),
    ({"config": {"arguments": "a=b"}}, 'JSON string into Go []string within "/spec/config/arguments"'),
    ({"config": {"overrides": ["a=1", True]}}, 'JSON boolean into Go string within "/spec/config/overrides/1"'),
    ({"resources": [{"name": 1}]}, 'JSON number into Go string within "/spec/resources/0/name"'),
    ({"params": "x"}, 'JSON string into Go map[string]runtime.RawExtension within "/spec/params"'),
])
def test_types(render, spec, message):
    said = render({"source": "items = []", **spec})
    assert GETS in said and message in said


def test_fields_that_are_not_known_are_not_looked_at(render):
    spec = {"source": ITEM % "1", "matchConstraints": {"resourceRules": []}, "config": {"unknown": 1}, "credentials": {"url": "x"}}
    assert value_of(render(spec)) == "1"


@pytest.mark.parametrize("source, message", [
    ("", "invalid function input: spec.source: Required value: kcl source cannot be empty"),
    ("git::https://example.com/a.git", "programs are not fetched from a network"),
    ("https://example.com/a.k", "programs are not fetched from a network"),
    ("github.com/example/a", "programs are not fetched from a network"),
    ("./a.k", "is not there, or not in a folder that programs may be loaded from (--root)"),
    ("oci://ghcr.io/a/b:1", "is nowhere on this disk, and nothing is fetched from a network"),
])
def test_sources(render, source, message):
    assert message in render({"source": source})


def test_environment_is_hidden_unless_it_is_named(render, monkeypatch):
    monkeypatch.setenv("SCIA_TEST_A", "a")
    monkeypatch.setenv("SCIA_TEST_B", "b")
    source = ITEM % "'|'.join([option('env')[n] or '-' for n in ['SCIA_TEST_A', 'SCIA_TEST_B']] + [option('PATH') or '-'])"
    assert value_of(render({"source": source})) == "-|-|-"
    assert value_of(render({"source": source}, "--env", "SCIA_TEST_A")) == "a|-|-"
    assert value_of(render({"source": source}, "--env", "*")).startswith("a|b|/")


def test_files_are_out_of_reach_unless_a_folder_is_given(render, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("text")
    source = "import file\n" + ITEM % "file.read('a.txt')"
    assert "failed to access the file 'a.txt': this evaluation may touch no files" in render({"source": source})
    assert value_of(render({"source": source}, "--file-root", tmp_path / "in")) == "text"
    source = "import file\n" + ITEM % "file.read('../xr.yaml')"
    assert "it is outside of the folders that programs may touch" in render({"source": source}, "--file-root", tmp_path / "in")

"""KCL programs that loop, recurse or grow without end: each ends soon, says why, and takes what it may and no more; in a
process of its own and inside of a server, which goes on answering others."""
import json
import os
import re
import resource
import subprocess
import time

import pytest
from function_server import SCIA, needs_client, node
from process_usage import usage

PATIENCE = float(os.environ.get("SCIA_TEST_PATIENCE", "1"))
DEEP = 100000


def doubled(first, step, last, n=60):
    """Variables that are each made of the one before, twice."""
    return "_a0 = " + first + "\n" + "".join(f"_a{i + 1} = {step.format(a=f'_a{i}')}\n" for i in range(n)) + last.format(a=f"_a{n}") + "\n"


# name: (program, what it says)
LIMITS = "too many steps|out of memory|more than .* bytes"
BOMBS = {
    "recursion": ("f = lambda n {\n    f(n + 1)\n}\na = f(0)\n", "stack overflow"),
    "mutual recursion": ("f = lambda n {\n    g(n)\n}\ng = lambda n {\n    f(n)\n}\na = f(0)\n", "stack overflow"),
    "recursion in two branches": ("f = lambda n {\n    1 if n == 0 else f(n - 1) + f(n - 1)\n}\na = f(60)\n", LIMITS),
    "schema of itself": ("schema S:\n    n: int = 1\n    next: S = S{}\na = S{}\n", "stack overflow"),
    "schema with a base of itself": ("schema Son:\n    f: str\n    p: P = None\n\nschema P[name](Son):\n    g: str = name\n    son: Son = Son {p: P(name) {}}\n\na = P(name = \"1\") {}\n", "stack overflow"),
    "loops in loops": ("a = [x for x in range(100000) for y in range(100000) if False]\n", LIMITS),
    "quantifiers in quantifiers": ("_l = range(100000)\na = all x in _l { all y in _l { True } }\n", LIMITS),
    "long string": ('a = "x" * 10000000000\n', LIMITS),
    "long list": ("a = [1] * 9223372036854775807\n", "overflow|" + LIMITS),
    "text twice as long": (doubled("'x' * 1000", "{a} + {a}", "b = len({a})"), LIMITS),
    "tree twice as large": (doubled("[1]", "[{a}, {a}]", "b = {a}"), LIMITS),
    "tree as text": (doubled("[1]", "[{a}, {a}]", "b = len(str({a}))"), LIMITS),
    "tree compared": (doubled("[1]", "[{a}, {a}]", "b = {a} == [{a}][0]\nc = isunique([{a}, {a}])"), LIMITS),
    "tree as JSON": ("import json\n" + doubled("[1]", "[{a}, {a}]", "b = len(json.encode({a}))"), LIMITS),
    "tree united": (doubled("{{x = 1}}", "{{{{p = {a}, q = {a}}}}}", "b = {a} | {a}", 24).replace("{{", "{").replace("}}", "}"), LIMITS),
    "types twice as large": ("type A0 = str\n" + "".join(f"type A{i + 1} = [A{i}] | {{str:A{i}}}\n" for i in range(60)) + "a: A60 = []\nassert False, 'checked'\n", "checked"),
    "keys of keys unpacked": ("_a0 = {a = 1}\n" + "".join(f"_a{i + 1} = {{**_a{i}, **_a{i}, b{i} = 1}}\n" for i in range(4000)) + "assert False, 'ran'\n", "ran|" + LIMITS),
    "catastrophic pattern": ('import regex\na = regex.match("a" * 5000 + "!", r"^(a+)+$")\n', "limit"),
    "patterns just below the limit": ('import regex\na = [regex.match("a" * 17 + "!", r"^(a+)+$") for i in range(10000000)]\n', LIMITS),
    "pattern without backtracks": ('import regex\n_s = "a" * 1000000\na = regex.match(_s, r"a*+[bc]")\n', LIMITS),
    "width of a format": ("a = '{:1000000000}'.format(1)\n", LIMITS),
    "replaced by more": ('a = ("a" * 1000000).replace("a", "b" * 100000)\n', LIMITS),
    "laughs": ("import yaml\na = len(str(yaml.decode(\"" + "a0: &a0 [x, x]\\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}, *a{i}, *a{i}]\\n" for i in range(30)) + "\")))\n", LIMITS),
    "YAML directives": ('import yaml\na = yaml.decode("".join(["%TAG !a${i}! b\\n" for i in range(50000)]) + "--- 1")\n', LIMITS),
    "JSON trees": ('import json\n_s = "[" + "[]," * 500000 + "1]"\na = [json.validate(_s) for i in range(10000)]\n', LIMITS),
    "parsers that fail": ('import runtime\nimport yaml\na = [len(runtime.catch(lambda { yaml.decode("[") })) for i in range(10000000)]\n', LIMITS),
    "large text in base64": ('import base64\n_s = "x" * 4000000\na = [len(base64.encode(_s)) for i in range(1000000)]\n', LIMITS),
    "hashes of a large text": ('import crypto\n_s = "x" * 4000000\na = [crypto.sha512(_s) for i in range(1000000)]\n', LIMITS),
    "template loops": ('import template\na = template.execute("{{#each l}}{{#each ../l}}{{#each ../../l}}x{{/each}}{{/each}}{{/each}}", {l = list(range(10000))})\n', LIMITS),
    "power": ("a = 2 ** 10000000000\n", "overflow"),
    "factorial": ("import math\na = math.factorial(1000000000)\n", "overflow"),
    "index": ("a = [1][1000000000000000000]\n", "out of range"),
    "brackets": ("a = " + "(" * DEEP + "1" + ")" * DEEP + "\n", "nested too deeply"),
    "interpolations": ("a = " + '"${' * DEEP + "1" + '}"' * DEEP + "\n", "InvalidSyntax|nested"),
    "dotted keys": ("a = {b" + ".b" * DEEP + " = 1}\n", "nested too deeply"),
    "dotted keys in dotted keys": ("a = " + ("{" + ".".join(["b"] * 150) + " = ") * 150 + "1" + "}" * 150 + "\n", "nested too deeply"),
    "types": ("a: " + "[" * DEEP + "int" + "]" * DEEP + " = 1\n", "nested too deeply"),
    "a schema of many attributes": ("schema S:\n" + "".join(f"    a{i}: int = {i}\n" for i in range(30000)) + "_b = S{}\nassert False, 'ran'\n", "ran"),
}


# Those that take all of a gigabyte or of a hundred million steps are for the server, whose limits are lower here.
QUICK = [name for name, (_, said) in BOMBS.items() if said != LIMITS] + ["long string", "YAML directives", "hashes of a large text",
                                                                         "pattern without backtracks", "width of a format"]


@pytest.mark.parametrize("name", QUICK)
def test_a_program_ends(name, tmp_path):
    program, said = BOMBS[name]
    (tmp_path / "bomb.k").write_text(program)
    with open(tmp_path / "err", "wb") as err:
        begin = time.monotonic()
        child = subprocess.Popen([str(SCIA), "kcl", "run", str(tmp_path / "bomb.k")], stdout=subprocess.DEVNULL, stderr=err,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(60 * PATIENCE),) * 2))
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    text = (tmp_path / "err").read_text(errors="replace")
    assert child.returncode == 1, text[-500:]
    assert re.search(said, text), text[-500:]
    assert used.ru_maxrss < 1400 * 1024, f"{used.ru_maxrss // 1024} MiB after {time.monotonic() - begin:.1f} s"
    assert len(text) < 2 * 1024 * 1024


@needs_client
def test_a_server_survives_them_all(start_server, tmp_path):
    server = start_server("--insecure", "--threads", "2", "--max-memory", "64", "--max-steps", "10000000")
    programs = {name: program for name, (program, _) in BOMBS.items() if len(program) < 3 * 1024 * 1024}
    (tmp_path / "programs.json").write_text(json.dumps(programs))
    run = subprocess.run(node("call_programs.mjs", server.target, tmp_path / "programs.json", int(10000 * PATIENCE)),
                         capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    wrong = {name: outcome for name, outcome in told["outcomes"].items() if outcome not in ("SEVERITY_FATAL", "DEADLINE_EXCEEDED")}
    assert wrong == {} and sorted(told["outcomes"]) == sorted(programs)
    assert told["others"] >= 5 and told["failed"] == 0, told
    assert usage(server.process.pid)["rss_mb"] < 64 * 2 + 200

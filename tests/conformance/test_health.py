"""Health, version and metrics (reference, "Kubernetes API health endpoints"; k8s.io/apiserver/pkg/server/healthz; names of
k8s.io/apiserver/pkg/endpoints/metrics)."""
import re

import apiclient
import pytest


@pytest.fixture()
def stranger(server):
    client = apiclient.Client(server.kubeconfig, certificate=False)
    yield client
    if client.connection:
        client.connection.close()


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_ok(stranger, path):
    answer = stranger.get(path)
    assert answer.status == 200 and answer.body == b"ok" and answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert stranger.request("HEAD", path).status == 200


@pytest.mark.parametrize("kind", ["healthz", "livez", "readyz"])
def test_verbose(stranger, kind):
    lines = stranger.get(f"/{kind}?verbose").body.decode().splitlines()
    assert "[+]ping ok" in lines and lines[-1] == f"{kind} check passed"
    assert all(re.fullmatch(r"\[\+\]\S+ ok", line) for line in lines[:-1])
    assert ("[+]store ok" in lines) == (kind == "readyz")


def test_excluding(stranger):
    text = stranger.get("/readyz?verbose=true&exclude=store").body.decode()
    assert "[+]store excluded: ok\n" in text and text.endswith("readyz check passed\n")
    text = stranger.get("/readyz?verbose&exclude=nothing&exclude=ping&exclude=none").body.decode()
    assert "[+]ping excluded: ok\n" in text
    assert 'warn: some health checks cannot be excluded: no matches for "nothing", "none"\n' in text
    assert stranger.get("/readyz?exclude=nothing").body == b"ok"


@pytest.mark.parametrize("path", ["/healthz/ping", "/livez/ping", "/readyz/ping", "/readyz/store"])
def test_single_checks_are_not_for_strangers(api, stranger, path):
    answer = api.get(path)
    assert answer.status == 200 and answer.body == b"ok"
    assert stranger.get(path).status == 401


def test_no_such_check(api):
    assert api.get("/readyz/nothing").status == 404


def test_version(stranger):
    answer = stranger.get("/version")
    assert answer.status == 200 and answer.body.startswith(b'{\n  "major": "1",\n')
    assert {"major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"} <= set(answer.json)
    assert re.match(r"v1\.\d+\.\d+", answer.json["gitVersion"])


def test_nothing_else_without_credentials(stranger):
    for path in ("/metrics", "/api", "/apis", "/openapi/v2", "/api/v1/namespaces", "/"):
        assert stranger.get(path).status in (401, 403), path


def value(text, name, **labels):
    """The sum of the series with these labels."""
    total = 0.0
    for line in text.splitlines():
        if match := re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line):
            found = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[1] or ""))
            if all(found.get(k) == v for k, v in labels.items()):
                total += float(match[2])
    return total


@pytest.mark.parametrize("verb, call, labels", [
    ("GET", lambda c, ns: c.get(f"/api/v1/namespaces/{ns}"), {"resource": "namespaces", "scope": "resource", "code": "200"}),
    ("GET", lambda c, ns: c.get(f"/api/v1/namespaces/{ns}/configmaps/none"), {"resource": "configmaps", "code": "404"}),
    ("LIST", lambda c, ns: c.get(f"/api/v1/namespaces/{ns}/configmaps"), {"resource": "configmaps", "scope": "namespace"}),
    ("LIST", lambda c, ns: c.get("/apis/example.org/v1/widgets"), {"group": "example.org", "version": "v1", "scope": "cluster"}),
    ("POST", lambda c, ns: c.post(f"/api/v1/namespaces/{ns}/configmaps", {"metadata": {"name": "m"}}, dryRun="All"), {"dry_run": "All", "code": "201"}),
    ("PATCH", lambda c, ns: c.patch(f"/api/v1/namespaces/{ns}", {}), {"resource": "namespaces"}),
    ("APPLY", lambda c, ns: c.patch(f"/api/v1/namespaces/{ns}/configmaps/ap", {"apiVersion": "v1", "kind": "ConfigMap"}, "apply", fieldManager="m"),
     {"resource": "configmaps"}),
    ("DELETECOLLECTION", lambda c, ns: c.delete(f"/api/v1/namespaces/{ns}/secrets"), {"resource": "secrets"}),
])
def test_requests_are_counted(api, ns, verb, call, labels):
    def read():
        return api.get("/metrics").body.decode()
    counter, histogram = "apiserver_request_total", "apiserver_request_duration_seconds_count"
    before = read()
    call(api, ns)
    after = read()
    assert value(after, counter, verb=verb, component="apiserver", **labels) == value(before, counter, verb=verb, component="apiserver", **labels) + 1
    labels.pop("code", None)
    assert value(after, histogram, verb=verb, **labels) == value(before, histogram, verb=verb, **labels) + 1


def test_what_is_under_way(api, ns):
    watch = api.watch(f"/api/v1/namespaces/{ns}/configmaps")
    api.post(f"/api/v1/namespaces/{ns}/configmaps", {"metadata": {"name": "a"}})
    next(watch)
    text = api.get("/metrics").body.decode()
    assert value(text, "apiserver_longrunning_requests", verb="WATCH", resource="configmaps", scope="namespace") >= 1
    assert value(text, "apiserver_current_inflight_requests", request_kind="readOnly") >= 1
    assert value(text, "apiserver_storage_objects", resource="namespaces") >= 5
    watch.close()

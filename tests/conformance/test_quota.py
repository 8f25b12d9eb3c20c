"""Resource quotas (kubernetes.io/docs/concepts/policy/resource-quotas)."""
import concurrent.futures

import pytest
from apiclient import Client, eventually


@pytest.fixture()
def quota(api, ns):
    """quota(**hard) makes one and waits until its status is there."""
    path = f"/api/v1/namespaces/{ns}/resourcequotas"

    def make(name="q", spec=None, **hard):
        hard = {k.replace("__", "/").replace("_", "."): v for k, v in hard.items()}
        assert api.post(path, {"metadata": {"name": name}, "spec": {"hard": hard, **(spec or {})}}).status == 201
        eventually(lambda: "used" in api.get(f"{path}/{name}").json.get("status", {}))
        return f"{path}/{name}"
    return make


def used(api, path):
    return api.get(path).json["status"]["used"]


def widgets(ns):
    return f"/apis/example.org/v1/namespaces/{ns}/widgets"


def widget(name):
    return {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {}}


def test_counts_of_custom_resources(api, ns, quota):
    path = quota(count__widgets_example_org="2")
    for name in "ab":
        assert api.post(widgets(ns), widget(name)).status == 201
    answer = api.post(widgets(ns), widget("c"))
    assert answer.status == 403 and answer.json["reason"] == "Forbidden"
    assert answer.json["message"] == (
        'widgets.example.org "c" is forbidden: exceeded quota: q, requested: count/widgets.example.org=1, used: '
        'count/widgets.example.org=2, limited: count/widgets.example.org=2')
    assert answer.json["details"] == {"name": "c", "group": "example.org", "kind": "widgets"}
    eventually(lambda: used(api, path) == {"count/widgets.example.org": "2"}, 2)
    assert api.patch(f"{widgets(ns)}/a", {"spec": {"size": 3}}).status == 200
    assert api.delete(f"{widgets(ns)}/a").status == 200
    assert api.post(widgets(ns), widget("c")).status == 201


def test_status_follows(api, ns, quota):
    path = quota(configmaps="10", secrets="5k")
    before = int(used(api, path)["configmaps"])
    assert api.post(f"/api/v1/namespaces/{ns}/configmaps", {"metadata": {"name": "a"}}).status == 201
    eventually(lambda: used(api, path)["configmaps"] == str(before + 1), 2)
    assert api.get(path).json["status"]["hard"] == {"configmaps": "10", "secrets": "5k"}
    api.delete(f"/api/v1/namespaces/{ns}/configmaps/a")
    eventually(lambda: used(api, path)["configmaps"] == str(before), 2)
    api.patch(path, {"spec": {"hard": {"configmaps": "3", "secrets": None}}})
    eventually(lambda: api.get(path).json["status"] == {"hard": {"configmaps": "3"}, "used": {"configmaps": str(before)}}, 2)


def test_two_hundred_creators_and_fifty_places(api, server, ns, quota):
    path = quota(count__widgets_example_org="50")

    def create(n):
        client = Client(server.kubeconfig)
        try:
            return client.post(widgets(ns), widget(f"w{n}")).status
        finally:
            client.connection.close()
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(create, range(200)))
    assert statuses.count(201) == 50 and statuses.count(403) == 150
    assert len(api.get(widgets(ns)).json["items"]) == 50
    eventually(lambda: used(api, path) == {"count/widgets.example.org": "50"}, 2)


def test_dry_runs_are_checked_and_do_not_count(api, ns, quota):
    quota(count__widgets_example_org="1")
    for _ in range(3):
        assert api.post(widgets(ns) + "?dryRun=All", widget("a")).status == 201
    assert api.post(widgets(ns), widget("a")).status == 201
    assert api.post(widgets(ns) + "?dryRun=All", widget("b")).status == 403


def pod(name="p", **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def with_resources(name="p", **resources):
    obj = pod(name)
    obj["spec"]["containers"][0]["resources"] = resources
    return obj


def test_compute_resources(api, ns, quota):
    path = quota(requests_cpu="1", limits_memory="1Gi")
    pods = f"/api/v1/namespaces/{ns}/pods"
    silent = api.post(pods, pod())
    assert silent.status == 403 and silent.json["message"] == (
        'pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c')
    assert api.post(pods, with_resources(requests={"cpu": "600m"}, limits={"memory": "512Mi"})).status == 201
    eventually(lambda: used(api, path) == {"requests.cpu": "600m", "limits.memory": "512Mi"}, 2)
    second = api.post(pods, with_resources("p2", requests={"cpu": "600m"}, limits={"memory": "512Mi"}))
    assert second.status == 403 and second.json["message"] == (
        'pods "p2" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, '
        'limited: requests.cpu=1')
    assert api.post(pods, with_resources("p2", requests={"cpu": "400m"}, limits={"memory": "512Mi"})).status == 201


def test_scopes(api, ns, quota):
    quota("best", {"scopes": ["BestEffort"]}, pods="1")
    quota("high", {"scopeSelector": {"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}, pods="0")
    pods = f"/api/v1/namespaces/{ns}/pods"
    assert api.post(pods, with_resources("a", requests={"cpu": "1"})).status == 201
    assert api.post(pods, pod("b")).status == 201
    assert "exceeded quota: best" in api.post(pods, pod("c")).json["message"]
    assert api.post(pods, with_resources("d", requests={"cpu": "1"})).status == 201


def test_services(api, ns, quota):
    quota(services_nodeports="1", services_loadbalancers="0")
    services = f"/api/v1/namespaces/{ns}/services"
    spec = {"ports": [{"port": 80}]}
    assert api.post(services, {"metadata": {"name": "a"}, "spec": {**spec, "type": "NodePort"}}).status == 201
    assert "services.loadbalancers=1" in api.post(
        services, {"metadata": {"name": "b"}, "spec": {**spec, "type": "LoadBalancer"}}).json["message"]
    assert api.post(services, {"metadata": {"name": "b"}, "spec": spec}).status == 201
    answer = api.patch(f"{services}/b", {"spec": {"type": "NodePort"}})
    assert answer.status == 403 and "services.nodeports=1" in answer.json["message"]


def test_usage_is_right_after_a_restart(api, server, ns, quota):
    path = quota(count__widgets_example_org="3", pods="2")
    api.post(widgets(ns), widget("a"))
    assert api.post(f"/api/v1/namespaces/{ns}/pods", pod()).status == 201
    server.kill()
    server.start()
    again = Client(server.kubeconfig)
    assert again.post(widgets(ns), widget("b")).status == 201
    assert again.post(f"/api/v1/namespaces/{ns}/pods", pod("p2")).status == 201
    assert again.post(f"/api/v1/namespaces/{ns}/pods", pod("p3")).status == 403
    eventually(lambda: used(again, path) == {"count/widgets.example.org": "2", "pods": "2"}, 2)


def test_kubectl_shows_it(ns, quota, kubectl):
    quota(count__widgets_example_org="3")
    out = kubectl.ok("describe", "quota", "q")
    assert "count/widgets.example.org" in out and "0" in out
    assert "REQUEST" in kubectl.ok("get", "quota")


@pytest.mark.parametrize("spec, field, words", [
    ({"hard": {"pods": "1.5"}}, "spec.hard[pods]", "must be an integer"),
    ({"hard": {"foo": "1"}}, "spec.hard[foo]", "must be a standard resource for quota"),
    ({"hard": {"storage": "1"}}, "spec.hard[storage]", "must be a standard resource for quota"),
    ({"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}, "spec.scopes", "conflicting scopes"),
    ({"hard": {"services": "1"}, "scopes": ["Terminating"]}, "spec.scopes", "unsupported scope applied to resource"),
    ({"hard": {"cpu": "1"}, "scopes": ["BestEffort"]}, "spec.scopes", "unsupported scope applied to resource"),
    ({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}},
     "spec.scopeSelector.matchExpressions.values", "must be at least one value"),
    ({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "Terminating", "operator": "DoesNotExist"}]}},
     "spec.scopeSelector.matchExpressions.operator", "must be 'Exist' when scope is any of"),
])
def test_quotas_that_cannot_be(api, ns, spec, field, words):  # pkg/apis/core/validation, ValidateResourceQuotaSpec
    answer = api.post(f"/api/v1/namespaces/{ns}/resourcequotas", {"metadata": {"name": "q"}, "spec": spec})
    assert answer.status == 422, answer
    assert any(c["field"] == field and words in c["message"] for c in answer.json["details"]["causes"]), answer


@pytest.mark.parametrize("spec", [
    {"hard": {"count/widgets.example.org": "1", "requests.example.com/gpu": "2", "hugepages-2Mi": "1Mi"}},
    {"hard": {"cpu": "1500m", "limits.memory": "1Gi"}, "scopes": ["Terminating", "NotBestEffort"]},
    {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["x"]}]}},
])
def test_quotas_that_can_be(api, ns, spec):
    assert api.post(f"/api/v1/namespaces/{ns}/resourcequotas?dryRun=All", {"metadata": {"name": "q"}, "spec": spec}).status == 201


@pytest.mark.parametrize("limit, field, words", [
    ({"type": "Foo", "max": {"cpu": "1"}}, "spec.limits[0].type", "must be a standard limit type or fully qualified"),
    ({"type": "Pod", "default": {"cpu": "1"}}, "spec.limits[0].default", "may not be specified when `type` is 'Pod'"),
    ({"type": "PersistentVolumeClaim"}, "spec.limits[0].limits", "either minimum or maximum storage value is required"),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "500m"}}, "spec.limits[0].maxLimitRequestRatio[cpu]", "ratio 500m is less than 1"),
    ({"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}, "spec.limits[0].min[cpu]", "min value 2 is greater than max value 1"),
    ({"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}, "spec.limits[0].defaultRequest[cpu]",
     "default request value 2 is greater than default limit value 1"),
    ({"type": "Container", "max": {"foo": "1"}}, "spec.limits[0].max[foo]", "must be a standard resource type or fully qualified"),
])
def test_limit_ranges_that_cannot_be(api, ns, limit, field, words):  # pkg/apis/core/validation, ValidateLimitRange
    answer = api.post(f"/api/v1/namespaces/{ns}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [limit]}})
    assert answer.status == 422, answer
    assert any(c["field"] == field and words in c["message"] for c in answer.json["details"]["causes"]), answer

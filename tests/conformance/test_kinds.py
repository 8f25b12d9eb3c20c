"""The built-in kinds: stored, checked and shown as Kubernetes does (kubernetes.io/docs/reference/kubernetes-api; defaults and
validation as in pkg/apis/*/v1/defaults.go and pkg/apis/*/validation of kubernetes/kubernetes)."""
import json

import pytest
import yaml

DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "labels": {"app": "shop"}},
    "spec": {"selector": {"matchLabels": {"app": "shop"}},
             "template": {"metadata": {"labels": {"app": "shop"}},
                          "spec": {"containers": [{"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}]}]}}},
}

# In the form of what add-ons ship: an operator with its rights, its service, its webhook, its budget.
ADDON = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator}
rules:
- apiGroups: ["", coordination.k8s.io]
  resources: [configmaps, leases]
  verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects: [{kind: ServiceAccount, name: operator, namespace: NAMESPACE}]
---
apiVersion: v1
kind: Service
metadata: {name: operator-webhook, labels: {app: operator}}
spec:
  selector: {app: operator}
  ports: [{name: https, port: 443, targetPort: webhook}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec:
  replicas: 2
  revisionHistoryLimit: 3
  selector: {matchLabels: {app: operator}}
  template:
    metadata:
      labels: {app: operator}
      annotations: {prometheus.io/scrape: "true"}
    spec:
      serviceAccountName: operator
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,
         labelSelector: {matchLabels: {app: operator}}}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - {weight: 100, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: operator}}}}
      initContainers:
      - {name: init, image: "registry.example/operator@sha256:0123456789012345678901234567890123456789012345678901234567890123"}
      containers:
      - name: manager
        image: registry.example/operator
        args: [--leader-elect]
        env:
        - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.cpu, containerName: manager}}}
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: token, optional: true}}}
        envFrom: [{configMapRef: {name: settings}}]
        ports: [{containerPort: 9443, name: webhook}, {containerPort: 8080, name: metrics}]
        resources: {requests: {cpu: 100m, memory: 0.5Gi}, limits: {cpu: 1, memory: 1024Mi}}
        livenessProbe: {httpGet: {path: /healthz, port: 8081}, initialDelaySeconds: 15}
        readinessProbe: {grpc: {port: 9000}}
        lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
        volumeMounts: [{name: certs, mountPath: /certs, readOnly: true}, {name: tmp, mountPath: /tmp}]
      volumes:
      - {name: certs, secret: {secretName: certs}}
      - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
      - name: all
        projected: {sources: [{serviceAccountToken: {path: token}}, {configMap: {name: settings}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: operator}
spec: {maxUnavailable: 50%, selector: {matchLabels: {app: operator}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: operator}
spec:
  podSelector: {matchLabels: {app: operator}}
  ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 9443}]}]
  egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: operator}
spec:
  ingressClassName: nginx
  tls: [{hosts: [a.example], secretName: tls}]
  rules:
  - {host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: operator-webhook, port: {name: https}}}}]}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: "migrate:1"}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: nightly, image: "nightly:1"}]}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "postgres:17"}]}}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, tolerations: [{operator: Exists}], containers: [{name: agent, image: "agent:1"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: operator}
spec: {maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: operator}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec: {limits: [{type: Container, max: {cpu: "2"}, min: {cpu: 10m}}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota}
spec: {hard: {pods: "10", requests.cpu: "4000m"}}
"""

CLUSTER = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: kinds-test}
webhooks:
- name: validate.kinds.example
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {namespace: none, name: none, path: /validate}}
  rules: [{apiGroups: [kinds.example], apiVersions: [v1], operations: [CREATE], resources: [things]}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: kinds-test}
value: 1000
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: kinds-test, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: example.com/none
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: kinds-test}
spec: {controller: example.com/none}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.kinds.example}
spec: {group: kinds.example, version: v1, groupPriorityMinimum: 100, versionPriority: 10, service: {namespace: none, name: none}}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: kinds-test}
handler: none
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: kinds-test.example}
spec: {}
"""


def addon(ns):
    return ADDON.replace("NAMESPACE", ns)


def test_manifests_of_add_ons_apply(kubectl, api, ns):
    out = kubectl.run("apply", "-f", "-", stdin=addon(ns))
    assert out.returncode == 0, out.stderr
    # What nothing acts on here is told, once each.
    for words in ("deployments.apps are stored", "services are stored", "jobs are stored", "ingresses are stored"):
        assert words in out.stderr, out.stderr
    before = json.loads(kubectl.ok("get", "-f", "-", "-o", "json", stdin=addon(ns)))["items"]
    # kubectl sends a patch where a value is not in its usual form or a list is atomic; it changes nothing here.
    kubectl.ok("apply", "-f", "-", stdin=addon(ns))
    after = json.loads(kubectl.ok("get", "-f", "-", "-o", "json", stdin=addon(ns)))["items"]
    changed = [(a, b) for a, b in zip(before, after) if a["metadata"]["resourceVersion"] != b["metadata"]["resourceVersion"]]
    # What a quota counts is written by the server itself.
    assert not [pair for pair in changed if pair[0]["kind"] != "ResourceQuota"], changed
    kubectl.ok("delete", "--wait=false", "-f", "-", stdin=addon(ns))


def test_cluster_wide_kinds_apply(kubectl):
    kubectl.ok("apply", "-f", "-", stdin=CLUSTER)
    try:
        assert "unchanged" in kubectl.ok("apply", "-f", "-", stdin=CLUSTER)
        assert "kinds-test (default)" in kubectl.ok("get", "storageclass")
        assert "v1.kinds.example" in kubectl.ok("get", "apiservices")
        hook = yaml.safe_load(kubectl.ok("get", "validatingwebhookconfiguration", "kinds-test", "-o", "yaml"))["webhooks"][0]
        assert hook["failurePolicy"] == "Fail" and hook["matchPolicy"] == "Equivalent" and hook["timeoutSeconds"] == 10
        assert hook["namespaceSelector"] == {} == hook["objectSelector"] and hook["rules"][0]["scope"] == "*"
        assert hook["clientConfig"]["service"]["port"] == 443
    finally:
        kubectl.ok("delete", "--wait=false", "-f", "-", stdin=CLUSTER)


def test_server_side_apply_of_add_ons(kubectl, ns):
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=addon(ns))
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=addon(ns))
    fields = json.loads(kubectl.ok("get", "deployment", "operator", "-o", "json", "--show-managed-fields")
                        if "current" in kubectl.program else kubectl.ok("get", "deployment", "operator", "-o", "json"))
    owned = fields["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert 'k:{"name":"manager"}' in owned
    assert 'k:{"containerPort":9443,"protocol":"TCP"}' in owned['k:{"name":"manager"}']["f:ports"]


def test_defaults_of_a_deployment(api, ns):
    answer = api.post(f"/apis/apps/v1/namespaces/{ns}/deployments", DEPLOYMENT)
    assert answer.status == 201, answer
    assert any("nothing runs them here" in w for w in answer.warnings) and len(answer.warnings) == 1
    spec = answer.json["spec"]
    assert spec["replicas"] == 1 and spec["revisionHistoryLimit"] == 10 and spec["progressDeadlineSeconds"] == 600
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Always" and pod["dnsPolicy"] == "ClusterFirst" and pod["securityContext"] == {}
    assert pod["terminationGracePeriodSeconds"] == 30 and pod["schedulerName"] == "default-scheduler"
    assert pod["containers"][0] == {
        "name": "web", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent", "resources": {},
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
    assert answer.json["metadata"]["generation"] == 1 and answer.json["status"] == {}


def test_status_is_apart(api, ns):
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    assert api.post(url, {**DEPLOYMENT, "status": {"replicas": 7}}).json["status"] == {}
    changed = api.patch(f"{url}/shop/status", {"status": {"replicas": 3, "readyReplicas": 2}, "spec": {"replicas": 9}})
    assert changed.status == 200 and changed.json["status"]["replicas"] == 3 and changed.json["spec"]["replicas"] == 1
    assert changed.json["metadata"]["generation"] == 1
    changed = api.patch(f"{url}/shop", {"status": {"replicas": 8}, "spec": {"replicas": 4}})
    assert changed.json["status"]["replicas"] == 3 and changed.json["metadata"]["generation"] == 2


def test_strategic_patch_adds_a_container(kubectl, api, ns):
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    assert api.post(url, DEPLOYMENT).status == 201
    kubectl.ok("patch", "deployment", "shop", "-p",
               json.dumps({"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}))
    kubectl.ok("set", "image", "deployment/shop", "web=nginx:1.28")
    containers = api.get(f"{url}/shop").json["spec"]["template"]["spec"]["containers"]
    assert sorted((c["name"], c["image"]) for c in containers) == [("side", "side:1"), ("web", "nginx:1.28")]
    kubectl.ok("patch", "deployment", "shop", "-p", json.dumps(
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}))
    assert api.get(f"{url}/shop").json["spec"]["strategy"] == {"type": "Recreate"}


def test_scale(kubectl, api, ns):
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    assert api.post(url, DEPLOYMENT).status == 201
    kubectl.ok("scale", "deployment", "shop", "--replicas=5")
    scale = api.get(f"{url}/shop/scale").json
    assert scale["spec"]["replicas"] == 5 and scale["status"] == {"replicas": 0, "selector": "app=shop"}
    assert scale["kind"] == "Scale" and scale["apiVersion"] == "autoscaling/v1"


def owners_of_replicas(obj):
    return [(e["manager"], e["operation"], e.get("subresource")) for e in obj["metadata"]["managedFields"]
            if "f:replicas" in e["fieldsV1"].get("f:spec", {})]


def test_scale_has_owners(api, ns):
    """KEP-555, "Subresources"; k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go"""
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "shop"}, "spec": {"replicas": 5}}
    assert api.post(f"{url}?fieldManager=maker", {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 1}}).status == 201
    assert owners_of_replicas(api.get(f"{url}/shop").json) == [("maker", "Update", None)]

    assert api.put(f"{url}/shop/scale?fieldManager=scaler", scale).status == 200
    assert owners_of_replicas(api.get(f"{url}/shop").json) == [("scaler", "Update", "scale")]

    scale["spec"]["replicas"] = 8
    answer = api.patch(f"{url}/shop/scale?fieldManager=applier", scale, "apply")
    assert answer.status == 409
    assert 'conflict with "scaler" with subresource "scale" using autoscaling/v1: .spec.replicas' in answer.json["message"]
    answer = api.patch(f"{url}/shop/scale?fieldManager=applier&force=true", scale, "apply")
    assert answer.status == 200 and answer.json["spec"] == {"replicas": 8}
    assert owners_of_replicas(api.get(f"{url}/shop").json) == [("applier", "Apply", "scale")]


@pytest.mark.parametrize("change,wanted,words", [
    ({"metadata": {"name": "other"}}, 400, "the name of the object (other) does not match the name on the URL (shop)"),
    ({"metadata": {}}, 400, "the name of the object (shop based on URL) was undeterminable: name must be provided"),
    ({"metadata": {"name": "shop", "resourceVersion": "1"}}, 409, "the object has been modified"),
    ({"metadata": {"name": "shop", "uid": "x"}}, 409, "Precondition failed: UID in precondition: x"),
    ({"spec": {"replicas": -1}}, 422, 'Scale.autoscaling "shop" is invalid: spec.replicas: Invalid value: -1: must be '
                                      'greater than or equal to 0'),
    ({"spec": {"replicas": "x"}}, 400, "cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32"),
    ({"kind": "Foo"}, 400, 'no kind "Foo" is registered for version "autoscaling/v1"'),
    ({"more": 1}, 400, 'strict decoding error: unknown field "more"'),
])
def test_a_scale_is_checked_like_an_object(api, ns, change, wanted, words):
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    assert api.post(url, DEPLOYMENT).status == 201
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "shop"}, "spec": {"replicas": 5}}
    answer = api.put(f"{url}/shop/scale?fieldValidation=Strict", {**scale, **change})
    assert answer.status == wanted and words in answer.json["message"]


@pytest.mark.parametrize("kind,obj,field,words", [
    ("configmaps", {"data": {"a/b": "x"}}, "data[a/b]", "a valid config key must consist of"),
    ("services", {"spec": {"ports": [{"port": 80, "nodePort": 30000}]}}, "spec.ports[0].nodePort",
     "Forbidden: may not be used when `type` is 'ClusterIP'"),
    ("services", {"spec": {"ports": [{"port": 80, "targetPort": "80"}]}}, "spec.ports[0].targetPort",
     "must contain at least one letter (a-z)"),
    ("persistentvolumeclaims", {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "0"}}}},
     "spec.resources[storage]", "must be greater than zero"),
    ("pods", {"spec": {"containers": [{"name": "a", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
                       "volumes": [{"name": "v", "configMap": {}}]}},
     "spec.containers[0].volumeMounts[0].name", 'Not found: "v"'),  # a volume that is wrong itself is none
    ("pods", {"spec": {"containers": [{"name": "a", "image": "i"}], "initContainers": [
        {"name": "b", "image": "i", "livenessProbe": {"tcpSocket": {"port": 1}}}]}},
     "spec.initContainers[0].livenessProbe", "Forbidden: may not be set for init containers"),
])
def test_what_users_get_wrong_is_refused(api, ns, kind, obj, field, words):
    """k8s.io/kubernetes/pkg/apis/core/validation/validation.go"""
    answer = api.post(f"/api/v1/namespaces/{ns}/{kind}", {"metadata": {"name": "x"}, **obj})
    assert answer.status == 422
    assert any(c["field"] == field and words in c["message"] for c in answer.json["details"]["causes"]), answer.json


def test_nothing_said_is_what_go_makes_of_it(api, ns):
    """encoding/json: a null in a map is the type's zero value; a volume without a source is an empty folder"""
    answer = api.post(f"/api/v1/namespaces/{ns}/configmaps", {"metadata": {"name": "n", "labels": {"a": None}},
                                                             "data": {"a": None, "b": "c"}})
    assert answer.json["data"] == {"a": "", "b": "c"} and answer.json["metadata"]["labels"] == {"a": ""}
    answer = api.post(f"/api/v1/namespaces/{ns}/pods", {"metadata": {"name": "p"}, "spec": {
        "containers": [{"name": "a", "image": "i"}], "volumes": [{"name": "v"}]}})
    assert answer.json["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


@pytest.mark.parametrize("change,field,words", [
    ({"selector": None}, "spec.selector", "Required value"),
    ({"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels",
     'Invalid value: map[string]string{"app":"shop"}: `selector` does not match template `labels`'),
    ({"replicas": -1}, "spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
    ({"template": {"metadata": {"labels": {"app": "shop"}}, "spec": {}}}, "spec.template.spec.containers", "Required value"),
    ({"template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{"name": "web"}]}}},
     "spec.template.spec.containers[0].image", "Required value"),
    ({"template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "web", "image": "a"}]}}}, "spec.template.spec.restartPolicy",
     'Unsupported value: "Never": supported values: "Always"'),
    ({"template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [
        {"name": "a", "image": "a"}, {"name": "a", "image": "b"}]}}}, "spec.template.spec.containers[1].name", 'Duplicate value: "a"'),
    ({"template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [
        {"name": "a", "image": "a", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}}},
     "spec.template.spec.containers[0].volumeMounts[0].name", 'Not found: "v"'),
])
def test_invalid_deployments(api, ns, change, field, words):
    answer = api.post(f"/apis/apps/v1/namespaces/{ns}/deployments", {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], **change}})
    assert answer.status == 422, answer
    assert {"reason": answer.json["details"]["causes"][0]["reason"], "field": field, "message": words} in \
        answer.json["details"]["causes"] or any(c["field"] == field and c["message"] == words
                                                for c in answer.json["details"]["causes"]), answer.json


def test_selectors_are_immutable(api, ns):
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    assert api.post(url, DEPLOYMENT).status == 201
    other = json.loads(json.dumps(DEPLOYMENT).replace('"app": "shop"', '"app": "other"'))
    answer = api.put(f"{url}/shop", other)
    assert answer.status == 422 and answer.json["details"]["causes"][0]["message"] == \
        ('Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"other"}, '
         'MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable')


def test_role_refs_are_immutable(api, ns):  # pkg/apis/rbac/validation
    url = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings"
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    assert api.post(url, {"metadata": {"name": "a"}, "roleRef": ref}).status == 201
    answer = api.patch(f"{url}/a", {"roleRef": {"name": "edit"}})
    assert answer.status == 422 and answer.json["details"]["causes"][0]["message"] == (
        'Invalid value: rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"ClusterRole", Name:"edit"}: cannot change roleRef')


@pytest.mark.parametrize("spec, field, words", [
    ({"leaseDurationSeconds": 0}, "spec.leaseDurationSeconds", "Invalid value: 0: must be greater than 0"),
    ({"leaseTransitions": -1}, "spec.leaseTransitions", "Invalid value: -1: must be greater than or equal to 0")])
def test_invalid_leases(api, ns, spec, field, words):  # pkg/apis/coordination/validation
    answer = api.post(f"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases", {"metadata": {"name": "a"}, "spec": spec})
    assert answer.status == 422 and [(c["field"], c["message"]) for c in answer.json["details"]["causes"]] == [(field, words)]


def test_empty_rules_are_none(api, ns):  # what is stored as protobuf knows no empty list
    url = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles"
    assert api.post(url, {"metadata": {"name": "a"}, "rules": []}).json["rules"] is None


def test_wrong_types_are_told_in_gos_words(api, ns):
    answer = api.post(f"/apis/apps/v1/namespaces/{ns}/deployments",
                      {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": "3"}})
    assert answer.status == 400 and answer.json["message"] == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field '
        'DeploymentSpec.spec.replicas of type int32')


def test_unknown_fields(api, ns):
    url = f"/apis/apps/v1/namespaces/{ns}/deployments"
    body = json.loads(json.dumps(DEPLOYMENT).replace('"image"', '"imagee": "x", "image"'))
    answer = api.post(f"{url}?fieldValidation=Strict", body)
    assert answer.status == 400 and 'unknown field "spec.template.spec.containers[0].imagee"' in answer.json["message"]
    answer = api.post(url, body)
    assert answer.status == 201 and any("imagee" in w for w in answer.warnings)
    assert "imagee" not in json.dumps(answer.json["spec"])


def test_services(api, ns):
    url = f"/api/v1/namespaces/{ns}/services"
    made = api.post(url, {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "a"}}})
    assert made.status == 201, made
    assert made.json["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert made.json["spec"]["type"] == "ClusterIP" and made.json["spec"]["sessionAffinity"] == "None"
    assert made.json["status"] == {"loadBalancer": {}}
    address = made.json["spec"]["clusterIP"]  # nothing routes to it, but helm --wait waits for one
    assert made.json["spec"]["clusterIPs"] == [address] and made.json["spec"]["ipFamilies"] == ["IPv4"]
    assert not any("f:clusterIP" in e["fieldsV1"]["f:spec"] for e in made.json["metadata"]["managedFields"])
    kept = api.put(url + "/a", {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 81}], "selector": {"app": "a"}}})
    assert kept.json["spec"]["clusterIP"] == address
    assert api.patch(url + "/a", {"spec": {"clusterIP": "10.96.0.9"}}).status == 422
    headless = api.post(url, {"metadata": {"name": "b"}, "spec": {"clusterIP": "None", "selector": {"app": "b"}}})
    assert headless.status == 201 and headless.json["spec"]["clusterIPs"] == ["None"]
    refused = api.post(url, {"metadata": {"name": "c"}, "spec": {}})
    assert refused.status == 422 and refused.json["message"] == 'Service "c" is invalid: spec.ports: Required value'
    refused = api.post(url, {"metadata": {"name": "1c"}, "spec": {"ports": [{"port": 80}]}})
    assert refused.status == 422 and "DNS-1035" in refused.json["message"]


def test_rbac_is_checked(api, ns):
    url = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}"
    refused = api.post(f"{url}/roles", {"metadata": {"name": "a"}, "rules": [{"apiGroups": [""], "resources": ["pods"]}]})
    assert refused.status == 422 and "verbs must contain at least one value" in refused.json["message"]
    refused = api.post(f"{url}/roles", {"metadata": {"name": "a"}, "rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"]}]})
    assert 'Invalid value: []string{"/x"}: namespaced rules cannot apply to non-resource URLs' in refused.json["message"]
    binding = {"metadata": {"name": "a:b"}, "roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "User", "name": "u"}]}
    made = api.post(f"{url}/rolebindings", binding)
    assert made.status == 201, made
    assert made.json["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io" == made.json["subjects"][0]["apiGroup"]
    changed = api.put(f"{url}/rolebindings/a:b", {**binding, "roleRef": {"kind": "Role", "name": "other"}})
    assert changed.status == 422 and "cannot change roleRef" in changed.json["message"]


def test_webhook_configurations_are_checked(api):
    url = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    answer = api.post(url, {"metadata": {"name": "bad"}, "webhooks": [{"name": "short", "clientConfig": {}, "timeoutSeconds": 60}]})
    told = {c["field"]: c["message"] for c in answer.json["details"]["causes"]}
    assert answer.status == 422
    assert told["webhooks[0].sideEffects"] == "Required value: must specify one of None, NoneOnDryRun"
    assert told["webhooks[0].admissionReviewVersions"] == "Required value: must specify one of v1, v1beta1"
    assert told["webhooks[0].clientConfig"] == "Required value: exactly one of url or service is required"
    assert told["webhooks[0].timeoutSeconds"].endswith("the timeout value must be between 1 and 30 seconds")
    assert told["webhooks[0].name"].endswith("should be a domain with at least three segments separated by dots")


def test_autoscalers_are_one_thing_in_two_versions(api, ns):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    made = api.post(f"/apis/autoscaling/v1/namespaces/{ns}/horizontalpodautoscalers",
                    {"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target,
                                                         "targetCPUUtilizationPercentage": 70}})
    assert made.status == 201, made
    seen = api.get(f"/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers/a").json
    assert seen["apiVersion"] == "autoscaling/v2" and seen["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
    changed = api.patch(f"/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers/a", {"spec": {"metrics": [memory]}})
    assert changed.status == 200, changed
    old = api.get(f"/apis/autoscaling/v1/namespaces/{ns}/horizontalpodautoscalers/a").json
    assert "memory" in old["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"]


def test_jobs_find_their_pods(api, ns):
    body = {"metadata": {"name": "j"}, "spec": {"template": {"spec": {"restartPolicy": "Never",
                                                                      "containers": [{"name": "a", "image": "a"}]}}}}
    made = api.post(f"/apis/batch/v1/namespaces/{ns}/jobs", body).json
    assert made["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": made["metadata"]["uid"]}
    assert made["spec"]["template"]["metadata"]["labels"]["job-name"] == "j"
    assert made["spec"]["completions"] == 1 == made["spec"]["parallelism"] and made["spec"]["backoffLimit"] == 6
    body["spec"]["template"]["spec"].pop("restartPolicy")
    refused = api.post(f"/apis/batch/v1/namespaces/{ns}/jobs", {**body, "metadata": {"name": "k"}})
    assert refused.status == 422 and 'valid values: "OnFailure", "Never"' in refused.json["message"]


def test_columns(kubectl, api, ns):
    kubectl.ok("apply", "-f", "-", stdin=addon(ns))

    def header(kind, *more):
        return kubectl.ok("get", kind, *more).split("\n")[0].split()

    assert header("deployments") == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert header("deployments", "-o", "wide") == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert header("services") == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert header("ingresses") == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    assert header("jobs") == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"]
    assert header("hpa") == ["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"]
    assert "0/2" in kubectl.ok("get", "deploy", "operator") and "app=operator" in kubectl.ok("get", "netpol")
    # kubectl's "all" is a category.
    assert "deployment.apps/operator" in kubectl.ok("get", "all")


def test_explain(kubectl):
    text = kubectl.ok("explain", "deployment.spec.template.spec.containers")
    assert "livenessProbe" in text and "The image, for example" in text
    assert "Stored only" in kubectl.ok("explain", "deployments")
    assert "replicas" in kubectl.ok("explain", "deployment", "--recursive")


def test_client_side_validation_knows_the_kinds(kubectl, ns):
    wrong = yaml.safe_dump(json.loads(json.dumps(DEPLOYMENT).replace('"image"', '"imagee": "x", "image"')))
    assert "imagee" in kubectl.fails("apply", "--validate=true", "-f", "-", stdin=wrong)


def test_imperative_commands(kubectl, ns):
    kubectl.ok("create", "deployment", "a", "--image=nginx")
    kubectl.ok("create", "role", "c", "--verb=get,list", "--resource=configmaps")
    kubectl.ok("create", "rolebinding", "d", "--role=c", "--user=u", f"--serviceaccount={ns}:default")
    kubectl.ok("create", "service", "clusterip", "e", "--tcp=80:8080")
    if "current" in kubectl.program:  # the old one asks for versions that are no longer served
        kubectl.ok("create", "cronjob", "f", "--image=busybox", "--schedule=*/5 * * * *", "--", "date")
        kubectl.ok("create", "job", "g", "--from=cronjob/f")
        kubectl.ok("create", "poddisruptionbudget", "h", "--selector=app=a", "--min-available=1")
        kubectl.ok("create", "ingress", "i", "--rule=a.example/*=e:80")
    kubectl.ok("expose", "deployment", "a", "--port=80", "--name=j")
    kubectl.ok("run", "k", "--image=nginx", "--restart=Never")
    kubectl.ok("autoscale", "deployment", "a", "--max=3")
    kubectl.ok("label", "deployment", "a", "x=y")
    kubectl.ok("describe", "deployment", "a")
    kubectl.ok("describe", "service", "e")
    kubectl.ok("create", "quota", "b", "--hard=cpu=1,pods=2")


def test_nothing_runs_pods(api, ns):
    made = api.post(f"/api/v1/namespaces/{ns}/pods", {"metadata": {"name": "a"}, "spec": {"containers": [
        {"name": "a", "image": "a:latest", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}})
    assert made.status == 201 and made.json["status"] == {"phase": "Pending", "qosClass": "Guaranteed"}
    assert made.json["spec"]["containers"][0]["imagePullPolicy"] == "Always" and made.json["spec"]["enableServiceLinks"]
    assert api.get(f"/api/v1/namespaces/{ns}/pods?fieldSelector=status.phase=Pending").json["items"]
    for subresource in ("log", "exec", "eviction", "binding"):
        assert api.get(f"/api/v1/namespaces/{ns}/pods/a/{subresource}").status == 404
    changed = api.patch(f"/api/v1/namespaces/{ns}/pods/a", {"spec": {"hostNetwork": True}})
    assert changed.status == 422 and "pod updates may not change fields other than" in changed.json["message"]


def test_a_second_name_of_an_address_is_nobodys(api, ns):  # pkg/registry/core/service/storage, normalizeClusterIPs
    url = f"/api/v1/namespaces/{ns}/services"
    service = api.post(url, {"metadata": {"name": "s"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}).json
    assert service["spec"]["clusterIPs"] == ["None"]
    owned = service["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    assert "f:clusterIP" in owned and "f:clusterIPs" not in owned
    del service["spec"]["clusterIPs"]
    assert api.put(url + "/s", service).json["spec"]["clusterIPs"] == ["None"]

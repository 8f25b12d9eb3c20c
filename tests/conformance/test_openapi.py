"""OpenAPI documents (kubernetes.io/docs/concepts/overview/kubernetes-api, "OpenAPI interface definition"; KEP-2896;
k8s.io/apiserver pkg/endpoints/installer.go; apiextensions-apiserver pkg/controller/openapi/builder)."""
import pytest

CONFIGMAPS = "/api/v1/namespaces/{namespace}/configmaps"
WIDGETS = "/apis/example.org/v1/namespaces/{namespace}/widgets"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def names(parameters):
    return [p["name"] for p in parameters]


@pytest.fixture(scope="module")
def core(server):
    import apiclient
    return apiclient.Client(server.kubeconfig).get("/openapi/v3/api/v1").json


@pytest.fixture(scope="module")
def custom(server):
    import apiclient
    return apiclient.Client(server.kubeconfig).get("/openapi/v3/apis/example.org/v1").json


@pytest.fixture(scope="module")
def v2(server):
    import apiclient
    return apiclient.Client(server.kubeconfig).get("/openapi/v2").json


@pytest.mark.parametrize("path, method, operation", [
    (CONFIGMAPS, "get", "listCoreV1NamespacedConfigMap"), (CONFIGMAPS, "post", "createCoreV1NamespacedConfigMap"),
    (CONFIGMAPS, "delete", "deleteCoreV1CollectionNamespacedConfigMap"),
    (CONFIGMAPS + "/{name}", "get", "readCoreV1NamespacedConfigMap"), (CONFIGMAPS + "/{name}", "put", "replaceCoreV1NamespacedConfigMap"),
    ("/api/v1/configmaps", "get", "listCoreV1ConfigMapForAllNamespaces"),
    ("/api/v1/watch/configmaps", "get", "watchCoreV1ConfigMapListForAllNamespaces"),
    ("/api/v1/watch/namespaces/{namespace}/configmaps/{name}", "get", "watchCoreV1NamespacedConfigMap"),
    ("/api/v1/namespaces/{name}/finalize", "put", "replaceCoreV1NamespaceFinalize"),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "get", "listRbacAuthorizationV1ClusterRole"),
    (WIDGETS, "delete", "deleteExampleOrgV1CollectionNamespacedWidget"),
    (WIDGETS + "/{name}/scale", "patch", "patchExampleOrgV1NamespacedWidgetScale"),
])
def test_operations_are_named_as_in_kubernetes(v2, path, method, operation):
    assert v2["paths"][path][method]["operationId"] == operation


@pytest.mark.parametrize("path, tag", [(CONFIGMAPS, "core_v1"), (WIDGETS, "exampleOrg_v1"),
                                       ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "rbacAuthorization_v1")])
def test_tags(v2, path, tag):
    assert v2["paths"][path]["get"]["tags"] == [tag]


def test_parameters_that_all_operations_have_are_told_of_the_path(core):
    item = core["paths"][CONFIGMAPS]
    assert names(item["parameters"]) == ["namespace", "pretty"]
    assert names(item["post"]["parameters"]) == ["dryRun", "fieldManager", "fieldValidation"]
    assert "orphanDependents" in names(item["delete"]["parameters"])
    alone = core["paths"]["/api/v1/configmaps"]
    assert "parameters" not in alone["get"] and {"allowWatchBookmarks", "limit", "pretty", "watch"} <= set(names(alone["parameters"]))
    assert names(core["paths"][CONFIGMAPS + "/{name}"]["parameters"]) == ["name", "namespace", "pretty"]
    assert "parameters" not in core["paths"][CONFIGMAPS + "/{name}"]["get"]


def test_answers_have_their_codes_and_media_types(core, custom, v2):
    item = core["paths"][CONFIGMAPS + "/{name}"]
    assert set(core["paths"][CONFIGMAPS]["post"]["responses"]) == {"200", "201", "202", "401"}
    assert set(item["put"]["responses"]) == {"200", "201", "401"} and set(item["delete"]["responses"]) == {"200", "202", "401"}
    assert set(item["get"]["responses"]["200"]["content"]) == {"application/json", "application/yaml"}
    assert "application/json;stream=watch" in core["paths"][CONFIGMAPS]["get"]["responses"]["200"]["content"]
    assert set(custom["paths"][WIDGETS]["post"]["requestBody"]["content"]) == {"application/json", "application/yaml"}
    assert set(custom["paths"][WIDGETS + "/{name}"]["patch"]["responses"]) == {"200", "401"}
    patch = v2["paths"][CONFIGMAPS + "/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" in patch["consumes"] and patch["schemes"] == ["https"]
    assert "application/strategic-merge-patch+json" not in v2["paths"][WIDGETS + "/{name}"]["patch"]["consumes"]
    assert v2["paths"][CONFIGMAPS]["get"]["produces"] == ["application/json", "application/yaml", "application/json;stream=watch"]


def every_ref(v):
    if isinstance(v, dict):
        if isinstance(v.get("$ref"), str):
            yield v
        for member in v.values():
            yield from every_ref(member)
    elif isinstance(v, list):
        for member in v:
            yield from every_ref(member)


def test_references_lead_somewhere_and_stand_alone(core, custom, v2):
    for document in (core, custom):
        schemas = document["components"]["schemas"]
        for ref in every_ref(document):
            assert ref["$ref"].rsplit("/", 1)[1] in schemas and list(ref) == ["$ref"]
    assert all(ref["$ref"].rsplit("/", 1)[1] in v2["definitions"] for ref in every_ref(v2))


def test_metadata_is_made_of_kubernetes_types(custom):
    schemas = custom["components"]["schemas"]
    meta = schemas[META + "ObjectMeta"]["properties"]
    assert meta["creationTimestamp"]["allOf"] == [{"$ref": "#/components/schemas/" + META + "Time"}]
    assert meta["ownerReferences"]["items"]["allOf"] == [{"$ref": "#/components/schemas/" + META + "OwnerReference"}]
    assert meta["labels"]["description"] and schemas[META + "OwnerReference"]["properties"]["uid"]["description"]
    assert schemas[META + "Status"]["properties"]["details"]["allOf"] == [{"$ref": "#/components/schemas/" + META + "StatusDetails"}]
    assert {"kind", "apiVersion"} <= set(schemas[META + "Status"]["properties"])
    widgets = schemas["org.example.v1.WidgetList"]["properties"]
    assert widgets["metadata"]["allOf"] == [{"$ref": "#/components/schemas/" + META + "ListMeta"}]
    assert widgets["items"]["items"] == {"$ref": "#/components/schemas/org.example.v1.Widget"}
    assert "default" not in schemas["org.example.v1.Widget"]["properties"]["metadata"]

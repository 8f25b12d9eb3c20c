"""Lists: order, selectors, pages over a snapshot, resource versions (API concepts, "Retrieving large results sets in
chunks", "Resource versions")."""
import pytest

CM = "/api/v1/namespaces/{}/configmaps"
WD = "/apis/example.org/v1/namespaces/{}/widgets"


def fill(api, ns, count=10):
    for i in range(count):
        obj = {"metadata": {"name": f"c{i:03}", "labels": {"n": str(i), "odd": str(i % 2)}}, "data": {"n": str(i)}}
        assert api.post(CM.format(ns), obj).status == 201


def names(answer):
    assert answer.status == 200, answer
    return [o["metadata"]["name"] for o in answer.json["items"]]


def test_lists_are_ordered_by_name(api, ns):
    for name in ("b", "a", "c-1", "c", "a-b"):
        api.post(CM.format(ns), {"metadata": {"name": name}})
    answer = api.get(CM.format(ns))
    assert names(answer) == ["a", "a-b", "b", "c", "c-1"]
    assert answer.json["kind"] == "ConfigMapList" and answer.json["apiVersion"] == "v1"
    assert int(answer.json["metadata"]["resourceVersion"]) > 0


@pytest.mark.parametrize("selector, expected", [
    ("odd=1", [1, 3, 5, 7, 9]), ("odd==1,n!=3", [1, 5, 7, 9]), ("n in (1,2,33)", [1, 2]), ("n notin (0,1,2,3,4,5,6,7)", [8, 9]),
    ("n", list(range(10))), ("!n", []), ("other", []), ("odd=0,n in (2,3,4)", [2, 4]), ("x!=y,n in (7)", [7]),
])
def test_label_selectors(api, ns, selector, expected):
    fill(api, ns)
    assert names(api.get(CM.format(ns), labelSelector=selector)) == [f"c{i:03}" for i in expected]


def test_field_selectors(api, ns):
    fill(api, ns, 3)
    assert names(api.get(CM.format(ns), fieldSelector="metadata.name=c001")) == ["c001"]
    assert names(api.get(CM.format(ns), fieldSelector="metadata.name!=c001")) == ["c000", "c002"]
    assert names(api.get("/api/v1/configmaps", fieldSelector=f"metadata.namespace={ns}")) == ["c000", "c001", "c002"]
    answer = api.get(CM.format(ns), fieldSelector="data.n=1")
    assert answer.status == 400
    for nothing in ("=", "==", "!=", ","):
        assert names(api.get(CM.format(ns), fieldSelector=nothing)) == ["c000", "c001", "c002"]
    assert names(api.get(CM.format(ns), fieldSelector="=,metadata.name=c001")) == ["c001"]
    assert answer.json["message"] == '"data.n" is not a known field selector: only "metadata.name", "metadata.namespace"'


def test_selectable_fields_of_custom_resources(api, ns):  # KEP-4358
    for name, color in (("a", "red"), ("b", "blue"), ("c", "blue")):
        api.post(WD.format(ns), {"metadata": {"name": name}, "spec": {"color": color}})
    assert names(api.get(WD.format(ns), fieldSelector="spec.color=blue")) == ["b", "c"]
    answer = api.get(WD.format(ns), fieldSelector="spec.size=1")
    assert answer.status == 400 and answer.json["message"] == "field label not supported: spec.size"


def test_bad_selectors_are_refused(api, ns):
    for selector in ("a=b=c", "a in", "a in (", "=", "!", "a notin b"):
        assert api.get(CM.format(ns), labelSelector=selector).status == 400, selector


def test_pages_show_one_snapshot(api, ns):
    fill(api, ns, 10)
    first = api.get(CM.format(ns), limit=4)
    meta = first.json["metadata"]
    assert names(first) == ["c000", "c001", "c002", "c003"]
    assert meta["remainingItemCount"] == 6
    # What happens between two pages is not seen by the second.
    api.delete(CM.format(ns) + "/c004")
    api.patch(CM.format(ns) + "/c005", {"data": {"n": "changed"}})
    api.post(CM.format(ns), {"metadata": {"name": "c0045"}})
    second = api.get(CM.format(ns), limit=4, **{"continue": meta["continue"]})
    assert names(second) == ["c004", "c005", "c006", "c007"]
    assert second.json["items"][1]["data"]["n"] == "5"
    assert second.json["metadata"]["resourceVersion"] == meta["resourceVersion"]
    assert second.json["metadata"]["remainingItemCount"] == 2
    third = api.get(CM.format(ns), limit=4, **{"continue": second.json["metadata"]["continue"]})
    assert names(third) == ["c008", "c009"]
    assert "continue" not in third.json["metadata"]


def test_pages_with_a_selector_do_not_count_the_rest(api, ns):
    fill(api, ns, 6)
    meta = api.get(CM.format(ns), limit=2, labelSelector="odd=1").json["metadata"]
    assert meta["continue"] and "remainingItemCount" not in meta


def test_bad_continue_tokens(api, ns):
    for token in ("x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "!!!!"):
        answer = api.get(CM.format(ns), limit=2, **{"continue": token})
        assert answer.status == 400 and "continue key is not valid" in answer.json["message"]


def test_resource_version_exact(api, ns):
    fill(api, ns, 3)
    version = api.get(CM.format(ns)).json["metadata"]["resourceVersion"]
    api.delete(CM.format(ns) + "/c001")
    old = api.get(CM.format(ns), resourceVersion=version, resourceVersionMatch="Exact")
    assert names(old) == ["c000", "c001", "c002"] and old.json["metadata"]["resourceVersion"] == version
    assert names(api.get(CM.format(ns), resourceVersion=version, resourceVersionMatch="NotOlderThan")) == ["c000", "c002"]
    assert names(api.get(CM.format(ns), resourceVersion="0")) == ["c000", "c002"]


def test_resource_version_of_the_future(api, ns):
    answer = api.get(CM.format(ns), resourceVersion="99999999")
    assert answer.status == 504
    assert answer.json["reason"] == "Timeout" and answer.json["message"].startswith("Timeout: Too large resource version: 99999999, current: ")
    assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_resource_version_match_rules(api, ns):
    for query in ({"resourceVersionMatch": "Exact"}, {"resourceVersion": "0", "resourceVersionMatch": "Exact"},
                  {"resourceVersion": "1", "resourceVersionMatch": "Other"}):
        assert api.get(CM.format(ns), **query).status == 422, query


def test_lists_across_namespaces(api, ns):
    fill(api, ns, 2)
    answer = api.get("/api/v1/configmaps", labelSelector="n")
    assert [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in answer.json["items"]
            if o["metadata"]["namespace"] == ns] == [(ns, "c000"), (ns, "c001")]


def test_table(api, ns):
    api.post(WD.format(ns), {"metadata": {"name": "a"}, "spec": {"color": "green", "size": 3}})
    for version in ("v1", "v1beta1"):
        answer = api.request("GET", WD.format(ns), headers={
            "Accept": f"application/json;as=Table;v={version};g=meta.k8s.io,application/json"}).json
        assert answer["kind"] == "Table" and answer["apiVersion"] == f"meta.k8s.io/{version}"
        assert [c["name"] for c in answer["columnDefinitions"]] == ["Name", "Color", "Size", "Age"]
        assert answer["columnDefinitions"][2]["priority"] == 1
        row = answer["rows"][0]
        assert row["cells"][:3] == ["a", "green", 3] and row["cells"][3].endswith("s")
        assert row["object"]["kind"] == "PartialObjectMetadata" and row["object"]["metadata"]["name"] == "a"
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    whole = api.request("GET", WD.format(ns), headers=headers, includeObject="Object").json
    assert whole["rows"][0]["object"]["spec"]["color"] == "green"
    none = api.request("GET", WD.format(ns), headers=headers, includeObject="None").json
    assert none["rows"][0].get("object") is None
    one = api.request("GET", WD.format(ns) + "/a", headers=headers).json
    assert one["kind"] == "Table" and len(one["rows"]) == 1


def test_partial_object_metadata(api, ns):
    api.post(WD.format(ns), {"metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"color": "green"}})
    answer = api.request("GET", WD.format(ns), headers={
        "Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}).json
    assert answer["kind"] == "PartialObjectMetadataList"
    item = answer["items"][0]
    assert item["kind"] == "PartialObjectMetadata" and item["metadata"]["labels"] == {"x": "y"} and "spec" not in item


def test_lists_of_custom_resources_name_their_token_always(api, ns):  # apimachinery, UnstructuredList.SetContinue
    api.post(WD.format(ns), {"metadata": {"name": "a"}, "spec": {"color": "green"}})
    assert api.get(WD.format(ns)).json["metadata"]["continue"] == ""
    assert "continue" not in api.get(CM.format(ns)).json["metadata"]


def test_columns_without_a_description_tell_their_path(api, ns):  # apiextensions-apiserver, tableconvertor.New
    table = api.request("GET", WD.format(ns), headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).json
    column = {c["name"]: c for c in table["columnDefinitions"]}["Color"]
    assert column["description"] == "Custom resource definition column (in JSONPath format): .spec.color"

"""Nothing is written when nothing changes."""

import time

import pytest

from scia_testing import wait_for

pytestmark = pytest.mark.usefixtures("sandbox")
CONTROL_PLANE_OPTIONS = ("--poll", "1s")


def versions(control_plane):
    found = {}
    for plural in ("deployments", "deploymentrevisions", "infrastructures", "processes", "cloudproviders", "events"):
        for o in control_plane.api.list(plural):
            found[f"{plural}/{o['metadata']['name']}"] = o["metadata"]["resourceVersion"]
    return found


def test_nothing_is_written_when_nothing_changes(control_plane, deployed):
    deployed("quiet", strategy="kubernetes", scaling={"min": 2})
    deployed("idle", strategy="serverless")
    deployed("plain")

    def settled():
        seen = versions(control_plane)
        time.sleep(1)
        return seen == versions(control_plane) and seen
    before = wait_for("the last words of what began are written", settled)
    newest = control_plane.api.call("GET", "/api/v1/namespaces/default/configmaps")["metadata"]["resourceVersion"]
    time.sleep(4)  # four polls of the repositories, four health checks
    assert versions(control_plane) == before
    after = control_plane.api.call("GET", "/api/v1/namespaces/default/configmaps")["metadata"]["resourceVersion"]
    assert after == newest, "nothing at all was written, of any kind"


def test_applying_the_same_again_writes_nothing(control_plane, deployed):
    deployed("same")
    for plural in ("deployments", "infrastructures", "processes"):
        o = next(o for o in control_plane.api.list(plural) if o["metadata"]["name"].startswith("same"))
        control_plane.api.patch(plural, o["metadata"]["name"], {"spec": o["spec"]})
        again = control_plane.api.get(plural, o["metadata"]["name"])
        assert again["metadata"]["resourceVersion"] == o["metadata"]["resourceVersion"], plural

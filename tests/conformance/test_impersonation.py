"""Acting as somebody else (kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation)."""
import apiclient
import pytest

RBAC = "/apis/rbac.authorization.k8s.io/v1"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def whoami(client, **headers):
    return client.request("POST", WHOAMI, {}, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_users_and_groups(api):
    info = whoami(api, Impersonate_User="bob").json["status"]["userInfo"]
    assert info == {"username": "bob", "groups": ["system:authenticated"]}
    info = whoami(api, Impersonate_User="bob", Impersonate_Group="devs", Impersonate_Uid="42",
                  **{"Impersonate_Extra_acme.com%2Fteam": "x"}).json["status"]["userInfo"]
    assert info == {"username": "bob", "uid": "42", "groups": ["devs", "system:authenticated"],
                    "extra": {"acme.com/team": ["x"]}}


def test_service_accounts(api):
    info = whoami(api, Impersonate_User="system:serviceaccount:default:robot").json["status"]["userInfo"]
    assert info["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]


def test_groups_of_nobody(api):
    answer = whoami(api, Impersonate_Group="devs")
    assert answer.status == 500 and answer.header("Content-Type").startswith("text/plain")
    assert answer.body.decode() == (
        f'Internal Server Error: "{WHOAMI}": requested [{{Group  devs    }}] without impersonating a user\n')


@pytest.fixture()
def limited(server, api, tmp_path):
    """A user of a token file who may be bob, and in the group devs."""
    (tmp_path / "tokens").write_text('limited-token,lim,7,"testers"\n')
    other = apiclient.Server(arguments=["--token-auth-file", str(tmp_path / "tokens")])
    admin = apiclient.Client(other.kubeconfig)
    rules = [{"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]},
             {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["groups"], "resourceNames": ["devs"]}]
    assert admin.post(f"{RBAC}/clusterroles", {"metadata": {"name": "imp"}, "rules": rules}).status == 201
    assert admin.post(f"{RBAC}/clusterrolebindings", {
        "metadata": {"name": "imp"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "imp"},
        "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "testers"}]}).status == 201
    yield apiclient.Client(other.kubeconfig, certificate=False, token="limited-token")
    other.remove()


def test_each_thing_is_checked(limited):
    assert whoami(limited).json["status"]["userInfo"] == {"username": "lim", "uid": "7", "groups": ["testers", "system:authenticated"]}
    assert whoami(limited, Impersonate_User="bob").status == 201
    assert whoami(limited, Impersonate_User="bob", Impersonate_Group="devs").status == 201
    answer = whoami(limited, Impersonate_User="bob", Impersonate_Group="system:masters")
    assert answer.status == 403 and answer.json["message"] == (
        'groups "system:masters" is forbidden: User "lim" cannot impersonate resource "groups" in API group "" at the cluster scope')
    answer = whoami(limited, Impersonate_User="eve")
    assert answer.status == 403 and answer.json["details"] == {"name": "eve", "kind": "users"}
    assert whoami(limited, Impersonate_User="bob", Impersonate_Extra_scopes="x").json["message"] == (
        'userextras.authentication.k8s.io "x" is forbidden: User "lim" cannot impersonate resource "userextras/scopes" in API '
        'group "authentication.k8s.io" at the cluster scope')
    assert whoami(limited, Impersonate_User="system:serviceaccount:a:b").json["message"] == (
        'serviceaccounts "b" is forbidden: User "lim" cannot impersonate resource "serviceaccounts" in API group "" in the '
        'namespace "a"')


def test_kubectl(kubectl):
    assert "Forbidden" in kubectl.fails("get", "secrets", "--as", "bob", "--as-group", "devs")
    assert kubectl.run("auth", "can-i", "get", "secrets", "--as", "bob").stdout.strip() == "no"
    kubectl.ok("get", "secrets", "--as", "bob", "--as-group", "system:masters")

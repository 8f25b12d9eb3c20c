"""Requests for certificates (kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests)."""
import base64
import datetime
import subprocess

import apiclient
import pytest
import yaml
from apiclient import eventually

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SIGNER = "kubernetes.io/kube-apiserver-client"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Requests:
    """Keys and requests, made by openssl."""

    def __init__(self, folder):
        self.folder = folder

    def openssl(self, *arguments, data=None):
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, input=data).stdout

    def pem(self, subject="/CN=jane/O=devs", *more):
        return self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                            subject, "-keyout", "key.pem", *more)

    def body(self, name, pem=None, **spec):
        encoded = base64.b64encode(self.pem() if pem is None else pem).decode()
        return {"metadata": {"name": name}, "spec": {"request": encoded, "signerName": SIGNER, "usages": ["client auth"],
                                                     **spec}}

    def read(self, certificate, *what):
        return self.openssl("x509", "-noout", *what, data=base64.b64decode(certificate)).decode()


@pytest.fixture
def requests(tmp_path):
    return Requests(tmp_path)


@pytest.fixture(autouse=True)
def clean(api):
    yield
    api.delete(CSRS)


def decide(api, name, decision="Approved", **more):
    csr = api.get(f"{CSRS}/{name}").json
    del csr["metadata"]["resourceVersion"]  # the signer may write meanwhile
    csr["status"]["conditions"] = [*csr["status"].get("conditions", []), {
        "type": decision, "status": "True", "reason": "Test", "message": "tested", **more}]
    return api.put(f"{CSRS}/{name}/approval", csr)


def certificate(api, name):
    return eventually(lambda: api.get(f"{CSRS}/{name}").json["status"].get("certificate"))


def test_an_approved_request_is_signed(api, requests, server, tmp_path):
    made = api.post(CSRS, requests.body("jane"))
    assert made.status == 201 and not made.warnings, made
    assert made.json["spec"]["username"] and "system:masters" in made.json["spec"]["groups"], "who asks is noted"
    assert made.json["status"] == {}
    answer = decide(api, "jane")
    assert answer.status == 200
    condition = answer.json["status"]["conditions"][0]
    assert condition["lastUpdateTime"] and condition["lastTransitionTime"]
    issued = certificate(api, "jane")
    text = requests.read(issued, "-subject", "-ext", "extendedKeyUsage,basicConstraints", "-text")
    assert "CN = jane" in text and "O = devs" in text
    assert "TLS Web Client Authentication" in text and "TLS Web Server" not in text and "CA:FALSE" in text
    # It is a user of this API.
    config = yaml.safe_load(open(server.kubeconfig))
    config["users"][0]["user"] = {"client-certificate-data": issued,
                                  "client-key-data": base64.b64encode((tmp_path / "key.pem").read_bytes()).decode()}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    jane = apiclient.Client(str(tmp_path / "kubeconfig"))
    who = jane.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {}).json["status"]["userInfo"]
    assert who["username"] == "jane" and "devs" in who["groups"]


def test_kubectl_approves_and_denies(api, kubectl, requests):
    for name in "yes", "no":
        api.post(CSRS, requests.body(name))
    assert "Pending" in kubectl.ok("get", "csr", "yes")
    kubectl.ok("certificate", "approve", "yes")
    certificate(api, "yes")
    assert "Approved,Issued" in kubectl.ok("get", "csr", "yes")
    kubectl.ok("certificate", "deny", "no")
    assert "Denied" in kubectl.ok("get", "csr", "no")
    assert "certificate" not in api.get(f"{CSRS}/no").json["status"]


def test_how_long_it_lasts(api, requests):
    for name, seconds in (("hour", 3600), ("long", 10 * 365 * 86400)):
        api.post(CSRS, requests.body(name, expirationSeconds=seconds))
        decide(api, name)
        dates = requests.read(certificate(api, name), "-enddate").strip().split("=")[1]
        end = datetime.datetime.strptime(dates, "%b %d %H:%M:%S %Y %Z")
        left = (end - datetime.datetime.utcnow()).total_seconds()
        assert abs(left - min(seconds, 365 * 86400)) < 600, (name, left)


def test_wishes_of_the_request_are_not_extensions_of_the_certificate(api, requests, tmp_path):
    (tmp_path / "ext.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n[e]\nbasicConstraints=CA:TRUE\n"
                                      "keyUsage=keyCertSign\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:a.example\n")
    api.post(CSRS, requests.body("ca", requests.pem("/CN=ca", "-config", "ext.cnf", "-reqexts", "e")))
    decide(api, "ca")
    text = requests.read(certificate(api, "ca"), "-text")
    assert "CA:FALSE" in text and "Certificate Sign" not in text and "TLS Web Server" not in text
    assert "DNS:a.example" in text


@pytest.mark.parametrize("change, message", [
    ({"request": "YWJj"}, "spec.request: Invalid value: []byte{0x61, 0x62, 0x63}: PEM block type must be CERTIFICATE REQUEST"),
    ({"usages": []}, "spec.usages: Required value"),
    ({"usages": ["client auth", "client auth"]}, 'spec.usages[1]: Duplicate value: "client auth"'),
    ({"usages": ["flying"]}, 'spec.usages[0]: Unsupported value: "flying": supported values: "any", "cert sign", '),
    ({"signerName": "kubernetes.io/legacy-unknown"},
     'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'),
    ({"signerName": "x"}, 'spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form '
                          "'example.com/signer-name'"),
    ({"signerName": "nodots/x"}, 'spec.signerName: Invalid value: "nodots": should be a domain with at least two segments '
                                 "separated by dots"),
    ({"signerName": "A.b/x"}, 'spec.signerName: Invalid value: "A.b": validating label "A": a lowercase RFC 1123 label'),
    ({"expirationSeconds": 599}, "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 "
                                 "seconds (10 minutes)"),
])
def test_requests_are_validated(api, requests, change, message):
    body = requests.body("wrong")
    body["spec"].update(change)
    answer = api.post(CSRS, body)
    assert answer.status == 422 and message in answer.json["message"], answer


def test_a_changed_request_is_noticed(api, requests):
    der = bytearray(requests.openssl("req", "-outform", "DER", data=requests.pem()))
    der[-1] ^= 1
    pem = b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(bytes(der)) + b"-----END CERTIFICATE REQUEST-----\n"
    answer = api.post(CSRS, requests.body("changed", pem))
    assert answer.status == 422 and "spec.request: Invalid value: []byte{0x2d, " in answer.json["message"]


def test_nobody_becomes_a_master(api, requests):
    answer = api.post(CSRS, requests.body("root", requests.pem("/CN=root/O=system:masters")))
    assert answer.status == 403
    assert answer.json["message"] == (
        'certificatesigningrequests.certificates.k8s.io "root" is forbidden: use of kubernetes.io/kube-apiserver-client signer '
        "with system:masters group is not allowed")


def test_what_is_decided_stays(api, requests):
    api.post(CSRS, requests.body("once"))
    assert decide(api, "once").status == 200
    answer = decide(api, "once", "Denied")
    assert answer.status == 422 and "Approved and Denied conditions are mutually exclusive" in answer.json["message"]
    certificate(api, "once")
    csr = api.get(f"{CSRS}/once").json
    csr["status"]["conditions"] = []
    answer = api.put(f"{CSRS}/once/approval", csr)
    assert answer.status == 422
    assert 'status.conditions: Forbidden: updates may not remove a condition of type "Approved"' in answer.json["message"]
    answer = decide(api, "once", "Failed", status="False")
    assert answer.status == 422
    assert 'status: Unsupported value: "False": supported values: "True"' in answer.json["message"]


def test_decisions_are_made_by_approval_only(api, requests):
    api.post(CSRS, requests.body("sly"))
    csr = api.get(f"{CSRS}/sly").json
    csr["status"]["conditions"] = [{"type": "Approved", "status": "True", "reason": "me"}]
    answer = api.put(f"{CSRS}/sly/status", csr)
    assert answer.status == 422
    assert 'status.conditions: Forbidden: updates may not add a condition of type "Approved"' in answer.json["message"]
    csr["spec"]["signerName"] = "example.com/other"
    answer = api.put(f"{CSRS}/sly", csr)
    assert answer.status == 200 and answer.json["spec"]["signerName"] == SIGNER and answer.json["status"] == {}


def test_a_certificate_is_given_once(api, requests):
    api.post(CSRS, requests.body("mine", signerName="example.com/mine"))
    csr = api.get(f"{CSRS}/mine").json
    csr["status"]["certificate"] = base64.b64encode(b"none").decode()
    answer = api.put(f"{CSRS}/mine/status", csr)
    assert answer.status == 422 and "must contain at least one CERTIFICATE PEM block" in answer.json["message"]
    pem = requests.openssl("req", "-x509", "-key", "key.pem", "-subj", "/CN=x", "-days", "1")
    csr["status"]["certificate"] = base64.b64encode(pem).decode()
    assert api.put(f"{CSRS}/mine/status", csr).status == 200
    csr = api.get(f"{CSRS}/mine").json
    csr["status"]["certificate"] = base64.b64encode(pem + pem).decode()
    answer = api.put(f"{CSRS}/mine/status", csr)
    assert answer.status == 422 and "updates may not modify existing certificate content" in answer.json["message"]


def test_usages_that_are_not_a_clients_fail(api, requests):
    api.post(CSRS, requests.body("server", usages=["server auth"]))
    decide(api, "server")
    failed = eventually(lambda: [c for c in api.get(f"{CSRS}/server").json["status"]["conditions"] if c["type"] == "Failed"])
    assert failed[0]["reason"] == "SignerValidationFailure"
    assert failed[0]["message"] == "invalid usage for client certificate: server auth"


def test_other_signers_are_left_alone(api, requests):
    made = api.post(CSRS, requests.body("other", signerName="example.com/other"))
    assert made.status == 201 and "only those of signer kubernetes.io/kube-apiserver-client are signed here" in made.warnings[0]
    decide(api, "other")
    api.post(CSRS, requests.body("next"))
    decide(api, "next")
    certificate(api, "next")
    assert "certificate" not in api.get(f"{CSRS}/other").json["status"]


def test_who_may_approve_and_sign(api, requests, server):
    """The verbs approve and sign on the signer, or on all of its domain."""
    rules = [{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests", "certificatesigningrequests/approval",
                                                                 "certificatesigningrequests/status"],
              "verbs": ["get", "list", "create", "update"]}]
    api.post(f"{RBAC}/clusterroles", {"metadata": {"name": "csr-test"}, "rules": rules})
    api.post(f"{RBAC}/clusterrolebindings", {"metadata": {"name": "csr-test"}, "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "boss"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "csr-test"}})
    try:
        boss = {"Impersonate-User": "boss"}
        api.post(CSRS, requests.body("asked", signerName="example.com/one"))
        csr = api.get(f"{CSRS}/asked").json
        csr["status"]["conditions"] = [{"type": "Approved", "status": "True"}]

        def approve():
            return api.request("PUT", f"{CSRS}/asked/approval", csr, headers=boss)

        answer = approve()
        assert answer.status == 403 and answer.json["message"] == (
            'certificatesigningrequests.certificates.k8s.io "asked" is forbidden: user not permitted to approve requests with '
            'signerName "example.com/one"')
        allowed = [{"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": ["example.com/*"],
                    "verbs": ["approve"]}]
        api.patch(f"{RBAC}/clusterroles/csr-test", {"rules": rules + allowed})
        assert approve().status == 200
        csr = api.get(f"{CSRS}/asked").json
        csr["status"]["conditions"].append({"type": "Failed", "status": "True"})
        answer = api.request("PUT", f"{CSRS}/asked/status", csr, headers=boss)
        assert answer.status == 403
        assert 'user not permitted to sign requests with signerName "example.com/one"' in answer.json["message"]
        made = api.request("POST", CSRS, requests.body("by-boss"), headers=boss)
        assert made.json["spec"]["username"] == "boss" and made.json["spec"]["groups"] == ["system:authenticated"]
    finally:
        api.delete(f"{RBAC}/clusterroles/csr-test")
        api.delete(f"{RBAC}/clusterrolebindings/csr-test")

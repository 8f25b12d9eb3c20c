"""Composition functions over gRPC, called by gRPC's own client for JavaScript (grpc_client.mjs)."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest
from conftest import GRPC_MODULES, SCIA, FunctionServer

SCRIPT = pathlib.Path(__file__).with_name("grpc_client.mjs")
CASES = re.findall(r"^  async (\w+)\(\) \{$", SCRIPT.read_text(), re.MULTILINE)

# Cases that tell enough about a connection.
FEW = "versions|clients_at_once|streams|health|services"

needs_client = pytest.mark.skipif(not (GRPC_MODULES / "@grpc" / "grpc-js").exists() or not shutil.which("node"),
                                  reason="./dev deps could not install @grpc/grpc-js")


@pytest.fixture(scope="module")
def results(function_server):
    run = function_server.client()
    assert run.returncode == 0 and run.stdout, run.stderr
    return json.loads(run.stdout)


@needs_client
def test_all_cases_ran(results):
    assert len(CASES) >= 20 and sorted(results) == sorted(CASES)


@needs_client
@pytest.mark.parametrize("case", CASES)
def test_grpc_client(results, case):
    assert results[case] == "ok", results[case]


def make_certificates(folder, name="ca"):
    """tls.crt, tls.key and ca.crt for 127.0.0.1, which serve and call."""
    folder.mkdir(exist_ok=True)
    run = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)  # noqa: E731
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=function", "-keyout",
        folder / "tls.key", "-out", folder / "tls.csr")
    run("x509", "-req", "-in", folder / "tls.csr", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", folder / "ext", "-out", folder / "tls.crt")
    return folder


@needs_client
def test_clients_need_a_certificate(start_server, tmp_path):
    certificates = make_certificates(tmp_path / "tls")
    server = start_server(environment={"TLS_SERVER_CERTS_DIR": str(certificates)})
    answered = json.loads(server.client(certificates, FEW).stdout)
    assert {name: text for name, text in answered.items() if text != "ok"} == {}
    stranger = make_certificates(tmp_path / "stranger", "other")
    shutil.copy(certificates / "ca.crt", stranger / "ca.crt")
    refused = json.loads(server.client(stranger, FEW).stdout)
    assert "UNAVAILABLE" in refused["both_versions_answer"]


def presented_certificate(server, certificates):
    host, port = server.target.split(":")
    said = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-alpn", "h2", "-showcerts", "-cert",
                           certificates / "tls.crt", "-key", certificates / "tls.key"], input="", capture_output=True,
                          text=True, errors="replace")
    return re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", said.stdout, re.DOTALL).group(0)


def test_certificates_are_read_again(start_server, tmp_path):
    certificates = make_certificates(tmp_path / "tls")
    server = start_server("--tls-server-certs-dir", str(certificates))
    before = presented_certificate(server, certificates)
    make_certificates(certificates)
    deadline = time.monotonic() + 20
    while presented_certificate(server, certificates) == before and time.monotonic() < deadline:
        time.sleep(0.5)
    assert presented_certificate(server, certificates) in (certificates / "tls.crt").read_text()


def test_it_listens_no_more_after_sigterm(start_server):
    server = start_server("--insecure")
    host, port = server.target.split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        assert server.stop(timeout=25) == 0
    with pytest.raises(OSError):
        socket.create_connection((host, int(port)), timeout=2)


@pytest.mark.parametrize("arguments", [[], ["--insecure", "--name", "none"], ["--insecure", "--address", "9443"],
                                       ["--insecure", "--max-recv-message-size", "0"], ["--insecure", "extra"]])
def test_wrong_usage(arguments):
    said = subprocess.run([str(SCIA), "function", *arguments], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin"})
    assert said.returncode == 2 and "--help" in said.stderr


def test_certificates_that_are_not_there(tmp_path):
    said = subprocess.run([str(SCIA), "function", "--tls-server-certs-dir", str(tmp_path)], capture_output=True, text=True)
    assert said.returncode != 0 and "tls.crt" in said.stderr


@needs_client
def test_the_message_size_is_a_setting(tmp_path):
    server = FunctionServer("--insecure", "--max-recv-message-size", "8")
    try:
        answered = json.loads(server.client("", "_messages_").stdout)
        assert answered["large_messages_pass"] == "ok"
        assert "it was answered" in answered["oversized_messages_are_refused"]
    finally:
        server.stop()

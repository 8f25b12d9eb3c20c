"""Composition functions over gRPC, called by gRPC's own client for JavaScript (grpc_client.mjs)."""
import contextlib
import json
import re
import shutil
import socket
import subprocess
import time

import pytest
from function_server import SCIA, SCRIPTS, FunctionServer, needs_client, node

CASES = re.findall(r"^  async (\w+)\(\) \{$", (SCRIPTS / "grpc_client.mjs").read_text(), re.MULTILINE)

# Cases that tell enough about a connection.
FEW = "versions|clients_at_once|streams|health|services"


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


def make_expired(certificates):
    """Its tls.crt was valid on one day of 2020."""
    (certificates / "index.txt").write_text("")
    (certificates / "ca.conf").write_text(
        f"[ca]\ndefault_ca = own\n[own]\ndir = {certificates}\ndatabase = $dir/index.txt\nnew_certs_dir = $dir\n"
        "rand_serial = yes\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n")
    subprocess.run(["openssl", "ca", "-batch", "-config", certificates / "ca.conf", "-cert", certificates / "ca.crt", "-keyfile",
                    certificates / "ca.key", "-in", certificates / "tls.csr", "-extfile", certificates / "ext", "-startdate",
                    "20200101000000Z", "-enddate", "20200102000000Z", "-out", certificates / "tls.crt"],
                   check=True, capture_output=True)


@needs_client
def test_expired_certificates_are_refused(start_server, tmp_path):
    server = start_server(environment={"TLS_SERVER_CERTS_DIR": str(make_certificates(tmp_path / "tls"))})
    client = shutil.copytree(tmp_path / "tls", tmp_path / "old")
    make_expired(client)
    assert "UNAVAILABLE" in json.loads(server.client(client, FEW).stdout)["both_versions_answer"]


@needs_client
def test_clients_that_say_nothing_keep_nobody_waiting(start_server, tmp_path):
    certificates = make_certificates(tmp_path / "tls")
    server = start_server(environment={"TLS_SERVER_CERTS_DIR": str(certificates)})
    host, port = server.target.split(":")
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(200)]
        for number, connection in enumerate(silent):
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00"[:number % 8])  # a ClientHello that breaks off
        answered = json.loads(server.client(certificates, "versions|health").stdout)
        assert set(answered.values()) == {"ok"}
        for connection in silent:
            connection.settimeout(60)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b"", "a handshake that does not go on is ended"


@needs_client
def test_calls_under_way_are_answered_after_sigterm(start_server, tmp_path):
    server = start_server("--insecure", "--threads", "1", "--max-steps", "1000000000")
    (tmp_path / "programs.json").write_text(json.dumps(
        {str(i): f"a = len([x for x in range(1000) for y in range(300) if x == y]) + {i}\nitems = []\n" for i in range(8)}))
    calls = subprocess.Popen(node("call_at_once.mjs", server.target, tmp_path / "programs.json"), stdout=subprocess.PIPE, text=True)
    assert calls.stdout.readline() == "called\n"
    assert server.stop(timeout=60) == 0
    assert json.loads(calls.communicate(timeout=60)[0]) == ["OK"] * 8


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

"""An HTTPS server for webhooks, in a thread, with a certificate of an authority of its own (made by openssl)."""
import base64
import http.server
import json
import pathlib
import ssl
import subprocess
import threading


def make_certificates(folder):
    """Authority and server certificate for 127.0.0.1, localhost and hook.default.svc, as paths in the folder."""
    folder = pathlib.Path(folder)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
            "/CN=webhook-test-ca", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=hook", "-keyout",
            "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:hook.default.svc")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
            "-extfile", "names", "-out", "server.crt")
    return folder


def allow(request, **more):
    return {"uid": request["uid"], "allowed": True, **more}


def deny(request, **status):
    return {"uid": request["uid"], "allowed": False, "status": status}


def patch(request, *operations, **more):
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return allow(request, patch=text, patchType="JSONPatch", **more)


class WebhookServer:
    """answers: path → function of the AdmissionRequest giving the AdmissionResponse, or (status, bytes) for something
    else altogether. requests: path → the reviews that came."""

    def __init__(self, folder):
        self.folder, self.answers, self.requests = pathlib.Path(folder), {}, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.answer(self, self.path.split("?")[0], json.loads(body))

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def ca(self):
        return base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()

    def answer(self, handler, path, review):
        self.requests.setdefault(path, []).append(review)
        result = self.answers[path](review["request"])
        if isinstance(result, dict):
            result = 200, json.dumps({"kind": "AdmissionReview", "apiVersion": review["apiVersion"],
                                      "response": result}).encode()
        status, body = result
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:  # the client no longer waits
            pass

    def config(self, path, host="127.0.0.1"):
        return {"url": f"https://{host}:{self.port}{path}", "caBundle": self.ca}

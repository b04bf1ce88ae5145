"""nginx in front of gateways that are not real: which requests they receive, how often, and with which headers."""

import socket
import threading

from people import ask
from report import until
from stack import REPOSITORY

class Fake:
    """A gateway that answers every request, or hangs up once it has read it."""

    def __init__(self, answers):
        self.answers, self.received, self.heads = answers, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    head += piece
                else:
                    self.received.append(head.split(b" ", 1)[0].decode())
                    self.heads.append(head.partition(b"\r\n\r\n")[0].decode())
                    if self.answers:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def asked_again(stack):
    """Of two gateways one hangs up on every request: reads are asked of the other one, writes are not."""
    good, bad = Fake(True), Fake(False)
    nginx = stack.nginx(REPOSITORY, [good, bad], name="nginx-fakes")
    try:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            good.received.clear(), bad.received.clear()
            body = None if method in ("GET", "HEAD", "DELETE") else {"a": 1}
            statuses = []

            def meets_bad(method=method, body=body, statuses=statuses):
                statuses.append(ask(nginx.http, method, "/a", body).status)
                return bad.received

            # After a failed PUT or DELETE, the gateway is left out for a moment.
            until(f"a {method} meets the gateway that fails", meets_bad)
            statuses += [ask(nginx.http, method, "/a", body).status for _ in range(20)]
            asked, met = good.received + bad.received, len(bad.received)
            assert set(asked) == {method}, asked
            if method in ("GET", "HEAD"):
                assert set(statuses) == {200}, f"{method}: {statuses}"
            else:
                assert len(asked) == len(statuses), f"{method} was sent {len(asked)} times"
                assert (statuses.count(200), statuses.count(503)) == (len(good.received), met), f"{method}: {statuses}"
    finally:
        nginx.end()
        good.listener.close(), bad.listener.close()


CLAIMS = {
    "X-Forwarded-For": "203.0.113.1, 203.0.113.2", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example",
    "X-Real-IP": "203.0.113.3", "Forwarded": "for=203.0.113.4",
}


def settings_of_nginx(stack):
    """What a gateway receives, what the log keeps, and what HTTPS_ONLY and PROXIES_IN_FRONT change."""
    gateway = Fake(True)
    nginx = stack.nginx(REPOSITORY, [gateway], name="nginx-headers")
    front = stack.nginx(REPOSITORY, [gateway], name="nginx-behind", PROXIES_IN_FRONT="127.0.0.1", HTTPS_ONLY="on")

    def received(port, **more):
        gateway.heads.clear()
        assert ask(port, "GET", "/files/links/a-secret?b=a-secret", **CLAIMS, **more).status == 200
        lines = [line.split(": ", 1) for line in gateway.heads[0].split("\r\n")[1:]]
        lines = [(name.lower(), value) for name, value in lines]
        return [(name, value) for name, value in lines if "forwarded" in name or name in ("host", "x-real-ip")]

    try:
        for tls, port in ((False, nginx.http), (True, nginx.https)):
            host, scheme = f"127.0.0.1:{port}", "https" if tls else "http"
            wanted = {"host": host, "x-forwarded-for": "127.0.0.66", "x-forwarded-proto": scheme, "x-forwarded-host": host}
            got = received(port, tls=tls, source="127.0.0.66")
            assert sorted(got) == sorted(wanted.items()), got
        until("the requests are logged", lambda: "/files/links/" in nginx.access_log.read_text())
        assert "a-secret" not in nginx.access_log.read_text(), "a secret is in the log"
        got = dict(received(front.https, tls=True, source="127.0.0.1"))
        assert got["x-forwarded-for"] == "203.0.113.2", got
        got = dict(received(front.https, tls=True, source="127.0.0.66"))
        assert got["x-forwarded-for"] == "127.0.0.66", got
        for method in ("GET", "POST"):
            answer = ask(front.http, method, "/users/me?a=1")
            assert (answer.status, answer.headers["location"]) == (308, "https://127.0.0.1/users/me?a=1"), answer.status
        challenge = front.state / "acme/.well-known/acme-challenge"
        challenge.mkdir(parents=True)
        challenge.joinpath("token").write_text("proof")
        assert ask(front.http, "GET", "/.well-known/acme-challenge/token").body == b"proof"
    finally:
        nginx.end(), front.end()
        gateway.listener.close()

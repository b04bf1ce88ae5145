"""What passes through nginx: upgrades, polls, addresses, bodies, headers, the certificate."""

import gzip
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import uuid

from people import TLS, Answer, Person, ask
from report import check, until
from stack import REPOSITORY, free_ports
from websockets.exceptions import ConnectionClosed

# Shorter than compose's, and longer than the server's 25 s between two heartbeats.
PROXY_TIMEOUT = 30
IDLE = 70
# Small, so that an upload beyond it is quick.
FILES_MAX_SIZE = 1 << 20
# Headers of the server that nginx must not repeat.
ONCE = [
    "content-security-policy", "content-type", "referrer-policy", "x-content-type-options", "x-frame-options", "x-request-id"
]


class Polling:
    """A session of Socket.IO over HTTP polling alone."""

    def __init__(self, person):
        self.person, self.received = person, []
        opened = self._ask("GET")
        assert opened.status == 200, f"{opened.status} {opened.body}"
        self.sid = json.loads(opened.body[1:])["sid"]
        self.post("40" + json.dumps({"token": person.token}))
        self.hello = self.receive("hello")

    def _ask(self, method, body=None, source=None):
        sid = f"&sid={self.sid}" if hasattr(self, "sid") else ""
        path = f"/socket.io/?EIO=4&transport=polling{sid}"
        return ask(self.person.door, method, path, body, source or self.person.source, timeout=60)

    def post(self, packet, source=None):
        answer = self._ask("POST", packet, source)
        assert (answer.status, answer.body) == (200, b"ok"), f"{answer.status} {answer.body}"

    def poll(self, source=None):
        answer = self._ask("GET", source=source)
        assert answer.status == 200, f"{answer.status} {answer.body}"
        for packet in answer.body.decode().split("\x1e"):
            if packet == "2":
                self.post("3", source)
            elif packet.startswith("42"):
                self.received.append(json.loads(packet[2:]))

    def receive(self, event, source=None):
        """The payload of the next event of that name."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for number, (name, *payload) in enumerate(self.received):
                if name == event:
                    del self.received[number]
                    return payload[0]
            self.poll(source)
        raise AssertionError(f"no {event}")


def upgrades(people, conversation, nginx):
    def over(tls):
        ana, ben = people
        opened, hello = ben.socket(port=nginx.https if tls else nginx.http, tls=tls)
        assert hello["userId"] == ben.id
        text = f"over tls: {tls}"
        assert ana.say(conversation, text).status == 201
        while True:
            frame = json.loads(opened.recv(10))
            if frame.get("event") == "message.sent":
                assert frame["data"]["content"] == text, frame
                break
        opened.close()

    check("/ws is upgraded over http, and a message arrives", lambda: over(False))
    check("/ws is upgraded over https", lambda: over(True))


def stays_open(person, over):
    """In the background: a socket on which only the server's heartbeats move."""
    opened, _ = person.socket()
    since = time.monotonic()

    def idle():
        try:
            while True:
                opened.recv(max(0.1, since + IDLE - time.monotonic()))
        except TimeoutError:
            opened.send(json.dumps({"ping": 7}))
            while json.loads(opened.recv(10)).get("pong") != 7:
                pass
            over.append(time.monotonic() - since)
        except ConnectionClosed as closed:
            over.append(f"closed after {time.monotonic() - since:.0f} s: {closed}")

    thread = threading.Thread(target=idle, daemon=True)
    thread.start()
    return thread


def polls_stick(nginx):
    """Each client's polls reach one gateway; the clients are spread over both."""
    sessions = [Polling(Person(nginx.http, "poller", f"127.0.0.{number}")) for number in range(11, 19)]
    for session in sessions:
        session.post('42["ping"]')
        session.receive("pong")
    clients = {}
    for client, _, status, gateways in nginx.requests("/socket.io/"):
        if client in {session.person.source for session in sessions}:
            assert status == 200, f"{client}: {status}"
            clients.setdefault(client, set()).update(gateways)
    assert len(clients) == len(sessions), clients
    assert all(len(gateways) == 1 for gateways in clients.values()), clients
    assert len(set.union(*clients.values())) == 2, f"all went to one gateway: {clients}"


def polls_may_wander(nginx):
    """A client whose address changes: its polls reach the other gateway, which forwards them."""
    session = Polling(Person(nginx.http, "wanderer", "127.0.0.30"))
    for number in range(31, 41):
        source = f"127.0.0.{number}"
        session.post('42["ping"]', source)
        session.receive("pong", source)
    logged = nginx.requests("/socket.io/")
    asked = {gateway for client, _, _, at in logged if 30 <= int(client.split(".")[3]) <= 40 for gateway in at}
    assert len(asked) == 2, f"only {asked} were asked"


def addresses_differ(door):
    """A budget of one address: one client uses it up; others keep theirs, and no header gets around it."""

    def asked(source, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", door, timeout=10, source_address=(source, 0))
        try:
            while True:
                connection.request("GET", "/no-such-page", headers=headers)
                yield Answer(connection.getresponse())
        finally:
            connection.close()

    deadline = time.monotonic() + 20
    for answer in asked("127.0.0.50"):
        if answer.status == 429 or time.monotonic() > deadline:
            break
    answer.is_problem(429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    # Some of these pass, for the budget grows by twenty a second.
    for name, forged in (("X-Forwarded-For", "203.0.113.{}"), ("Forwarded", "for=203.0.113.{}"), ("X-Real-IP", "203.0.113.{}")):
        statuses = [next(asked("127.0.0.50", **{name: forged.format(number)})).status for number in range(60)]
        assert statuses.count(429) > 20, f"{name} got around the limit: {statuses}"
    for _ in range(60):
        next(asked("127.0.0.51")).is_problem(404, "unknown_route")


def multipart(content):
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    body = head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content_Type": f"multipart/form-data; boundary={boundary}"}


def bodies(ana):
    def too_large_json():
        ana.ask("POST", "/conversations", {"title": "x" * (80 << 10)}).is_problem(413, "too_large")

    def too_large_file(size):
        body, headers = multipart(os.urandom(size))
        ana.ask("POST", "/files", body, **headers).is_problem(413, "too_large")

    def whole():
        content = os.urandom(FILES_MAX_SIZE - 1)
        body, headers = multipart(content)
        stored = ana.ask("POST", "/files", body, **headers)
        assert stored.status == 201, stored.body
        fetched = ana.ask("GET", stored.json["fileUrl"])
        assert fetched.status == 200 and fetched.body == content, fetched.status
        part = ana.ask("GET", stored.json["fileUrl"], Range="bytes=10-19")
        assert part.status == 206 and part.body == content[10:20], part.status

    check("a JSON body that is too large: the server's own 413", too_large_json)
    check("a file that is too large: the server's own 413", lambda: too_large_file(4 * FILES_MAX_SIZE))
    check("a body beyond all files: the server's own 413", lambda: too_large_file(48 * FILES_MAX_SIZE))
    check("a file is uploaded, downloaded and read in part", whole)


def answers(nginx, ana):
    def compressed():
        answer = ask(nginx.http, "GET", "/openapi.json", Accept_Encoding="gzip")
        assert answer.headers["content-encoding"] == "gzip" and json.loads(gzip.decompress(answer.body))["openapi"]

    def headers(tls):
        port = nginx.https if tls else nginx.http
        answer = ask(port, "GET", "/users/me", tls=tls, Authorization=f"Bearer {ana.token}")
        assert answer.status == 200, answer.body
        for name in ONCE:
            assert len(answer.headers.get_all(name, [])) == 1, f"{name}: {answer.headers.get_all(name)}"
        assert len(answer.headers.get_all("strict-transport-security", [])) == (1 if tls else 0), "HSTS"
        assert "/" not in (answer.headers["server"] or ""), answer.headers["server"]

    def http2():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"])
        with context.wrap_socket(socket.create_connection(("127.0.0.1", nginx.https), 10)) as secured:
            assert secured.selected_alpn_protocol() == "h2"

    def same_origin():
        """The page's own host, with its port, is known to the server; a foreign one is not."""
        own = {"Origin": f"http://127.0.0.1:{nginx.http}"}
        assert ana.ask("GET", "/users/me", **own).status == 200
        ana.ask("GET", "/users/me", Origin="http://evil.example").is_problem(403, "origin_not_allowed")

    check("JSON is compressed", compressed)
    check("security headers appear once; HSTS over https alone", lambda: (headers(False), headers(True)))
    check("HTTP/2 is offered", http2)
    check("/metrics is not public", lambda: ask(nginx.http, "GET", "/metrics").is_problem(404, "unknown_route"))
    check("pages of the own host may call, those of others may not", same_origin)


def health_check(gateway):
    """The image's health check: good of a gateway that is ready, and bad of a port where nothing is."""
    command = re.search(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    command = [os.environ["CHATCHIT"], *json.loads(command[1])[1:]]
    codes = [
        subprocess.run(command, env={"PATH": os.environ["PATH"], "PORT": str(port)}, capture_output=True).returncode
        for port in (gateway.port, free_ports(1)[0])
    ]
    assert codes[0] == 0 and codes[1] != 0, codes


def certificate_of(nginx):
    with TLS.wrap_socket(socket.create_connection(("127.0.0.1", nginx.https), 10)) as secured:
        return secured.getpeercert(binary_form=True)


def certificate_changes(nginx):
    """A replaced certificate is used without a restart."""
    before = certificate_of(nginx)
    folder = nginx.state / "tls"
    assert folder.joinpath("privkey.pem").stat().st_mode & 0o077 == 0, "others can read the key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=chat.example", "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )
    until("the new certificate is served", lambda: certificate_of(nginx) != before, 20)

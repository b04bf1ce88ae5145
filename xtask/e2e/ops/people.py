"""People who use the server by plain HTTP, each from an address of their own, and their sockets."""

import http.client
import json
import ssl
import uuid

from websockets.sync.client import connect

PASSWORD = "correct horse battery"
# nginx has a self-signed certificate here.
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


class Answer:
    """What came back."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def is_problem(self, status, code):
        """Checks that it is a problem of this server, whole."""
        kind = self.headers.get("content-type", "")
        assert (self.status, kind) == (status, "application/problem+json"), f"{self.status} {kind} {self.body[:300]}"
        assert (self.json["code"], self.json["status"]) == (code, status), self.body
        assert {"type", "title", "detail", "temporary", "requestId"} <= self.json.keys(), self.body
        return self


def ask(port, method, path, body=None, source="127.0.0.1", tls=False, timeout=30, **headers):
    """The answer of one request over a connection of its own."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, dict):
        body, headers = json.dumps(body), {"Content-Type": "application/json"} | headers
    kind = http.client.HTTPConnection
    more = {}
    if tls:
        kind, more = http.client.HTTPSConnection, {"context": TLS}
    connection = kind("127.0.0.1", port, timeout=timeout, source_address=(source, 0), **more)
    try:
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Person:
    """Somebody who has an account."""

    def __init__(self, door, name, source="127.0.0.1"):
        self.door, self.source = door, source
        profile = {"email": f"{name}-{uuid.uuid4().hex[:8]}@test.example", "password": PASSWORD}
        answer = ask(door, "POST", "/auth/register", profile | {"firstName": name, "lastName": "Test"}, source)
        assert answer.status == 201, answer.body
        self.id, self.token = answer.json["user"]["id"], answer.json["accessToken"]

    def ask(self, method, path, body=None, **more):
        more = {"source": self.source, "Authorization": f"Bearer {self.token}"} | more
        return ask(self.door, method, path, body, **more)

    def direct(self, other):
        """The id of the conversation with another person."""
        answer = self.ask("POST", "/conversations", {"type": "direct", "members": [other.id]})
        assert answer.status in (200, 201), answer.body
        return answer.json["id"]

    def say(self, conversation, text, guid=None):
        body = {"messageType": "TEXT", "content": text, "guid": guid or str(uuid.uuid4())}
        return self.ask("POST", f"/conversations/{conversation}/messages", body)

    def socket(self, since=None, port=None, tls=False):
        """An open WebSocket and its greeting. The library sends no pings of its own: only the server's keep it open."""
        port, query = port or self.door, f"?since={since}" if since else ""
        scheme, more = ("wss", {"ssl": TLS}) if tls else ("ws", {})
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{scheme}://127.0.0.1:{port}/ws{query}"
        opened = connect(
            url, additional_headers=headers, ping_interval=None, source_address=(self.source, 0), proxy=None, **more
        )
        return opened, json.loads(opened.recv(10))["hello"]

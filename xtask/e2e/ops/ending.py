"""Gateways that end, in order or not, while people write, read and listen."""

import json
import signal
import threading
import time
import uuid

from people import Person, ask
from report import until
from websockets.exceptions import ConnectionClosed

WRITERS, SOCKETS = 4, 12


class Traffic:
    """People who read and write all the time. They repeat temporary failures, as clients do."""

    def __init__(self, writers, conversation):
        self.conversation = conversation
        self.guids, self.repeated, self.failed = [], [], []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=[writer], daemon=True) for writer in writers]
        for thread in self.threads:
            thread.start()

    def _try(self, how, wanted):
        deadline = time.monotonic() + 20
        while True:
            try:
                answer = how()
                if answer.status == wanted:
                    return
                reason = f"{answer.status} {answer.body[:200]}"
                temporary = answer.status in (429, 503) and answer.json["temporary"]
            except OSError as error:
                reason, temporary = repr(error), True
            if not temporary or time.monotonic() > deadline:
                self.failed.append(reason)
                return
            self.repeated.append(reason)
            self.stop.wait(0.1)

    def _run(self, writer):
        while not self.stop.is_set():
            guid = str(uuid.uuid4())
            self.guids.append(guid)
            self._try(lambda guid=guid: writer.say(self.conversation, guid, guid), 201)
            self._try(lambda: writer.ask("GET", f"/conversations/{self.conversation}/messages?limit=5"), 200)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.failed, f"{len(self.failed)} failed: {self.failed[:3]}"
        return self


class Listener:
    """A client on a WebSocket that comes back by its cursor."""

    def __init__(self, person):
        self.person, self.codes, self.recovered, self.lost = person, [], [], []
        self.guids, self.positions = [], []
        self.cursor, self.stop = None, threading.Event()
        self.opened = self._open()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _open(self):
        opened, hello = self.person.socket(since=self.cursor)
        if self.cursor:
            self.recovered.append(hello["recovered"])
        self.cursor = hello["cursor"]
        return opened

    def _run(self):
        while not self.stop.is_set():
            try:
                frame = json.loads(self.opened.recv(0.5))
                self.cursor = frame.get("cursor", self.cursor)
                if frame.get("event") == "message.sent":
                    self.guids.append(frame["data"]["id"])
                    self.positions.append(frame["position"])
            except TimeoutError:
                pass
            except ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else None)
                self._come_back()

    def _come_back(self):
        deadline = time.monotonic() + 30
        while not self.stop.wait(0.1):
            try:
                self.opened = self._open()
                return
            except Exception as error:  # any refusal: it tries again
                if time.monotonic() > deadline:
                    self.lost.append(repr(error))
                    return

    def end(self):
        self.stop.set()
        self.thread.join(10)
        self.opened.close()


def writing(nginx, name, sockets=0):
    """People who write to a group, and others who listen there."""
    first, *others = [Person(nginx.http, f"{name}{number}", f"127.0.1.{number + 1}") for number in range(WRITERS + sockets)]
    members = [person.id for person in others]
    group = first.ask("POST", "/conversations", {"type": "group", "title": name, "members": members})
    assert group.status == 201, group.body
    listeners = [Listener(person) for person in others[WRITERS - 1:]]
    traffic = Traffic([first, *others[:WRITERS - 1]], group.json["id"])
    until("writing begins", lambda: len(traffic.guids) > 40)
    return first, listeners, traffic


def drained(nginx, gateway):
    """One of the two gateways ends: its sockets are closed with 1012, and resume on the other."""
    _, listeners, traffic = writing(nginx, "drain", SOCKETS)
    until("messages arrive", lambda: all(len(one.guids) > 20 for one in listeners))
    code, took = gateway.end()
    until("some sockets were closed", lambda: any(one.codes for one in listeners))
    after = len(traffic.guids) + 60
    until("writing goes on", lambda: len(traffic.guids) > after)
    traffic.end()
    until("all messages arrive", lambda: all(len(set(one.guids)) >= len(traffic.guids) for one in listeners), 20)
    for one in listeners:
        one.end()
    closed = [code for one in listeners for code in one.codes]
    assert code == 0, f"the gateway ended with {code}"
    assert took < 21, f"it took {took:.0f} s to end"
    assert 0 < len(closed) < len(listeners), f"{len(closed)} of {len(listeners)} sockets were on one gateway"
    assert set(closed) == {1012}, f"closed with {closed}"
    assert all(all(one.recovered) and not one.lost for one in listeners), [one.lost for one in listeners]
    for one in listeners:
        assert sorted(one.guids) == sorted(traffic.guids), f"{len(one.guids)} of {len(traffic.guids)} messages"
        assert one.positions == sorted(one.positions), "out of order"
    gateway.start()
    print(f"        {len(closed)} of {len(listeners)} sockets moved; {len(traffic.guids)} messages; "
          f"{len(traffic.repeated)} requests repeated; the gateway ended within {took:.1f} s")


def killed(nginx, gateway):
    """One of the two gateways is killed: reads go on, and writes are repeated with their guids."""
    ana, _, traffic = writing(nginx, "kill")
    gateway.end(signal.SIGKILL)
    after = len(traffic.guids) + 60
    until("writing goes on", lambda: len(traffic.guids) > after)
    for _ in range(30):
        answer = ana.ask("GET", "/users/me")
        assert answer.status == 200, f"a read failed: {answer.status} {answer.body}"
    traffic.end()
    found, at = [], ""
    while True:
        page = ana.ask("GET", f"/conversations/{traffic.conversation}/messages?limit=200{at}").json
        found += [message["id"] for message in page["items"]]
        if not page["next"]:
            break
        at = f"&after={page['next']}"
    assert sorted(found) == sorted(traffic.guids), f"{len(found)} stored, {len(traffic.guids)} sent"
    gateway.start()
    print(f"        {len(traffic.guids)} messages; {len(traffic.repeated)} requests repeated: {set(traffic.repeated)}")


def nobody_answers(nginx, gateways):
    for gateway in gateways:
        gateway.end(signal.SIGKILL)
    for method in ("GET", "POST"):
        answer = ask(nginx.http, method, "/users/me" if method == "GET" else "/auth/login", {} if method == "POST" else None)
        answer.is_problem(503, "unavailable")
        assert answer.json["temporary"] is True and int(answer.headers["retry-after"]) >= 1
    for gateway in gateways:
        gateway.start()
    until("the API answers again", lambda: ask(nginx.http, "GET", "/livez").status == 200)

"""Has the documents linted, and clients made of /openapi.json; then asks every route what it says it takes, and what it
says it does not, one request by itself and in sequences: no answer may be a fault of the server, nor one that the document
does not describe; what the document forbids is refused, and what it allows is not. As nobody, as a person and as an
administrator, who are in things of each kind."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import clients
import documents

DOOR = os.environ["DOOR_A"]
# Of another process, where there are several: the person uses this one.
OTHER_DOOR = os.environ.get("DOOR_B", DOOR)
PASSWORD = "correct horse"
# Routes that are not asked, and why.
LEFT_OUT = {
    "GET /ws": "it answers in frames",
    "GET /socket.io/": "it answers in packets",
    "POST /socket.io/": "it answers in packets",
    "POST /auth/logout": "it ends the session that asks",
    "DELETE /auth/sessions/{id}": "it may end the session that asks",
    "POST /users/me/password": "the person would not know their own",
    "POST /users/me/deactivate": "it hides who asks",
    "DELETE /users/me": "it erases who asks",
    "POST /conversations/{id}/leave": "it takes who asks out of their groups",
    "POST /admin/projections/{name}/rebuild": "it runs for long",
}
# What is set otherwise than Schemathesis has it, and why. All of its checks hold; `checks.py` says what is not asked.
SETTINGS = """
# Who is nobody is not to sign up.
[auth]
auto-signup = false
# 422: a schema cannot say all; `refused_for_what_no_schema_says` looks at what it could have said.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 416, 422, 429, "5xx"]
# 413: a text beyond its length may be a body beyond the largest one. 416: a range may lie beyond the file.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
# 400: parts of a form have names that no header can hold.
[[operations]]
include-name = "POST /files"
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 416, 422, 429, "5xx"]
"""
# As whom, and for how long, in seconds; CI takes a share of it.
TURNS = {"nobody": 90, "person": 180, "administrator": 240}
SHARE = float(os.environ.get("SCHEMATHESIS_SHARE", "1"))
# Of each kind, so that one that is deleted leaves others.
COPIES = 4


def ask(door, method, path, body=None, token=None):
    """The answer of a request; nothing when it is refused."""
    request = urllib.request.Request(door + path, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.loads(answer.read() or b"null") or {}
    except urllib.error.HTTPError as refusal:
        print(f"{method} {path}: {refusal.code} {refusal.read().decode()}", file=sys.stderr)
        return {}


def somebody(door, name, **more):
    profile = {"email": f"{name}@test.example", "password": PASSWORD, "firstName": name, "lastName": "Test"}
    answer = ask(door, "POST", "/auth/register", profile | more)
    return answer["user"]["id"], answer["accessToken"]


def furnished(door, name, **more):
    """The token of somebody new, and the ids of what they are in: what lasts, and what may be deleted."""
    own, token = somebody(door, name, **more)
    lasting, doomed = {}, {}
    for number in range(2 * COPIES):
        ids = lasting if number < COPIES else doomed

        def have(value, parameter, *prefixes):
            for prefix in prefixes if value else []:
                ids.setdefault((prefix, parameter), []).append(value)

        friend, other = somebody(door, f"{name}-friend{number}")
        ask(door, "POST", "/friends", {"userId": own}, other)
        ask(door, "POST", f"/friends/{friend}/accept", token=token)
        have(friend, "id", "/users", "/admin/accounts")
        have(friend, "userId", "/friends")
        group = ask(door, "POST", "/conversations", {"type": "group", "title": "A", "members": [friend]}, token).get("id")
        have(group, "id", "/conversations", "/admin/conversations", "/admin/audit/conversations")
        message = ask(door, "POST", f"/conversations/{group}/messages", {"content": "hello"}, token).get("id")
        theirs = ask(door, "POST", f"/conversations/{group}/messages", {"content": "hi"}, other).get("id")
        have(message, "id", "/messages", "/admin/messages")
        report = ask(door, "POST", "/reports", {"messageId": theirs, "reason": "spam"}, token).get("id")
        have(report, "id", "/admin/reports")
        invite = ask(door, "POST", f"/conversations/{group}/invites", {}, token).get("code")
        have(invite, "code", "/conversations", "/invites")
        story = ask(door, "POST", "/stories", {"content": "a story"}, token).get("id")
        comment = ask(door, "POST", f"/stories/{story}/comments", {"content": "oh"}, other).get("id")
        have(story, "id", "/stories")
        have(comment, "id", "/stories/comments")
    lasting["/admin/audit/events", "position"] = [1, 2, 3]
    return token, lasting, doomed


def settings(ids, name, condition):
    """Which ids to put into which paths; of two that fit, the later one holds: the longer beginning."""
    lines = []
    for number, ((prefix, parameter), values) in enumerate(sorted(ids.items(), key=lambda item: len(item[0][0]))):
        lines.append(f"[dictionaries.{name}{number}]\nvalues = {json.dumps(values)}")
        lines.append(f"[[operations]]\n{condition}")
        lines.append(f"include-path-regex = '^{prefix}/(.*/)?\\{{{parameter}\\}}'")
        lines.append(f'parameters = {{ "path.{parameter}" = {{ dictionary = "{name}{number}", probability = 0.9 }} }}')
    return "\n".join(lines)


def asked(door, who, token, lasting, doomed):
    """Whether every route answered them as the document says."""
    lasts, ends = (f'{which}-method = "DELETE"' for which in ("exclude", "include"))
    known = settings(lasting, "lasting", lasts) + "\n" + settings(doomed, "doomed", ends)
    Path("schemathesis.toml").write_text(SETTINGS + known)
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{door}/openapi.json",
        "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful",
        "--max-time", str(round(TURNS[who] * SHARE)), "--request-timeout", "30", "--continue-on-failure", "--no-color",
    ]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    for name in LEFT_OUT:
        command += ["--exclude-name", name]
    print(f"as {who}", flush=True)
    return subprocess.run(command, env=os.environ | {"SCHEMATHESIS_HOOKS": "checks"}).returncode == 0


def main():
    administrator = furnished(DOOR, "admin", bootstrapToken=os.environ["BOOTSTRAP_TOKEN"])
    person = furnished(OTHER_DOOR, "person")
    documents.check(DOOR)
    clients.check(administrator[0])
    # The administrator last, who may block anybody.
    went_well = [
        asked(DOOR, "nobody", None, *person[1:]),
        asked(OTHER_DOOR, "person", *person),
        asked(DOOR, "administrator", *administrator),
    ]
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Reads /openapi.json and asks every route what it says it takes, and what it says it does not: no answer may be a
fault of the server, nor one that the document does not describe. As an administrator who is in things of each kind."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

DOOR = os.environ["DOOR_A"]
PASSWORD = "correct horse"
# What answers in frames, what would end the session that asks or take it out of its group, and what runs for long.
LEFT_OUT = [
    "GET /ws",
    "GET /socket.io/",
    "POST /socket.io/",
    "POST /auth/logout",
    "DELETE /auth/sessions/{id}",
    "POST /conversations/{id}/leave",
    "DELETE /users/me",
    "POST /users/me/deactivate",
    "POST /users/me/password",
    "POST /admin/projections/{name}/rebuild",
]
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
EXAMPLES = os.environ.get("EXAMPLES", "20")
# Of each kind, so that one that is deleted leaves others.
COPIES = 4


def ask(method, path, body=None, token=None):
    """The answer of a request; nothing when it is refused."""
    request = urllib.request.Request(DOOR + path, method=method)
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


def somebody(name, **more):
    profile = {"email": f"{name}@test.example", "password": PASSWORD, "firstName": name, "lastName": "Test"}
    answer = ask("POST", "/auth/register", profile | more)
    return answer["user"]["id"], answer["accessToken"]


def furnished():
    """Who asks, and the ids of what there is: what lasts, and what may be deleted."""
    admin, token = somebody("admin", bootstrapToken=os.environ["BOOTSTRAP_TOKEN"])
    lasting, doomed = {}, {}
    for number in range(2 * COPIES):
        ids = lasting if number < COPIES else doomed

        def have(value, parameter, *prefixes):
            for prefix in prefixes if value else []:
                ids.setdefault((prefix, parameter), []).append(value)

        friend, other = somebody(f"friend{number}")
        ask("POST", "/friends", {"userId": admin}, other)
        ask("POST", f"/friends/{friend}/accept", token=token)
        have(friend, "id", "/users", "/admin/accounts")
        have(friend, "userId", "/friends")
        group = ask("POST", "/conversations", {"type": "group", "title": "A", "members": [friend]}, token).get("id")
        have(group, "id", "/conversations", "/admin/conversations", "/admin/audit/conversations")
        message = ask("POST", f"/conversations/{group}/messages", {"content": "hello"}, token).get("id")
        theirs = ask("POST", f"/conversations/{group}/messages", {"content": "hi"}, other).get("id")
        have(message, "id", "/messages", "/admin/messages")
        report = ask("POST", "/reports", {"messageId": theirs, "reason": "spam"}, token).get("id")
        have(report, "id", "/admin/reports")
        invite = ask("POST", f"/conversations/{group}/invites", {}, token).get("code")
        have(invite, "code", "/conversations", "/invites")
        story = ask("POST", "/stories", {"content": "a story"}, token).get("id")
        comment = ask("POST", f"/stories/{story}/comments", {"content": "oh"}, other).get("id")
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


def main():
    token, lasting, doomed = furnished()
    lasts, ends = (f'{which}-method = "DELETE"' for which in ("exclude", "include"))
    Path("schemathesis.toml").write_text(settings(lasting, "lasting", lasts) + "\n" + settings(doomed, "doomed", ends))
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{DOOR}/openapi.json",
        "--header", f"Authorization: Bearer {token}",
        "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
        "--max-examples", EXAMPLES, "--request-timeout", "30", "--continue-on-failure", "--no-color",
    ]
    for name in LEFT_OUT:
        command += ["--exclude-name", name]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())

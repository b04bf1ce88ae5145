// People, and what they do over REST.

import { randomUUID } from "node:crypto";
import { ensure, within } from "./report.mjs";

/** One who is registered: an id, a token, and the door they come in by. */
export class Person {
  constructor(door, name, credentials, { user, accessToken }) {
    this.door = door;
    this.name = name;
    this.credentials = credentials;
    this.id = user.id;
    this.token = accessToken;
  }

  /** Registers somebody whom nobody knows yet. */
  static async register(door, name) {
    const credentials = { email: `${name}-${randomUUID()}@e2e.example`, password: `correct horse ${name}` };
    const body = { ...credentials, firstName: name, lastName: "Example" };
    return new Person(door, name, credentials, await request(door, undefined, "POST", "/auth/register", body));
  }

  /** The same person at another device, which comes in by a door of its own: another session. */
  async again(door) {
    const answer = await request(door, undefined, "POST", "/auth/login", this.credentials);
    return new Person(door, this.name, this.credentials, answer);
  }

  /** The answer to a request of theirs. */
  api(method, path, body, position) {
    return request(this.door, this.token, method, path, body, position);
  }

  /** What is read, once it shows the event at `position`. */
  get(path, position) {
    return this.api("GET", path, undefined, position);
  }

  post(path, body = {}) {
    return this.api("POST", path, body);
  }

  /** The id of the conversation with one other. */
  async direct(other) {
    return (await this.post("/conversations", { type: "direct", members: [other.id] })).id;
  }

  /** The id of a new group. */
  async group(title, ...others) {
    const members = others.map((other) => other.id);
    return (await this.post("/conversations", { type: "group", title, members })).id;
  }

  /** A file that was uploaded: a text. */
  async upload(name, content) {
    const body = new FormData();
    body.append("file", new Blob([content]), name);
    const headers = { Authorization: `Bearer ${this.token}` };
    const answer = await within(fetch(`${this.door}/files`, { method: "POST", headers, body }), "POST /files");
    ensure(answer.ok, `POST /files: ${answer.status}`);
    return answer.json();
  }

  /** The message that was posted. */
  say(conversation, content) {
    return this.post(`/conversations/${conversation}/messages`, { messageType: "TEXT", content });
  }
}

async function request(door, token, method, path, body, position) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (position) headers["X-ChatChit-Position"] = position;
  const asked = fetch(door + path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await within(asked, `${method} ${path}`);
  const text = await answer.text();
  ensure(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

// A stock client in its own process. Each line of its input is a message to send, each line of its output a received event.

import readline from "node:readline";
import { Ear } from "../ear.mjs";
import { start } from "./gateway.mjs";

export class Device extends Ear {
  /** Every `hello` it received. */
  greetings = [];

  /** Runs `program` with `args` for a person in a conversation; it connects to `door`. */
  constructor(kind, [program, ...args], person, conversation, door) {
    super(kind);
    const env = { ...process.env, DOOR: door, TOKEN: person.token, CONVERSATION: conversation };
    const child = start(program, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      const { event, data } = JSON.parse(line);
      this.note(event, data);
    });
    child.on("error", (error) => this.note("exit", String(error)));
    child.on("exit", (status) => this.note("exit", status));
    child.stdin.on("error", () => {});
    this.input = child.stdin;
  }

  note(name, data) {
    if (name === "hello") this.greetings.push(data);
    super.note(name, data);
  }

  /** Sends a text by the event `sendMessage`; returns the acknowledgement. */
  async send(content) {
    this.input.write(`${JSON.stringify({ content })}\n`);
    return this.gets("ack");
  }

  /** The ids of the received messages, in order of arrival. */
  messages() {
    return this.heard.filter((event) => event.name === "messageComing").map((event) => event.data.id);
  }

  close() {
    this.input.end();
  }
}

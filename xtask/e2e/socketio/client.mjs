// The official client, and a note of all that it was told.

import { io } from "socket.io-client";
import { PATIENCE } from "../lib/report.mjs";
import { Ear } from "./ear.mjs";

/** A socket of one person. */
export class Client extends Ear {
  constructor(person, options) {
    super(person.name);
    this.person = person;
    /** What it would resume from. */
    this.cursor = undefined;
    /** The names of the transports it came to use, in order. */
    this.transports = [];
    const auth = (give) => give({ token: person.token, since: this.cursor });
    // Nothing but what every client says: who it is, and from where it goes on.
    this.socket = io(person.door, { auth, forceNew: true, ...options });
    this.socket.io.on("open", () => this.#watch(this.socket.io.engine));
    this.socket.on("connect", () => this.note("connect"));
    this.socket.on("disconnect", (reason) => this.note("disconnect", reason));
    this.socket.on("connect_error", (error) => this.note("connect_error", error));
    this.socket.onAny((name, data) => this.note(name, data));
  }

  /** One that is connected, and was greeted. */
  static async connect(person, options = {}) {
    const client = new Client(person, options);
    client.hello = await client.gets("hello");
    return client;
  }

  emit(name, data) {
    this.socket.emit(name, data);
  }

  /** Emits, and gives what the acknowledgement says. */
  ask(name, data) {
    return this.socket.timeout(PATIENCE).emitWithAck(name, data);
  }

  /** Waits until whatever was sent to a conversation before has come: somebody posts there, and it arrives. */
  async fence(by, conversation) {
    const { id } = await by.say(conversation, "a fence");
    await this.gets("messageComing", (message) => message.id === id);
  }

  close() {
    this.socket.disconnect();
  }

  note(name, data) {
    // What somebody else made up may call anything a cursor.
    if (typeof data?.position === "number" || name === "hello") this.cursor = data.cursor ?? this.cursor;
    super.note(name, data);
  }

  #watch(engine) {
    this.transports.push(engine.transport.name);
    engine.on("upgrade", (transport) => this.transports.push(transport.name));
  }
}

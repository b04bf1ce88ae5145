// The official client, and a note of all that it was told.

import { io } from "socket.io-client";
import { PATIENCE, ensure, within } from "../lib/report.mjs";

/** A socket of one person. What it hears is kept until somebody asks for it; each event is handed out once. */
export class Client {
  #unasked = [];
  #askers = new Set();

  constructor(person, options) {
    this.person = person;
    /** Everything it heard, in order. */
    this.heard = [];
    /** What it would resume from. */
    this.cursor = undefined;
    /** The names of the transports it came to use, in order. */
    this.transports = [];
    const auth = (give) => give({ token: person.token, since: this.cursor });
    // Nothing but what every client says: who it is, and from where it goes on.
    this.socket = io(person.door, { auth, forceNew: true, ...options });
    this.socket.io.on("open", () => this.#watch(this.socket.io.engine));
    this.socket.on("connect", () => this.#note("connect"));
    this.socket.on("disconnect", (reason) => this.#note("disconnect", reason));
    this.socket.on("connect_error", (error) => this.#note("connect_error", error));
    this.socket.onAny((name, data) => this.#note(name, data));
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

  /** Waits for the next event of a name that nobody has asked for, and gives its payload. */
  async gets(name, isMeant = () => true, patience = PATIENCE) {
    const asker = { name, isMeant };
    const known = this.#unasked.findIndex((event) => matches(asker, event));
    if (known >= 0) return this.#unasked.splice(known, 1)[0].data;
    const come = new Promise((resolve) => {
      asker.resolve = resolve;
      this.#askers.add(asker);
    });
    return within(come, `${this.person.name} waits for ${name}`, patience).finally(() => this.#askers.delete(asker));
  }

  /** An error if an event came that should not have. */
  never(name, isMeant = () => true) {
    const found = this.heard.find((event) => matches({ name, isMeant }, event));
    ensure(!found, `${this.person.name} was told ${name}: ${JSON.stringify(found?.data)}`);
  }

  /** Forgets what came so far. */
  forget() {
    this.heard = [];
    this.#unasked = [];
  }

  /** Waits until whatever was sent to a conversation before has come: somebody posts there, and it arrives. */
  async fence(by, conversation) {
    const { id } = await by.say(conversation, "a fence");
    await this.gets("messageComing", (message) => message.id === id);
  }

  close() {
    this.socket.disconnect();
  }

  #watch(engine) {
    this.transports.push(engine.transport.name);
    engine.on("upgrade", (transport) => this.transports.push(transport.name));
  }

  #note(name, data) {
    const event = { name, data };
    this.heard.push(event);
    // What somebody else made up may call anything a cursor.
    if (typeof data?.position === "number" || name === "hello") this.cursor = data.cursor ?? this.cursor;
    for (const asker of this.#askers) {
      if (matches(asker, event)) {
        this.#askers.delete(asker);
        asker.resolve(data);
        return;
      }
    }
    this.#unasked.push(event);
  }
}

function matches({ name, isMeant }, event) {
  return event.name === name && isMeant(event.data ?? {});
}

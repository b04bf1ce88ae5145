// Received events, kept until they are asked for.

import { PATIENCE, ensure, within } from "../lib/report.mjs";

/** Keeps received events; each is handed out once. */
export class Ear {
  #unasked = [];
  #askers = new Set();
  /** All received events, in order. */
  heard = [];

  constructor(name) {
    this.name = name;
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
    return within(come, `${this.name} waits for ${name}`, patience).finally(() => this.#askers.delete(asker));
  }

  /** An error if an event came that should not have. */
  never(name, isMeant = () => true) {
    const found = this.heard.find((event) => matches({ name, isMeant }, event));
    ensure(!found, `${this.name} was told ${name}: ${JSON.stringify(found?.data)}`);
  }

  /** Forgets what came so far. */
  forget() {
    this.heard = [];
    this.#unasked = [];
  }

  note(name, data) {
    const event = { name, data };
    this.heard.push(event);
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

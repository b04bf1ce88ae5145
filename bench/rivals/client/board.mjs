// What was posted, what came of it, and who posts next.

import { text } from './text.mjs';

// Each body begins with this letter and so many digits: the number of the message.
export const DIGITS = 8;
export const MARK = 'm';
const TICK = 1;

// The number in `bytes` from `at` on.
export function numberAt(bytes, at) {
  let number = 0;
  for (let i = 0; i < DIGITS; i += 1) {
    const digit = bytes[at + i] - 48;
    if (!(digit >= 0 && digit <= 9)) throw new Error('a message without its number');
    number = number * 10 + digit;
  }
  return number;
}

export class Board {
  constructor({ users, room, content, isClosed }) {
    if (room > 30 || users % room !== 0) throw new Error('rooms have at most 30 members, and all the same number');
    Object.assign(this, { users, room, content, isClosed });
    this.messages = [];
    this.sockets = [];
    this.open = 0;
    this.unacknowledged = 0;
    this.doubled = 0;
    this.faults = [];
    this.isStopped = false;
  }

  seat(sockets) {
    this.sockets.push(...sockets);
  }

  // `user` posts now; it was due at `due`.
  send(user, due = performance.now()) {
    const number = this.messages.length;
    const body = `${MARK}${String(number).padStart(DIGITS, '0')} ${text(number, this.content - DIGITS - 2)}`;
    this.open += 1;
    this.unacknowledged += 1;
    this.messages.push({ user, due, sent: performance.now(), acknowledged: 0, seen: 0, delivered: [] });
    this.sockets[user].send(number, body);
  }

  acknowledged(number) {
    const message = this.messages[number];
    if (message.acknowledged !== 0) return;
    message.acknowledged = performance.now();
    this.unacknowledged -= 1;
  }

  // `user` received a message.
  delivered(user, number) {
    const message = this.messages[number];
    const bit = 1 << (user % this.room);
    if (!message || message.seen & bit) {
      this.doubled += 1;
      return;
    }
    message.seen |= bit;
    message.delivered.push(performance.now());
    if (message.delivered.length < this.room) return;
    this.open -= 1;
    if (this.isClosed && !this.isStopped) this.send(message.user);
  }

  // Something the server must not answer.
  fault(what) {
    if (this.faults.length < 10) this.faults.push(what);
  }

  async everybodySends() {
    for (let user = 0; user < this.users; user += 1) this.send(user);
  }

  // Posts round robin at an even rate, without waiting for answers.
  async sendsAtRate(rate) {
    const begun = performance.now();
    let posted = 0;
    while (!this.isStopped) {
      await new Promise((resolve) => setTimeout(resolve, TICK));
      const due = Math.floor(((performance.now() - begun) / 1000) * rate);
      for (; posted < due; posted += 1) this.send(posted % this.users, begun + (posted * 1000) / rate);
    }
  }

  stop() {
    this.isStopped = true;
  }

  // Waits until everything is acknowledged and delivered, or the time is up.
  async settled(seconds) {
    const until = performance.now() + seconds * 1000;
    while (this.open + this.unacknowledged > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

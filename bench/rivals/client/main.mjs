// The load of `chatchit-loadgen rooms` for other servers: rooms of people who post, each message delivered to every member of
// its room, the sender included. Closed: everybody has one message outstanding. Open (--rate): so many messages a second, round
// robin. Prints one JSON document with the fields of that program; `measuring` on standard error begins the measured time.
//
// usage: main.mjs socketio|xmpp --address HOST:PORT [--users 200] [--room 10] [--content 200] [--rate N] [--warm-up 3]
//                 [--measure 10] [--settle 60]; SECRET in the environment for socketio

import { parseArgs } from 'node:util';
import { Board } from './board.mjs';
import { report } from './report.mjs';
import * as socketio from './socketio.mjs';
import * as xmpp from './xmpp.mjs';

const DIALECTS = { socketio, xmpp };
// So many connections are opened at once.
const AT_ONCE = 20;

const number = (value) => ({ type: 'string', default: String(value) });
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    address: { type: 'string' },
    users: number(200),
    room: number(10),
    content: number(200),
    rate: number(0),
    'warm-up': number(3),
    measure: number(10),
    settle: number(60),
  },
});
const dialect = DIALECTS[positionals[0]];
if (!dialect || !values.address) throw new Error('usage: main.mjs socketio|xmpp --address HOST:PORT');
const [users, room, content, rate, warmUp, measure, settle] = [
  'users',
  'room',
  'content',
  'rate',
  'warm-up',
  'measure',
  'settle',
].map((name) => Number(values[name]));
const [host, port] = values.address.split(':');

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const board = new Board({ users, room, content, isClosed: rate === 0 });
const run = `${process.pid}-${Math.floor(Math.random() * 1e9)}`;
for (let first = 0; first < users; first += AT_ONCE) {
  const some = Array.from({ length: Math.min(AT_ONCE, users - first) }, (_, n) => first + n);
  const opened = some.map((user) => dialect.open({ host, port: Number(port), user, room, run, board }));
  board.seat(await Promise.all(opened));
}

const posting = rate === 0 ? board.everybodySends() : board.sendsAtRate(rate);
await sleep(warmUp);
console.error('measuring');
const begun = { at: performance.now(), cpu: process.cpuUsage() };
await sleep(measure);
const ended = { at: performance.now(), cpu: process.cpuUsage(begun.cpu) };
board.stop();
await posting;
await board.settled(settle);
const mode = rate === 0 ? `closed, ${users} outstanding` : `open, ${rate}/s`;
const document = report(board, begun.at, ended, `rooms: ${users} sockets in rooms of ${room}, ${content} bytes, ${mode}`);
console.log(JSON.stringify(document, null, 2));
process.exit(document.clean ? 0 : 1);

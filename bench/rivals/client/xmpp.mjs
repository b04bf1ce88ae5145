// An XMPP client (RFC 6120, XEP-0045) in groups, over plain TCP: cheap enough to share the machine with the server. A
// member's own copy of a message is its acknowledgement: there is no other.

import { connect } from 'node:net';
import { DIGITS, MARK, numberAt } from './board.mjs';

const DOMAIN = 'localhost';
const BODY = Buffer.from(`<body>${MARK}`);
// As long as what is looked for, but for one byte: so nothing is found twice.
const KEPT = BODY.length + DIGITS - 1;
// Text and other values have their apostrophes escaped, so this is an attribute, or the error's own.
const ERROR = Buffer.from("type='error'");

const STREAM = `<?xml version='1.0'?><stream:stream to='${DOMAIN}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;

export function open({ host, port, user, room, run, board }) {
  // A name of this run: the server removes those of an earlier one some time after they left.
  const name = `user-${run}-${user}`;
  const group = `room-${run}-${Math.floor(user / room)}@conference.${DOMAIN}`;
  const password = Buffer.from(`\0${name}\0password`).toString('base64');
  // Each step: what is sent, and what the answer to it contains.
  const steps = [
    [STREAM, '</stream:features>'],
    [`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${password}</auth>`, '<success'],
    [STREAM, '</stream:features>'],
    ["<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>", "id='bind'"],
    ['<presence/>', '<presence'],
    [`<presence to='${group}/${name}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`, '<subject'],
  ];
  return new Promise((resolve, reject) => {
    const stream = connect({ host, port, noDelay: true });
    let [answer, step, rest] = ['', 0, Buffer.alloc(0)];

    const socket = {
      send(number, body) {
        stream.write(`<message type='groupchat' to='${group}' id='${run}-${number}'><body>${body}</body></message>`);
      },
    };

    function advance(chunk) {
      answer += chunk.toString();
      if (answer.includes("type='error'") || answer.includes('<failure')) return stream.destroy(new Error(answer));
      if (!answer.includes(steps[step][1])) return;
      [answer, step] = ['', step + 1];
      if (step < steps.length) stream.write(steps[step][0]);
      else resolve(socket);
    }

    stream.on('data', (chunk) => {
      if (step < steps.length) return advance(chunk);
      const bytes = Buffer.concat([rest, chunk]);
      if (bytes.includes(ERROR)) board.fault(bytes.toString());
      for (let at = bytes.indexOf(BODY); at >= 0; at = bytes.indexOf(BODY, at + KEPT)) {
        if (at + KEPT >= bytes.length) break;
        const number = numberAt(bytes, at + BODY.length);
        if (board.messages[number].user === user) board.acknowledged(number);
        board.delivered(user, number);
      }
      rest = bytes.subarray(Math.max(bytes.length - KEPT, 0));
    });
    stream.on('error', (error) => {
      board.fault(`socket ${user}: ${error.message}`);
      reject(error);
    });
    stream.on('close', () => board.fault(`socket ${user} was closed`));
    stream.on('connect', () => stream.write(steps[0][0]));
  });
}

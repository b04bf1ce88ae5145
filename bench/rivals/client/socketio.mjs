// A Socket.IO client on a bare WebSocket (RFC 6455), cheap enough to share the machine with the server: whole text frames, a
// mask of zeros.

import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { MARK, numberAt } from './board.mjs';

const [TEXT, CLOSE, PING, PONG] = [0x1, 0x8, 0x9, 0xa];
const BODY = Buffer.from(`"body":"${MARK}`);
const [OPEN, PING_OF_ENGINE, CONNECTED, REFUSED, EVENT, ACKNOWLEDGED] = ['0', '2', '40', '44', '42', '43'].map((packet) =>
  Buffer.from(packet),
);

function frame(payload, opcode = TEXT) {
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  head[0] = 0x80 | opcode;
  if (length < 126) {
    head[1] = 0x80 | length;
  } else {
    if (length > 0xffff) throw new Error('a frame is longer than this client sends');
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  }
  return Buffer.concat([head, payload]);
}

// Calls `each` with opcode and payload of every whole frame, and returns the rest.
function frames(bytes, each) {
  let at = 0;
  while (bytes.length - at >= 2) {
    let [start, length] = [at + 2, bytes[at + 1]];
    if (length === 126) {
      if (bytes.length - at < 4) break;
      [start, length] = [at + 4, bytes.readUInt16BE(at + 2)];
    } else if (length === 127) {
      if (bytes.length - at < 10) break;
      [start, length] = [at + 10, Number(bytes.readBigUInt64BE(at + 2))];
    }
    if (bytes.length < start + length) break;
    each(bytes[at] & 0x0f, bytes.subarray(start, start + length));
    at = start + length;
  }
  return bytes.subarray(at);
}

const begins = (bytes, head) => bytes.length >= head.length && bytes.compare(head, 0, head.length, 0, head.length) === 0;

export function open({ host, port, user, room, run, board }) {
  const signature = createHmac('sha256', process.env.SECRET).update(String(user)).digest('hex');
  const hello = Buffer.from(`40${JSON.stringify({ token: `${user}.${signature}` })}`);
  const own = String(Math.floor(user / room));
  return new Promise((resolve, reject) => {
    const stream = connect({ host, port, noDelay: true });
    let [rest, isUpgraded] = [Buffer.alloc(0), false];

    const socket = {
      send(number, body) {
        stream.write(frame(Buffer.from(`42${number}["message",${JSON.stringify({ room: own, key: `${run}-${number}`, body })}]`)));
      },
    };

    function packet(opcode, payload) {
      if (opcode === PING) stream.write(frame(payload, PONG));
      else if (opcode === CLOSE) stream.destroy(new Error('closed by the server'));
      else if (opcode !== TEXT) return;
      else if (begins(payload, EVENT)) received(payload);
      else if (begins(payload, ACKNOWLEDGED)) answered(payload);
      else if (begins(payload, OPEN)) stream.write(frame(hello));
      else if (begins(payload, CONNECTED)) resolve(socket);
      else if (begins(payload, REFUSED)) stream.destroy(new Error(payload.toString()));
      else if (begins(payload, PING_OF_ENGINE)) stream.write(frame(Buffer.from('3')));
    }

    function received(payload) {
      const at = payload.indexOf(BODY);
      if (at >= 0) board.delivered(user, numberAt(payload, at + BODY.length));
    }

    function answered(payload) {
      const end = payload.indexOf('[');
      if (payload.indexOf('"ok":true') < 0) board.fault(payload.toString());
      board.acknowledged(Number(payload.toString('latin1', 2, end)));
    }

    stream.on('data', (chunk) => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!isUpgraded) {
        const end = bytes.indexOf('\r\n\r\n');
        rest = bytes;
        if (end < 0) return;
        if (!bytes.toString('latin1', 0, 12).endsWith('101')) return stream.destroy(new Error('the upgrade was refused'));
        [isUpgraded, bytes] = [true, bytes.subarray(end + 4)];
      }
      rest = frames(bytes, packet);
    });
    stream.on('error', (error) => {
      board.fault(`socket ${user}: ${error.message}`);
      reject(error);
    });
    stream.on('close', () => board.fault(`socket ${user} was closed`));
    stream.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y2hhdGNoaXQtcml2YWxzLg==\r\n\r\n',
    );
  });
}

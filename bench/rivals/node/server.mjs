// A chat server as it is written plainly with socket.io and Postgres: one process, one durable statement per message, which
// checks the membership and the idempotency key, then the acknowledgement and the delivery to all members of the room.
//
// Environment: PORT, DATABASE_URL (an empty database), SECRET (of the tokens), USERS and ROOM: people, and members of a room.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import pg from 'pg';
import { Server } from 'socket.io';

const { PORT, DATABASE_URL, SECRET, USERS = '200', ROOM = '10' } = process.env;
const STORE = `
  INSERT INTO messages (room_id, sender_id, key, body)
  SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM members WHERE room_id = $1 AND user_id = $2)
  ON CONFLICT (sender_id, key) DO NOTHING RETURNING id, sent_at`;
const REPEATED = 'SELECT id, sent_at FROM messages WHERE sender_id = $1 AND key = $2';

const pool = new pg.Pool({ connectionString: DATABASE_URL });

async function prepare() {
  await pool.query(await readFile(new URL('schema.sql', import.meta.url), 'utf8'));
  await pool.query(`INSERT INTO users SELECT n, 'user ' || n FROM generate_series(0, $1::int - 1) n`, [USERS]);
  await pool.query(`INSERT INTO rooms SELECT n, 'Room ' || n FROM generate_series(0, ($1::int - 1) / $2::int) n`, [
    USERS,
    ROOM,
  ]);
  await pool.query('INSERT INTO members SELECT n / $2::int, n FROM generate_series(0, $1::int - 1) n', [USERS, ROOM]);
}

// A token is the user's id and its HMAC.
function userOf(token) {
  const [id, given] = String(token).split('.');
  const expected = createHmac('sha256', SECRET).update(id).digest();
  const signature = Buffer.from(given ?? '', 'hex');
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) throw new Error('unauthorized');
  return id;
}

const isText = (value, most) => typeof value === 'string' && value.length > 0 && value.length <= most;

async function store(sender, { room, key, body }) {
  if (!isText(room, 20) || !isText(key, 64) || !isText(body, 8192)) throw new Error('malformed');
  const { rows } = await pool.query({ name: 'store', text: STORE, values: [room, sender, key, body] });
  if (rows.length > 0) return { isNew: true, ...rows[0] };
  const earlier = await pool.query({ name: 'repeated', text: REPEATED, values: [sender, key] });
  if (earlier.rows.length === 0) throw new Error('forbidden');
  return { isNew: false, ...earlier.rows[0] };
}

await prepare();
const http = createServer((request, response) => {
  response.statusCode = request.url === '/readyz' ? 200 : 404;
  response.end();
});
const io = new Server(http, { transports: ['websocket'], serveClient: false });

io.use(async (socket, next) => {
  try {
    socket.data.user = userOf(socket.handshake.auth.token);
    const { rows } = await pool.query('SELECT room_id FROM members WHERE user_id = $1', [socket.data.user]);
    socket.join(rows.map((row) => `room ${row.room_id}`));
    next();
  } catch (error) {
    next(error);
  }
});

io.on('connection', (socket) => {
  socket.on('message', async (request, acknowledge) => {
    const { user } = socket.data;
    try {
      const { isNew, id, sent_at: sentAt } = await store(user, request);
      if (isNew) {
        const { room, body } = request;
        io.to(`room ${room}`).emit('message', { id, room, sender: user, body, sentAt });
      }
      acknowledge({ ok: true, id });
    } catch (error) {
      acknowledge({ ok: false, error: error.message });
    }
  });
});

http.listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

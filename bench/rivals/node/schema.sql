-- People in rooms, and their messages.
CREATE TABLE users (
    id bigint PRIMARY KEY,
    name text NOT NULL UNIQUE
);
CREATE TABLE rooms (
    id bigint PRIMARY KEY,
    title text NOT NULL
);
CREATE TABLE members (
    room_id bigint NOT NULL REFERENCES rooms,
    user_id bigint NOT NULL REFERENCES users,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX members_user ON members (user_id);
CREATE TABLE messages (
    id bigserial PRIMARY KEY,
    room_id bigint NOT NULL REFERENCES rooms,
    sender_id bigint NOT NULL REFERENCES users,
    -- Of the client, so that a retry stores nothing twice.
    key text NOT NULL,
    body text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (sender_id, key)
);
-- The history of a room, newest first.
CREATE INDEX messages_room ON messages (room_id, id DESC);

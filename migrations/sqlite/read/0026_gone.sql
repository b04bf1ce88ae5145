-- What is gone of a conversation, by where it stood: so that what is unread is counted without it. A few rows, beside all
-- messages.
CREATE INDEX messages_gone ON messages (conversation_id, seq) WHERE deleted_at IS NOT NULL;

-- Where what somebody hid stood.
ALTER TABLE hidden ADD COLUMN conversation_id BLOB;
ALTER TABLE hidden ADD COLUMN seq INTEGER;
UPDATE hidden SET conversation_id = (SELECT m.conversation_id FROM messages m WHERE m.id = hidden.message_id),
    seq = (SELECT m.seq FROM messages m WHERE m.id = hidden.message_id);
CREATE INDEX hidden_by_user ON hidden (user_id, conversation_id, seq);

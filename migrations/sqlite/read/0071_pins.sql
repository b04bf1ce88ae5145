-- Pinned messages, in the order of the events that pinned them.
ALTER TABLE messages ADD COLUMN pinned_at INTEGER;
ALTER TABLE messages ADD COLUMN pinned_position INTEGER;
CREATE INDEX messages_pinned ON messages (conversation_id, pinned_position) WHERE pinned_position IS NOT NULL;

-- Forgetting a person removes their refresh tokens; the append that does it runs in the writer.
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);

-- Whether a group is open to whoever has its id. With approval it says how people come in by themselves: approval, open,
-- else by an invite alone, as all groups were that were opened before.
ALTER TABLE conversations ADD COLUMN is_open BOOLEAN NOT NULL DEFAULT FALSE;

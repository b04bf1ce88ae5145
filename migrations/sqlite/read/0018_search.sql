-- The words of messages, for search: folded, separated by spaces, the conversation among them (projections/src/words.rs).
-- position is that of the message. A message without words has no row.
CREATE TABLE message_words (
    position   INTEGER NOT NULL PRIMARY KEY,
    message_id BLOB NOT NULL,
    words      TEXT NOT NULL
) STRICT;

-- The index over them. The words hold nothing of ASCII but letters, digits and the spaces between: so this tokenizer
-- finds exactly those words. The triggers keep it, whoever writes the table, the swap of a rebuild included.
CREATE VIRTUAL TABLE message_index USING fts5 (
    words, content = 'message_words', content_rowid = 'position', tokenize = 'ascii', detail = 'none'
);
CREATE TRIGGER message_words_come AFTER INSERT ON message_words BEGIN
    INSERT INTO message_index (rowid, words) VALUES (new.position, new.words);
END;
CREATE TRIGGER message_words_go AFTER DELETE ON message_words BEGIN
    INSERT INTO message_index (message_index, rowid, words) VALUES ('delete', old.position, old.words);
END;
CREATE TRIGGER message_words_change AFTER UPDATE ON message_words BEGIN
    INSERT INTO message_index (message_index, rowid, words) VALUES ('delete', old.position, old.words);
    INSERT INTO message_index (rowid, words) VALUES (new.position, new.words);
END;

-- The folded words of names. field: 'first' or 'last'.
CREATE TABLE user_words (
    user_id BLOB NOT NULL,
    field   TEXT NOT NULL,
    word    TEXT NOT NULL,
    PRIMARY KEY (user_id, field, word)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_words_by_word ON user_words (word, user_id);

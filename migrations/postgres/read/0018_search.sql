-- The words of messages, for search: folded, separated by spaces, the conversation among them (projections/src/words.rs).
-- position is that of the message. A message without words has no row.
CREATE TABLE message_words (
    position   BIGINT NOT NULL PRIMARY KEY,
    message_id UUID NOT NULL,
    words      TEXT NOT NULL
);
-- The words are lexemes as they stand: no parser and no dictionary, so that both engines find the same.
CREATE INDEX message_index ON message_words USING gin (array_to_tsvector(string_to_array(words, ' ')));

-- The folded words of names. field: 'first' or 'last'.
CREATE TABLE user_words (
    user_id UUID NOT NULL,
    field   TEXT NOT NULL,
    word    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, field, word)
);
CREATE INDEX user_words_by_word ON user_words (word, user_id);

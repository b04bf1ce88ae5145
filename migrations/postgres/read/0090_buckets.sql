-- The words of a message have one more behind the version: that of its bucket, 8,192 consecutive positions
-- (projections/words/src/message.rs), so that a search reads the newest messages first and stops. This index holds the
-- messages without it: those of before, and what an older build still writes. They are indexed again, the newest first; until
-- then searches read past them as before. An older build ignores the word.
CREATE INDEX message_words_without_bucket ON message_words (position) WHERE substr(words, 1, 4) <> '†2 ‡';

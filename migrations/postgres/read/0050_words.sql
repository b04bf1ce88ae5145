-- The messages whose words are not of version 2 (projections/src/words, VERSION), with which the words begin: those that
-- are to be indexed anew. What this build writes is never among them. A later version has a migration with an index of its own.
CREATE INDEX message_words_stale ON message_words (position) WHERE substr(words, 1, 3) <> '†2 ';

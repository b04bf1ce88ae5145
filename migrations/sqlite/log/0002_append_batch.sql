-- Here the append runs in the writer, not in the database: nothing to create.
SELECT 1;

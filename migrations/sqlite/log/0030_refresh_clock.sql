-- Postgres says by its own clock when a refresh token was replaced. A file is used by one process, whose clock it is.
SELECT 1;

-- When a refresh token was replaced is judged by one clock, the database's: the processes that replace it and that are
-- shown it again have clocks of their own. Older processes, too, write theirs.
CREATE FUNCTION refresh_token_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.replaced_at := CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT);
    RETURN NEW;
END
$$;

CREATE TRIGGER refresh_token_replaced BEFORE UPDATE OF replaced_at ON refresh_tokens
    FOR EACH ROW WHEN (NEW.replaced_at IS NOT NULL) EXECUTE FUNCTION refresh_token_replaced();

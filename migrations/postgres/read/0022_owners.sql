-- Processes that hold leases or duties. Each holds the lock of its key for as long as it lives: when the lock is free, its
-- process has died, and what it leased is nobody's at once. An owner without a row is dead when its leases expire.
CREATE TABLE owners (
    owner    UUID PRIMARY KEY,
    lock_key BIGINT NOT NULL
);

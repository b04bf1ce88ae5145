//! The tables beside the events: claims, passwords, refresh tokens, data keys, command keys.

use crate::{AppendError, Authenticator, ClaimKind, CommandKey, EventStore, Position, ReadError, Receipt};
use sql::{Engine, query};
use uuid::Uuid;

/// How long [`Retention::Week`](crate::Retention::Week) lasts, in milliseconds.
const WEEK: i64 = 7 * 24 * 60 * 60 * 1_000;
const HOUR: i64 = 60 * 60 * 1_000;
const MINUTE: i64 = 60 * 1_000;
/// The prefix of keys that the server generates for commands without one; they are removed after an hour.
pub const SERVER_KEY: &str = "server:";
/// Rows purged in one transaction.
const PORTION: u64 = 1_000;

impl EventStore {
    /// The first result of a key that was used, so that a repeated command is answered without a new decision.
    ///
    /// # Errors
    /// [`AppendError::KeyReused`] when it was used for another request; [`AppendError::Unavailable`].
    pub async fn first_result(
        &self,
        key: &CommandKey,
        request_hash: &[u8; 32],
    ) -> Result<Option<Receipt>, AppendError> {
        let used = query("SELECT request_hash, position FROM command_keys WHERE owner = $1 AND key = $2");
        let used = used.bind(key.owner.as_str()).bind(key.key.as_str());
        let Some(row) = self.database().fetch_optional(used).await.map_err(unavailable)? else { return Ok(None) };
        if row.get::<Vec<u8>>("request_hash").map_err(unavailable)? != request_hash {
            return Err(AppendError::KeyReused);
        }
        let position: Option<i64> = row.get("position").map_err(unavailable)?;
        self.repeated(position.and_then(|position| Position::try_from(position).ok())).await.map(Some)
    }

    /// The first receipt of a command whose last event is at `position`.
    pub(crate) async fn repeated(&self, position: Option<Position>) -> Result<Receipt, AppendError> {
        let Some(position) = position else { return Ok(Receipt::empty(true)) };
        match self.read_at(position).await {
            Ok(Some(event)) => Ok(Receipt::of(&event, true)),
            Ok(None) => Err(AppendError::Broken(format!("a command's event {position} is missing"))),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The keyed hash under which a name is unique.
    #[must_use]
    pub fn claim_hash(&self, kind: ClaimKind, name: &str) -> [u8; 32] {
        self.keyring().claim_hash(kind, name)
    }

    /// The keyed hash of the one claim on the bootstrap token.
    #[must_use]
    pub fn bootstrap_hash(&self) -> [u8; 32] {
        self.keyring().bootstrap_hash()
    }

    /// The keyed hash by which a repeated request is recognised. It is keyed because it outlives texts: without the key it
    /// confirms no guess of an erased text.
    #[must_use]
    pub fn request_hash(&self, request: &[u8]) -> [u8; 32] {
        self.keyring().request_hash(request)
    }

    /// The stored form of a client's idempotency key, which may be any text and outlives its author: `k.` and 32 hexadecimal
    /// digits of a keyed hash over owner and key.
    #[must_use]
    pub fn key_hash(&self, owner: &str, key: &str) -> String {
        let hash = self.keyring().key_hash(owner, key);
        hash[..16].iter().fold("k.".to_owned(), |word, byte| format!("{word}{byte:02x}"))
    }

    /// Whether clients' keys may still be stored in the clear: for a week after the log began to hash them.
    #[must_use]
    pub fn may_have_plain_keys(&self) -> bool {
        self.keys_hashed_since().is_some_and(|since| self.now().millis() < since + WEEK)
    }

    /// The keyed digest of evidence, which remains after its erasure: it can confirm a copy, but without the key no guess.
    #[must_use]
    pub fn evidence_digest(&self, evidence: &[u8]) -> [u8; 32] {
        self.keyring().evidence_digest(evidence)
    }

    /// An authenticator of texts for one purpose, with a key derived from the master key.
    #[must_use]
    pub fn authenticator(&self, purpose: &str) -> Authenticator {
        self.keyring().authenticator(purpose)
    }

    /// The owner of a claimed name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn claimed_by(&self, kind: ClaimKind, hash: &[u8; 32]) -> Result<Option<Uuid>, ReadError> {
        let held = query("SELECT owner FROM claims WHERE kind = $1 AND hash = $2");
        let row = self.database().fetch_optional(held.bind(kind.as_str()).bind(&hash[..])).await?;
        Ok(row.map(|row| row.get("owner")).transpose()?)
    }

    /// The password hash of an account (PHC string).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn password(&self, user: Uuid) -> Result<Option<String>, ReadError> {
        let row = self.database().fetch_optional(query("SELECT phc FROM passwords WHERE user_id = $1").bind(user));
        Ok(row.await?.map(|row| row.get("phc")).transpose()?)
    }

    /// The session, user and expiry (ms) of a refresh token, and how long ago (ms) it was replaced, if it was. The clock is that
    /// of Postgres; with SQLite, that of this process.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn refresh_token(&self, hash: &[u8; 32]) -> Result<Option<(Uuid, Uuid, i64, Option<i64>)>, ReadError> {
        let now = match self.database().engine() {
            Engine::Sqlite => self.now().millis().to_string(),
            Engine::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)".to_owned(),
        };
        let token = format!(
            "SELECT session, user_id, expires_at, {now} - replaced_at AS replaced_for
             FROM refresh_tokens WHERE hash = $1"
        );
        let Some(row) = self.database().fetch_optional(query(token).bind(&hash[..])).await? else { return Ok(None) };
        Ok(Some((row.get("session")?, row.get("user_id")?, row.get("expires_at")?, row.get("replaced_for")?)))
    }

    /// The hash of a session's current refresh token.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn current_refresh_token(&self, session: Uuid) -> Result<Option<[u8; 32]>, ReadError> {
        let token = query("SELECT hash FROM refresh_tokens WHERE session = $1 AND replaced_at IS NULL").bind(session);
        let Some(row) = self.database().fetch_optional(token).await? else { return Ok(None) };
        let hash = row.get::<Vec<u8>>("hash")?.try_into();
        hash.map(Some).map_err(|_| ReadError::Damaged(format!("the refresh token of session {session}")))
    }

    /// Destroys a person's data key permanently: values sealed with it read as forgotten, and none can be sealed for them
    /// again. The hash chain stays valid. Another process may cache the key for at most a minute. Accounts are erased by
    /// [`Secret::Forget`](crate::Secret::Forget), within an append.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn destroy_data_key(&self, subject: Uuid) -> Result<(), ReadError> {
        let destroy = query("UPDATE data_keys SET wrapped = NULL WHERE subject = $1").bind(subject);
        self.database().execute(destroy).await?;
        self.keyring().forget(subject);
        Ok(())
    }

    /// At most `limit` sessions whose current refresh token has expired, with their users.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn expired_sessions(&self, limit: u32) -> Result<Vec<(Uuid, Uuid)>, ReadError> {
        let expired = query(
            "SELECT session, user_id FROM refresh_tokens WHERE expires_at < $1 AND replaced_at IS NULL
             ORDER BY expires_at LIMIT $2",
        );
        let rows = self.database().fetch_all(expired.bind(self.now().millis()).bind(limit)).await?;
        rows.iter().map(|row| Ok((row.get("session")?, row.get("user_id")?))).collect()
    }

    /// Removes the refresh tokens of sessions that have ended.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn drop_tokens(&self, sessions: &[Uuid]) -> Result<(), ReadError> {
        for sessions in sessions.chunks(PORTION as usize) {
            let marks = sql::placeholders(1, sessions.len());
            let of_them = format!("DELETE FROM refresh_tokens WHERE session IN ({marks})");
            self.database().execute(query(of_them).bind_all(sessions.iter().copied())).await?;
        }
        Ok(())
    }

    /// Removes server keys older than an hour: only a writer that asks for an unknown outcome repeats them. Returns the time
    /// (ms) up to which they are removed, which is `from` of the next call; the first one is 0.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn purge_server_keys(&self, from: i64) -> Result<i64, ReadError> {
        let (mut from, until) = (from.max(self.now().millis() - WEEK), self.now().millis() - HOUR);
        while from < until {
            let first = "SELECT created_at FROM command_keys WHERE NOT forever AND created_at >= $1
                ORDER BY created_at LIMIT 1";
            let row = self.database().fetch_optional(query(first).bind(from)).await?;
            let Some(first) = row.map(|row| row.get::<i64>("created_at")).transpose()?.filter(|first| *first < until)
            else {
                break;
            };
            let next = until.min(first + MINUTE);
            let portion = "DELETE FROM command_keys WHERE (owner, key) IN (
                SELECT owner, key FROM command_keys
                WHERE NOT forever AND created_at >= $1 AND created_at < $2 AND key LIKE $3 LIMIT $4)";
            let like = format!("{SERVER_KEY}%");
            loop {
                let delete = query(portion).bind(first).bind(next).bind(like.as_str()).bind(PORTION);
                if self.database().execute(delete).await? < PORTION {
                    break;
                }
            }
            from = next;
        }
        Ok(from.max(until))
    }

    /// Removes command keys older than a week, and refresh tokens that were replaced and have expired, in portions; returns the
    /// number of rows. Current tokens are removed with their sessions. To be called from time to time.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn purge_keys(&self) -> Result<u64, ReadError> {
        let now = self.now().millis();
        let keys = "DELETE FROM command_keys WHERE (owner, key) IN (
            SELECT owner, key FROM command_keys WHERE NOT forever AND created_at < $1 LIMIT $2)";
        let tokens = "DELETE FROM refresh_tokens WHERE hash IN (
            SELECT hash FROM refresh_tokens WHERE expires_at < $1 AND replaced_at IS NOT NULL LIMIT $2)";
        Ok(self.purge(keys, now - WEEK).await? + self.purge(tokens, now).await?)
    }

    /// Deletes in portions, so that no append waits long for one.
    async fn purge(&self, portion: &'static str, before: i64) -> Result<u64, ReadError> {
        let mut purged = 0;
        loop {
            let rows = self.database().execute(query(portion).bind(before).bind(PORTION)).await?;
            purged += rows;
            if rows < PORTION {
                return Ok(purged);
            }
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> AppendError {
    AppendError::Unavailable(error.to_string())
}

//! A Postgres server, by what it says of itself.

use crate::{Database, Error, Query, query};

/// A Postgres server, by what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresServer {
    /// `server_version_num`, such as 150004 for 15.4.
    pub version: i64,
    /// `max_connections`.
    pub most: i64,
    /// Connections that are kept for superusers and the like.
    pub reserved: i64,
    /// The `CONNECTION LIMIT` of the database or of the user: the lower one, if both have one.
    pub limit: Option<i64>,
    /// Clients that are connected now, this one included.
    pub used: i64,
}

impl PostgresServer {
    /// Asks the server of a database, which MUST be on Postgres.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(database: &Database) -> Result<Self, Error> {
        let row = database.fetch_optional(asked()).await?.ok_or(Error::Lost)?;
        let number = |name: &'static str| row.get::<i64>(name);
        Ok(Self {
            version: number("version")?,
            most: number("most")?,
            reserved: number("reserved")?,
            limit: row.get("ceiling")?,
            used: number("used")?,
        })
    }

    /// The major version.
    #[must_use]
    pub const fn major(self) -> i64 {
        self.version / 10_000
    }

    /// How many connections there are for this user in all.
    #[must_use]
    pub fn room(self) -> i64 {
        let shared = self.most - self.reserved;
        self.limit.map_or(shared, |limit| limit.min(shared))
    }

    /// How many connections the server has left. A limit of the database or of the user may leave fewer.
    #[must_use]
    pub const fn free(self) -> i64 {
        self.most - self.reserved - self.used
    }
}

fn asked() -> Query {
    query(
        "SELECT CAST(current_setting('server_version_num') AS BIGINT) AS version,
            CAST(current_setting('max_connections') AS BIGINT) AS most,
            CAST(current_setting('superuser_reserved_connections') AS BIGINT)
                + CAST(COALESCE(current_setting('reserved_connections', true), '0') AS BIGINT) AS reserved,
            LEAST(
                (SELECT CAST(NULLIF(GREATEST(datconnlimit, -1), -1) AS BIGINT) FROM pg_database
                    WHERE datname = current_database()),
                (SELECT CAST(NULLIF(rolconnlimit, -1) AS BIGINT) FROM pg_roles WHERE rolname = current_user)
            ) AS ceiling,
            (SELECT CAST(COALESCE(SUM(numbackends), 0) AS BIGINT) FROM pg_stat_database) AS used",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_many_connections_there_are_and_how_many_are_left() {
        let server = PostgresServer { version: 150_004, most: 100, reserved: 3, limit: None, used: 70 };
        assert_eq!((server.major(), server.room(), server.free()), (15, 97, 27));
        let rooms = [40, 400].map(|limit| PostgresServer { limit: Some(limit), ..server }.room());
        assert_eq!(rooms, [40, 97]);
    }
}

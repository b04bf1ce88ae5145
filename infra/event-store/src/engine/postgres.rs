//! Appending on Postgres: one call of `append_batch` per batch, on the writer's own connection.

use super::{
    append_batch::call,
    outcome::{Fault, Outcome},
};
use crate::prepare::Prepared;
use sql::Limits;
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use std::time::Duration;

/// After this long without an answer the outcome counts as unknown and the connection as lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Limits of the server: an append that was given up here ends there, too.
const LIMITS: Limits =
    Limits { lock: Duration::from_secs(10), statement: Duration::from_secs(10), idle: Duration::from_secs(5) };

pub(crate) struct PostgresAppender {
    options: PgConnectOptions,
    /// The name of this build's function.
    function: String,
    connection: Option<PgConnection>,
    partitions: u16,
}

impl PostgresAppender {
    /// Connects; refuses a server that would lose acknowledged commands.
    pub(crate) async fn connect(
        url: &str,
        schema: &str,
        function: String,
        partitions: u16,
    ) -> Result<Self, sql::Error> {
        // Plans must not depend on statistics: the tables grow by orders of magnitude under a cached plan.
        let options = sql::postgres_options(url, Some(schema), LIMITS)?.application_name("chatchit-writer").options([
            ("default_transaction_isolation", "read\\ committed"),
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("jit", "off"),
        ]);
        let mut appender = Self { options, function, connection: None, partitions };
        appender.connection = Some(in_time(appender.reconnect()).await??);
        Ok(appender)
    }

    async fn reconnect(&self) -> Result<PgConnection, sql::Error> {
        let mut connection = self.options.connect().await?;
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let sql = "SELECT current_setting($1)";
            let value: String = sqlx::query_scalar(sql).bind(setting).fetch_one(&mut connection).await?;
            if value == "off" {
                let why = format!("Postgres runs with {setting} off and would lose acknowledged commands");
                return Err(sql::Error::Location(why));
            }
        }
        Ok(connection)
    }

    pub(crate) async fn run(&mut self, batch: &[&Prepared]) -> Result<Outcome, Fault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Any error of a server that accepts no connection means that it is unavailable.
            None => {
                let connection = in_time(self.reconnect()).await.flatten().map_err(Fault::Unavailable)?;
                metrics::counter!("chatchit_engine_reconnections_total", "engine" => "database").increment(1);
                connection
            }
        };
        // Meanwhile the connection is not in `self`: it is dropped if the call is cancelled or times out.
        let output = in_time(call(&mut connection, &self.function, batch)).await?;
        if let Ok(_) | Err(sqlx::Error::Database(_)) = &output {
            self.connection = Some(connection);
        }
        Ok(output.map_err(sql::Error::from)?.outcome(self.partitions, batch)?)
    }
}

async fn in_time<T>(result: impl Future<Output = T>) -> Result<T, sql::Error> {
    tokio::time::timeout(ANSWER_TIMEOUT, result).await.map_err(|_| sqlx::Error::PoolTimedOut.into())
}

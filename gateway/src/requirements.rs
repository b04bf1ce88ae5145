//! What a process takes from Postgres, and what it requires of it.

use crate::start_error::StartError;
use config::{Config, MonitoringSettings, Role};
use monitoring::{Installation, ProcessTable};
use sql::{Database, Limits, Location, PostgresServer};

/// The oldest versions on which the tests run. Postgres counts its major versions alone.
pub(crate) const OLDEST_POSTGRES: i64 = 15;
pub(crate) const OLDEST_RABBITMQ: (u32, u32) = (3, 10);
pub(crate) const OLDEST_REDIS: (u32, u32) = (7, 0);

/// Connections for commands and queries to the log, and as many to the read models.
pub(crate) const QUERIES: u32 = 8;
/// Connections to the read models for the workers, which do not wait behind queries.
pub(crate) const RESERVED: u32 = 4;
/// Connections for leases, which other work must not keep from being renewed.
pub(crate) const LEASING: u32 = 2;
/// Connections for the checkpoints of the reactors.
pub(crate) const CHECKPOINTS: u32 = 2;
/// The connection that shows the others that this process lives.
const LIFE: u32 = 1;

/// The most connections to Postgres of a process with this role. It takes one more while it migrates, and further ones while
/// it rebuilds read models.
pub(crate) const fn connections(role: Role) -> u32 {
    let of_all = QUERIES + event_store::OWN_CONNECTIONS + QUERIES + RESERVED + LEASING;
    match role {
        Role::Gateway => of_all,
        Role::Worker | Role::All => of_all + CHECKPOINTS + LIFE,
    }
}

/// The database without a schema of its own: nothing is created by connecting.
pub(crate) async fn bare(url: &str) -> Result<Database, sql::Error> {
    let location = Location::Postgres { url: url.to_owned(), schema: "pg_catalog".to_owned() };
    match Database::connect_for(&location, 1, Limits::INTERACTIVE).await {
        // A pool tries for some seconds, and then says that it timed out: a single connection says why.
        Err(error) => Err(Database::exists(&location).await.err().unwrap_or(error)),
        connected => connected,
    }
}

/// Refuses to start on a Postgres that is absent or too old, and warns of too few connections. Changes nothing.
///
/// # Errors
/// [`StartError::Postgres`] or [`StartError::Old`].
pub(crate) async fn check(config: &Config) -> Result<(), StartError> {
    let Some(url) = &config.database_url else { return Ok(()) };
    let place = || config.database_place();
    let absent = |error| StartError::Postgres(place(), error);
    let database = bare(url).await.map_err(absent)?;
    let postgres = PostgresServer::ask(&database).await.map_err(absent);
    database.close().await;
    let postgres = postgres?;
    expect_supported(config, postgres)?;
    let takes = connections(config.role);
    // Its own connection is closed again.
    if (postgres.free() + 1).min(postgres.room()) < i64::from(takes) {
        tracing::warn!(
            process.takes = takes,
            postgres.max_connections = postgres.most,
            postgres.reserved = postgres.reserved,
            postgres.limit = postgres.limit,
            postgres.used = postgres.used,
            "Postgres may run out of connections: raise max_connections, or run fewer processes"
        );
    }
    Ok(())
}

/// The processes that publish their figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Running {
    pub(crate) processes: usize,
    /// The most connections to Postgres that they take together.
    pub(crate) connections: f64,
}

impl Running {
    /// Those in the read models, without the one at an instance.
    pub(crate) async fn ask(read_models: &Database, without: Option<&str>) -> Result<Self, sql::Error> {
        let mut processes = ProcessTable::new(read_models.clone()).all().await?;
        processes.retain(|process| without != Some(process.instance.as_str()));
        let all = Installation::new(processes, MonitoringSettings::default().fresh());
        let connections = all.value("chatchit_sql_connections_max", &[]).unwrap_or_default();
        Ok(Self { processes: all.current().count(), connections })
    }
}

/// Warns if this process, at `instance`, and the others that run may take more connections together than Postgres has.
pub(crate) async fn compare_all(config: &Config, read_models: &Database, instance: &str) {
    let asked = async {
        let others = Running::ask(read_models, Some(instance)).await?;
        Ok::<_, sql::Error>((others, PostgresServer::ask(read_models).await?.room()))
    };
    match asked.await {
        Ok((others, room)) => {
            let take = others.connections + f64::from(connections(config.role));
            if take > room as f64 {
                tracing::warn!(
                    processes.others = others.processes,
                    processes.take = take,
                    postgres.room = room,
                    "all processes together may take more connections than Postgres has for them: raise max_connections, \
                     or run fewer processes"
                );
            }
        }
        Err(error) => tracing::debug!(error.cause = %error, "it is not known how many connections all processes take"),
    }
}

fn expect_supported(config: &Config, postgres: PostgresServer) -> Result<(), StartError> {
    match postgres.major() {
        old if old < OLDEST_POSTGRES => Err(StartError::Old(config.database_place(), old)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connections_of_a_process_add_up_to_what_the_documents_say() {
        let [gateway, worker, all] = [Role::Gateway, Role::Worker, Role::All].map(connections);
        assert_eq!((gateway, worker, all), (31, 34, 34));
        let deploy = include_str!("../../docs/deploy.md");
        for said in [
            format!("| **in all** | **{gateway}** | **{worker}** |"),
            format!("`{gateway} × gateways + {worker} × workers + 25 ≤ "),
        ] {
            assert!(deploy.contains(&said), "{said}");
        }
    }

    #[test]
    fn a_postgres_that_is_too_old_is_refused_by_name() {
        let database_url = Some("postgres://chatchit:windy@db.example/chat".to_owned());
        let config = Config { database_url, ..Config::default() };
        let server = |version| PostgresServer { version, most: 100, reserved: 3, limit: None, used: 1 };
        let refusal = expect_supported(&config, server(140_011)).unwrap_err().to_string();
        let named = "DATABASE_URL postgres://chatchit:***@db.example/chat is Postgres 14: \
                     the oldest supported version is 15; upgrade it";
        assert_eq!(refusal, named);
        assert!([150_000, 170_002].iter().all(|version| expect_supported(&config, server(*version)).is_ok()));
    }
}

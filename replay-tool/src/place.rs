//! Where the log and the read models are, from the server's own configuration.

use anyhow::{Context, Result, bail, ensure};
use domain::Timestamp;
use event_store::{EventStore, Keys, Settings};
use gateway::{Config, audit::HeadKey};
use sql::{Database, Location, query};

const CONNECTIONS: u32 = 4;

/// An open log and the read models beside it.
pub(crate) struct Place {
    /// The log.
    pub(crate) store: EventStore,
    /// The live read models.
    pub(crate) read: Database,
    /// Where those are.
    pub(crate) read_location: Location,
    config: Config,
}

impl Place {
    /// Opens both. Makes neither: a tool that is pointed at the wrong place must say so.
    pub(crate) async fn open() -> Result<Self> {
        let config = Config::load()?;
        let log = config.log_location();
        expect_log(&log).await?;
        let keys = Keys { master: config.master_key().context("the master key cannot be read")?.0 };
        let settings = Settings { location: log, connections: CONNECTIONS, partitions: 16, keys, clock };
        let (store, _commits) = EventStore::open(settings).await?;
        let read_location = config.read_location();
        let read = Database::connect(&read_location, CONNECTIONS).await?;
        read.migrate(projections::migrator(read.engine())).await?;
        Ok(Self { store, read, read_location, config })
    }

    /// What signs heads.
    pub(crate) fn head_key(&self) -> Result<HeadKey> {
        let key = self.config.audit_key().context("the audit key cannot be read")?;
        Ok(HeadKey::new(&key.0))
    }
}

async fn expect_log(location: &Location) -> Result<()> {
    match location {
        Location::Sqlite { path, .. } => {
            ensure!(path.exists(), "there is no log at {}: is CHATCHIT_DATA right?", path.display());
        }
        Location::Postgres { url, schema } => {
            // Asked from a schema that is always there: connecting to the log's own would make it.
            let public = Location::Postgres { url: url.clone(), schema: "public".to_owned() };
            let database = Database::connect(&public, 1).await.context("cannot connect to DATABASE_URL")?;
            let events = query("SELECT to_regclass($1) IS NOT NULL").bind(format!("{schema}.events"));
            let found = database.fetch_optional(events).await?.map(|row| row.get::<bool>(0)).transpose()?;
            database.close().await;
            if found != Some(true) {
                bail!("there is no log in this database: is DATABASE_URL right?");
            }
        }
    }
    Ok(())
}

/// The time of whatever this tool itself notes down.
#[expect(clippy::disallowed_methods, reason = "this program is its own composition root")]
pub(crate) fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

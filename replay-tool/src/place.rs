//! Where the log and the read models are, from the server's own configuration.

use anyhow::{Context, Result, bail, ensure};
use domain::Timestamp;
use event_store::{EventStore, Keys, Settings};
use gateway::{Config, audit::HeadKey};
use sql::{Database, Limits, Location, SchemaError, query};

const CONNECTIONS: u32 = 4;

/// What a task does with log and read models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It only looks: nothing is made or migrated, and tables of another build are refused, be it older or newer.
    Read,
    /// It writes: read models are made and both are migrated, as the server of this build would.
    Write,
}

/// An open log and the read models beside it.
pub(crate) struct Place {
    /// The log.
    pub(crate) store: EventStore,
    /// The live read models; `None` where there are none yet and nothing is to be made.
    read: Option<Database>,
    /// Where those are.
    pub(crate) read_location: Location,
    config: Config,
}

impl Place {
    /// Opens both. Makes no log: a tool that is pointed at the wrong place must say so.
    pub(crate) async fn open(access: Access) -> Result<Self> {
        let config = Config::load()?;
        let log = config.log_location();
        expect_log(&log).await?;
        let keys = Keys { master: config.master_key().context("the master key cannot be read")?.0 };
        let settings = Settings { location: log, connections: CONNECTIONS, partitions: 16, keys, clock };
        let read_location = config.read_location();
        let (store, read) = match access {
            Access::Read => {
                let store = EventStore::attach(settings).await.context("the log is not opened")?;
                (store, read_models(&read_location).await.context("the read models are not opened")?)
            }
            Access::Write => {
                let (store, _commits) = EventStore::open(settings).await?;
                let read = Database::connect_for(&read_location, CONNECTIONS, Limits::BULK).await?;
                read.migrate(projections::migrator(read.engine())).await?;
                (store, Some(read))
            }
        };
        Ok(Self { store, read, read_location, config })
    }

    /// The live read models, if there are any.
    pub(crate) const fn read(&self) -> Option<&Database> {
        self.read.as_ref()
    }

    /// The live read models, without which the task cannot do.
    pub(crate) fn expect_read(&self) -> Result<&Database> {
        self.read().context("there are no read models yet: the server makes them when it starts, or `rebuild all`")
    }

    /// What signs heads.
    pub(crate) fn head_key(&self) -> Result<HeadKey> {
        let key = self.config.audit_key().context("the audit key cannot be read")?;
        Ok(HeadKey::new(&key.0))
    }
}

/// The read models as they are; `None` where there are none.
async fn read_models(location: &Location) -> Result<Option<Database>, sql::Error> {
    if !Database::exists(location).await? {
        return Ok(None);
    }
    let read = Database::connect(location, CONNECTIONS).await?;
    match read.schema(projections::migrator(read.engine())).await?.expect_same() {
        Ok(()) => Ok(Some(read)),
        Err(SchemaError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
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

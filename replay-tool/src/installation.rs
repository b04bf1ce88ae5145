//! The log and the read models that the server's configuration names.

use anyhow::{Context, Result, bail, ensure};
use audit::HeadKey;
use config::Config;
use event_store::{EventStore, Keys, Settings};
use sql::{Database, Limits, Location, SchemaError, query};

const CONNECTIONS: u32 = 4;

/// How a task uses the log and the read models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads only: creates and migrates nothing, and refuses tables of an older or newer build.
    Read,
    /// Writes: creates the read models and migrates both, as the server of this build does.
    Write,
}

/// An open log and its read models.
pub(crate) struct Installation {
    pub(crate) store: EventStore,
    /// The live read models; `None` if there are none and the task only reads.
    read: Option<Database>,
    pub(crate) read_location: Location,
    config: Config,
}

impl Installation {
    /// Opens both. Fails if there is no log: it never creates one.
    pub(crate) async fn open(access: Access) -> Result<Self> {
        let config = Config::load()?;
        let log = config.log_location();
        expect_log(&log).await?;
        let keys = Keys { master: config.master_key().context("the master key cannot be read")?.0 };
        let settings = Settings { location: log, connections: CONNECTIONS, partitions: 16, keys, clock: clock::now };
        let read_location = config.read_location();
        let (store, read) = match access {
            Access::Read => {
                let store = EventStore::attach(settings).await.context("cannot open the log")?;
                (store, read_models(&read_location).await.context("cannot open the read models")?)
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

    pub(crate) const fn read(&self) -> Option<&Database> {
        self.read.as_ref()
    }

    /// The live read models; an error if there are none.
    pub(crate) fn expect_read(&self) -> Result<&Database> {
        self.read()
            .context("there are no read models yet: the server creates them when it starts, and so does `rebuild all`")
    }

    /// The key that signs heads.
    pub(crate) fn head_key(&self) -> Result<HeadKey> {
        let key = self.config.audit_key().context("the audit key cannot be read")?;
        Ok(HeadKey::new(&key.0))
    }
}

/// The read models as they are; `None` if there are none.
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

/// Fails if there is no log.
pub(crate) async fn expect_log(location: &Location) -> Result<()> {
    match location {
        Location::Sqlite { path, .. } => {
            ensure!(path.exists(), "there is no log at {}: is CHATCHIT_DATA right?", path.display());
        }
        Location::Postgres { url, schema } => {
            // From the schema `public`, which always exists: connecting to the log's schema would create it.
            let public = Location::Postgres { url: url.clone(), schema: "public".to_owned() };
            let database = Database::connect(&public, 1).await.context("cannot connect to DATABASE_URL")?;
            let events = query("SELECT to_regclass($1) IS NOT NULL AS found").bind(format!("{schema}.events"));
            let found = database.fetch_optional(events).await?.map(|row| row.get::<bool>("found")).transpose()?;
            database.close().await;
            if found != Some(true) {
                bail!("there is no log in this database: is DATABASE_URL right?");
            }
        }
    }
    Ok(())
}

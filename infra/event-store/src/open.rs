//! Opening the log: connecting, migrating, and the settings fixed at its creation.

use crate::{
    ClaimKind, FormerIncarnation, ReadError, Settings,
    digest::first_chain,
    engine,
    incarnation::{self, FORMER, INCARNATION},
    keyring::Keyring,
};
use engine::{Appender, PostgresAppender, SqliteAppender};
use rust_embed::RustEmbed;
use sql::{Database, Durability, Engine, Location, Migrator, Row, SchemaError, query};
use std::{ops::RangeInclusive, sync::LazyLock};
use uuid::Uuid;

#[derive(RustEmbed)]
#[folder = "../../migrations/postgres/log"]
struct PostgresFiles;

#[derive(RustEmbed)]
#[folder = "../../migrations/sqlite/log"]
struct SqliteFiles;

static POSTGRES: LazyLock<Migrator> = LazyLock::new(sql::migrator::<PostgresFiles>);
static SQLITE: LazyLock<Migrator> = LazyLock::new(sql::migrator::<SqliteFiles>);

/// The migrations of the log.
#[must_use]
pub fn migrator(engine: Engine) -> &'static Migrator {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// Settings fixed at the creation of the log.
pub(crate) struct Fixed {
    pub(crate) partitions: u16,
    pub(crate) incarnation: Uuid,
    /// The incarnations before, oldest first.
    pub(crate) former: Vec<FormerIncarnation>,
    /// Since when (ms) clients' keys are hashed, if the log has older ones.
    pub(crate) keys_hashed_since: Option<i64>,
    /// The first administrator, in a log older than the claim on the bootstrap token.
    first_administrator: Option<Uuid>,
}

/// More partitions would only make each ledger row longer.
const PARTITIONS: RangeInclusive<u16> = 1..=1_024;

/// Connects; creates or migrates the tables.
pub(crate) async fn open(settings: &Settings, keyring: &Keyring) -> Result<(Database, Fixed, Appender), ReadError> {
    if !PARTITIONS.contains(&settings.partitions) {
        let why = format!("a log has 1 to 1024 partitions, not {}", settings.partitions);
        return Err(sql::Error::Location(why).into());
    }
    if let Location::Sqlite { durability: Durability::Normal, path } = &settings.location {
        let why = format!("{} is opened without full durability and would lose acknowledged commands", path.display());
        return Err(sql::Error::Location(why).into());
    }
    let database = Database::connect(&settings.location, settings.connections).await?;
    database.migrate(migrator(database.engine())).await?;
    let fixed = fix(&database, settings, keyring).await?;
    let appender = match &settings.location {
        Location::Sqlite { .. } => Appender::Sqlite(SqliteAppender::new(database.clone(), fixed.partitions)),
        Location::Postgres { url, schema } => {
            let function = engine::install(&database).await?;
            Appender::Postgres(Box::new(PostgresAppender::connect(url, schema, function, fixed.partitions).await?))
        }
    };
    Ok((database, fixed, appender))
}

/// Connects to an existing log whose tables are exactly those of this build; changes nothing.
pub(crate) async fn attach(settings: &Settings, keyring: &Keyring) -> Result<(Database, Fixed), ReadError> {
    if !Database::exists(&settings.location).await? {
        return Err(sql::Error::from(SchemaError::Missing).into());
    }
    let database = Database::connect(&settings.location, settings.connections).await?;
    database.schema(migrator(database.engine())).await?.expect_same().map_err(sql::Error::from)?;
    let rows = database.fetch_all(query(SETTINGS)).await?;
    let fixed = Fixed::read(&rows, keyring)?;
    Ok((database, fixed))
}

const SETTINGS: &str = "SELECT name, value FROM settings";

impl Fixed {
    fn read(rows: &[Row], keyring: &Keyring) -> Result<Self, ReadError> {
        let damaged = |name: &str| ReadError::Damaged(format!("the setting {name} is not one"));
        let mut fixed = Self {
            partitions: 0,
            incarnation: Uuid::nil(),
            former: Vec::new(),
            keys_hashed_since: None,
            first_administrator: None,
        };
        for row in rows {
            let (name, value): (String, String) = (row.get("name")?, row.get("value")?);
            match name.as_str() {
                "partitions" => fixed.partitions = value.parse().map_err(|_| damaged(&name))?,
                INCARNATION => fixed.incarnation = value.parse().map_err(|_| damaged(&name))?,
                FORMER => fixed.former = incarnation::parse(&value)?,
                "keys_hashed_since" => fixed.keys_hashed_since = Some(value.parse().map_err(|_| damaged(&name))?),
                "first_administrator" => {
                    fixed.first_administrator = Some(value.parse().map_err(|_| damaged(&name))?);
                }
                "master_key_check" if value != keyring.check() => {
                    return Err(ReadError::Damaged("it was made with another master key".to_owned()));
                }
                _ => {}
            }
        }
        Ok(fixed)
    }
}

/// Stores the settings that are missing; then reads all.
async fn fix(database: &Database, settings: &Settings, keyring: &Keyring) -> Result<Fixed, ReadError> {
    let mut tx = database.begin().await?;
    let wanted = [
        ("partitions", settings.partitions.to_string()),
        (INCARNATION, random_id()?.to_string()),
        ("master_key_check", keyring.check()),
    ];
    let set = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    for (name, value) in wanted {
        tx.execute(query(set).bind(name).bind(value)).await?;
    }
    let fixed = Fixed::read(&tx.fetch_all(query(SETTINGS)).await?, keyring)?;
    if let Some(administrator) = fixed.first_administrator {
        let claim = "INSERT INTO claims (kind, hash, owner) VALUES ($1, $2, $3) ON CONFLICT (kind, hash) DO NOTHING";
        let claim = query(claim).bind(ClaimKind::Bootstrap.as_str()).bind(&keyring.bootstrap_hash()[..]);
        tx.execute(claim.bind(administrator)).await?;
    }
    let lanes = vec!["0"; 2 * usize::from(fixed.partitions)].join(",");
    let heads = match database.engine() {
        Engine::Sqlite => format!("'[{lanes}]'"),
        Engine::Postgres => format!("'{{{lanes}}}'::bigint[]"),
    };
    let first = format!(
        "INSERT INTO ledger (last_position, chain, heads) SELECT 0, $1, {heads}
         WHERE NOT EXISTS (SELECT 1 FROM ledger)"
    );
    tx.execute(query(first).bind(&first_chain(fixed.incarnation)[..])).await?;
    tx.commit().await?;
    Ok(fixed)
}

pub(crate) fn random_id() -> Result<Uuid, ReadError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| ReadError::Damaged(format!("no randomness: {error}")))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

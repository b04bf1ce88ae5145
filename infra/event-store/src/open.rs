//! Opening the log: connecting, migrating, and what is fixed when it is made.

use crate::{ReadError, Settings, digest::first_chain, engine, keyring::Keyring};
use engine::{Appender, PostgresAppender, SqliteAppender};
use sql::{Database, Durability, Engine, Location, Migrator, Row, SchemaError, query};
use std::ops::RangeInclusive;
use uuid::Uuid;

static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres/log");
static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite/log");

/// What was fixed when the log was made.
pub(crate) struct Fixed {
    pub(crate) partitions: u16,
    pub(crate) incarnation: Uuid,
    /// Since when, in milliseconds, the keys of clients are hashed, if there were others before.
    pub(crate) keys_hashed_since: Option<i64>,
}

/// More lanes than these only make every ledger row longer.
const PARTITIONS: RangeInclusive<u16> = 1..=1_024;

/// Connects, and creates or migrates the tables.
pub(crate) async fn open(settings: &Settings, keyring: &Keyring) -> Result<(Database, Fixed, Appender), ReadError> {
    if !PARTITIONS.contains(&settings.partitions) {
        let why = format!("a log has 1 to 1024 partitions, not {}", settings.partitions);
        return Err(sql::Error::Location(why).into());
    }
    let migrator = match &settings.location {
        Location::Sqlite { durability: Durability::Normal, path } => {
            let why =
                format!("{} is opened without full durability and would lose acknowledged commands", path.display());
            return Err(sql::Error::Location(why).into());
        }
        Location::Sqlite { .. } => &SQLITE,
        Location::Postgres { .. } => &POSTGRES,
    };
    let database = Database::connect(&settings.location, settings.connections).await?;
    database.migrate(migrator).await?;
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

/// Connects to what is there and is exactly as this build knows it, and changes nothing.
pub(crate) async fn attach(settings: &Settings, keyring: &Keyring) -> Result<(Database, Fixed), ReadError> {
    if !Database::exists(&settings.location).await? {
        return Err(sql::Error::from(SchemaError::Missing).into());
    }
    let database = Database::connect(&settings.location, settings.connections).await?;
    let migrator = match database.engine() {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    };
    database.schema(migrator).await?.expect_same().map_err(sql::Error::from)?;
    let rows = database.fetch_all(query(SETTINGS)).await?;
    let fixed = Fixed::read(&rows, keyring)?;
    Ok((database, fixed))
}

const SETTINGS: &str = "SELECT name, value FROM settings";

impl Fixed {
    fn read(rows: &[Row], keyring: &Keyring) -> Result<Self, ReadError> {
        let damaged = |name: &str| ReadError::Damaged(format!("the setting {name} is not one"));
        let mut fixed = Self { partitions: 0, incarnation: Uuid::nil(), keys_hashed_since: None };
        for row in rows {
            let (name, value): (String, String) = (row.get(0)?, row.get(1)?);
            match name.as_str() {
                "partitions" => fixed.partitions = value.parse().map_err(|_| damaged(&name))?,
                "incarnation" => fixed.incarnation = value.parse().map_err(|_| damaged(&name))?,
                "keys_hashed_since" => fixed.keys_hashed_since = Some(value.parse().map_err(|_| damaged(&name))?),
                "master_key_check" if value != keyring.check() => {
                    return Err(ReadError::Damaged("it was made with another master key".to_owned()));
                }
                _ => {}
            }
        }
        Ok(fixed)
    }
}

/// Fixes what is not fixed yet; then reads what is.
async fn fix(database: &Database, settings: &Settings, keyring: &Keyring) -> Result<Fixed, ReadError> {
    let mut tx = database.begin().await?;
    let wanted = [
        ("partitions", settings.partitions.to_string()),
        ("incarnation", random_id()?.to_string()),
        ("master_key_check", keyring.check()),
    ];
    let set = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    for (name, value) in wanted {
        tx.execute(query(set).bind(name).bind(value)).await?;
    }
    let fixed = Fixed::read(&tx.fetch_all(query(SETTINGS)).await?, keyring)?;
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

fn random_id() -> Result<Uuid, ReadError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| ReadError::Damaged(format!("no randomness: {error}")))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

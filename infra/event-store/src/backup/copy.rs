//! Copying a log into a folder.

use super::{CopiedEngine, CopiedMigration, CopyError, LogCopy, Part, digest, hex};
use crate::{ReadError, incarnation::INCARNATION};
use sha2::{Digest as _, Sha256};
use sql::{Database, Durability, Limits, Location, Transaction, copy_sqlite, query};
use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    time::Duration,
};
use tokio::time::sleep;
use uuid::Uuid;

/// The file of a log on SQLite.
const FILE: &str = "log.db";
/// How often the growth of a copy is reported.
const LOOK: Duration = Duration::from_millis(500);

/// Copies the log as it is at one moment into an existing folder, while others append. The files are on the disk then.
/// `report` gets the number of bytes so far, and about how many there will be.
///
/// # Errors
/// [`CopyError`]. What was written then is of no use.
pub async fn copy_log(
    location: &Location,
    folder: &Path,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<LogCopy, CopyError> {
    match location {
        Location::Sqlite { path, .. } => copy_file(path, folder, report).await,
        Location::Postgres { .. } => copy_tables(location, folder, report).await,
    }
}

async fn copy_file(path: &Path, folder: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<LogCopy, CopyError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let (copy, total) = (folder.join(FILE), size(path));
    {
        let mut copying = std::pin::pin!(copy_sqlite(path, &copy));
        loop {
            tokio::select! {
                copied = &mut copying => break copied?,
                () = sleep(LOOK) => report(size(&copy).min(total), total),
            }
        }
    }
    let place = Location::Sqlite { path: copy.clone(), durability: Durability::Full };
    let database = Database::connect(&place, 1).await?;
    let described = async { describe(&mut database.begin_read().await?, CopiedEngine::Sqlite).await }.await;
    // Closed, it is one file again.
    database.close().await;
    let mut described = described?;
    File::open(&copy).and_then(|file| file.sync_all()).map_err(CopyError::file(&copy))?;
    let (bytes, sha256) = digest(&copy, &|bytes| report(bytes, bytes)).map_err(CopyError::file(&copy))?;
    described.parts.push(Part { file: FILE.to_owned(), bytes, sha256, table: None, columns: Vec::new() });
    Ok(described)
}

async fn copy_tables(
    location: &Location,
    folder: &Path,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<LogCopy, CopyError> {
    let database = Database::connect_for(location, 1, Limits::BULK).await?;
    let mut tx = database.begin_copy().await?;
    let mut copy = describe(&mut tx, CopiedEngine::Postgres).await?;
    let tables = "SELECT CAST(tablename AS TEXT) AS name,
            CAST(pg_table_size(to_regclass(quote_ident(tablename))) AS BIGINT) AS bytes
        FROM pg_tables WHERE schemaname = current_schema() AND tablename <> '_sqlx_migrations' ORDER BY tablename";
    let tables = tx.fetch_all(query(tables)).await?;
    let mut total = 0;
    for table in &tables {
        total += table.unsigned("bytes")?;
    }
    for table in &tables {
        let before = copy.bytes();
        let counted = |bytes: u64| report((before + bytes).min(total), total);
        let part = copy_table(&mut tx, table.get("name")?, folder, &counted).await?;
        copy.parts.push(part);
    }
    tx.rollback().await?;
    database.close().await;
    Ok(copy)
}

async fn copy_table(
    tx: &mut Transaction,
    table: String,
    folder: &Path,
    report: &(dyn Fn(u64) + Sync),
) -> Result<Part, CopyError> {
    let columns = "SELECT CAST(attname AS TEXT) AS name FROM pg_attribute
        WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum";
    let columns = tx.fetch_all(query(columns).bind(table.as_str())).await?;
    let columns = columns.iter().map(|row| row.get("name")).collect::<Result<Vec<String>, _>>()?;
    let file = format!("{table}.copy");
    let path = folder.join(&file);
    let mut writer = BufWriter::new(File::create_new(&path).map_err(CopyError::file(&path))?);
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut failed = None;
    let copied = tx.copy_out(&table, &columns, |chunk| {
        hash.update(chunk);
        bytes += chunk.len() as u64;
        report(bytes);
        writer.write_all(chunk).map_err(|error| {
            let kind = error.kind();
            failed = Some(error);
            kind.into()
        })
    });
    let copied = copied.await;
    if let Some(error) = failed {
        return Err(CopyError::file(&path)(error));
    }
    copied?;
    let synced = writer.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all());
    synced.map_err(CopyError::file(&path))?;
    Ok(Part { file, bytes, sha256: hex(&hash.finalize()), table: Some(table), columns })
}

/// What the manifest says of the log, without its files.
async fn describe(tx: &mut Transaction, engine: CopiedEngine) -> Result<LogCopy, CopyError> {
    let damaged = |what: &str| ReadError::Damaged(format!("it has no {what}"));
    let (mut incarnation, mut master_key) = (None, None);
    for row in tx.fetch_all(query("SELECT name, value FROM settings")).await? {
        let value: String = row.get("value")?;
        match row.get::<String>("name")?.as_str() {
            INCARNATION => incarnation = value.parse::<Uuid>().ok(),
            "master_key_check" => master_key = Some(value),
            _ => {}
        }
    }
    let head = query("SELECT last_position, chain FROM ledger ORDER BY last_position DESC LIMIT 1");
    let head = tx.fetch_optional(head).await?.ok_or_else(|| damaged("ledger"))?;
    let mut migrations = Vec::new();
    let applied = "SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version";
    for row in tx.fetch_all(query(applied)).await? {
        let checksum = hex(&row.get::<Vec<u8>>("checksum")?);
        let description = row.get("description")?;
        migrations.push(CopiedMigration { version: row.get("version")?, description, checksum });
    }
    Ok(LogCopy {
        engine,
        incarnation: incarnation.ok_or_else(|| damaged("incarnation"))?,
        position: head.unsigned("last_position")?,
        chain: hex(&head.get::<Vec<u8>>("chain")?),
        master_key: master_key.ok_or_else(|| damaged("check of its master key"))?,
        migrations,
        parts: Vec::new(),
    })
}

//! Migrations embedded in the binary.

use rust_embed::RustEmbed;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The migrations among the embedded files: those named `<version>_<description>.sql`, in the order of their versions.
///
/// The files are embedded rather than compiled by `sqlx::migrate!`, whose macros build both engines' drivers a second time.
#[must_use]
pub fn migrator<Files: RustEmbed>() -> Migrator {
    let mut migrations: Vec<_> = Files::iter().filter_map(|name| migration::<Files>(&name)).collect();
    migrations.sort_by_key(|migration| migration.version);
    Migrator { migrations: migrations.into(), ..Migrator::DEFAULT }
}

fn migration<Files: RustEmbed>(name: &str) -> Option<Migration> {
    let (version, description) = name.strip_suffix(".sql")?.split_once('_')?;
    let sql = String::from_utf8(Files::get(name)?.data.into_owned()).ok()?;
    let description = description.replace('_', " ").into();
    Some(Migration::new(version.parse().ok()?, description, MigrationType::Simple, sql.into(), false))
}

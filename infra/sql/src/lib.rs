//! One SQL interface to SQLite and Postgres, so that one statement serves both wherever the dialects allow.
//!
//! A [`Database`] is a set of tables at one [`Location`]: a SQLite file, or a schema of a Postgres database. A shadow copy
//! is another `Database` with the same statements. Placeholders are `$1, $2, …` on both engines. Times are stored as
//! milliseconds (`BIGINT`), ids as `UUID` (a 16-byte blob in SQLite).

mod copy;
mod database;
mod error;
mod exclusive;
mod limits;
mod location;
mod migrations;
mod owner;
mod postgres;
mod priority;
mod query;
mod schema;
mod server;
mod sqlite;
mod transaction;

pub use copy::copy_sqlite;
pub use database::Database;
pub use error::{Error, SchemaError};
pub use exclusive::{Exclusive, Taken};
pub use limits::Limits;
pub use location::{Durability, Engine, Location};
pub use migrations::migrator;
pub use owner::OwnerLock;
pub use postgres::{Connections, postgres_options};
pub use priority::give_way;
pub use query::{Column, Query, Row, Value, placeholders, query};
pub use schema::Schema;
pub use server::PostgresServer;
pub use sqlx::migrate::Migrator;
pub use transaction::Transaction;

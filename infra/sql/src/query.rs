//! A statement with its values, and a row with its columns, for either engine.

use crate::Error;
use sqlx::{Postgres, Row as _, Sqlite, postgres::PgRow, query::Query as SqlxQuery, sqlite::SqliteRow};
use std::borrow::Cow;
use uuid::Uuid;

/// A value to bind. Each is optional, so that a NULL keeps its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(Option<bool>),
    /// A whole number.
    Int(Option<i64>),
    /// Text.
    Text(Option<String>),
    /// An id.
    Uuid(Option<Uuid>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

macro_rules! value {
    ($($from:ty => $arm:ident |$v:ident| $to:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self { Self::$arm(Some($to)) }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self { Self::$arm(value.map(|$v| $to)) }
        }
    )*};
}
value! {
    bool => Bool |v| v,
    i64 => Int |v| v,
    i32 => Int |v| i64::from(v),
    u64 => Int |v| i64::try_from(v).unwrap_or(i64::MAX),
    u32 => Int |v| i64::from(v),
    u16 => Int |v| i64::from(v),
    String => Text |v| v,
    &str => Text |v| v.to_owned(),
    Uuid => Uuid |v| v,
    Vec<u8> => Bytes |v| v,
    &[u8] => Bytes |v| v.to_vec(),
}

/// A statement and the values of its placeholders.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
}

/// A statement without values yet.
pub fn query(sql: impl Into<Cow<'static, str>>) -> Query {
    Query { sql: sql.into(), values: Vec::new() }
}

impl Query {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The same statement behind a word such as `EXPLAIN`.
    #[must_use]
    pub fn prefixed(mut self, word: &str) -> Self {
        self.sql = format!("{word} {}", self.sql).into();
        self
    }

    /// Binds the next placeholders, one for each value.
    #[must_use]
    pub fn bind_all<T: Into<Value>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }
}

/// `$first, $first+1, …`: the inside of an `IN (…)` of `count` values.
#[must_use]
pub fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

macro_rules! bind_to {
    ($name:ident, $engine:ty) => {
        pub(crate) fn $name<'q>(
            sql: &'q str,
            values: Vec<Value>,
        ) -> SqlxQuery<'q, $engine, <$engine as sqlx::Database>::Arguments<'q>> {
            values.into_iter().fold(sqlx::query(sql), |query, value| match value {
                Value::Bool(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::Text(v) => query.bind(v),
                Value::Uuid(v) => query.bind(v),
                Value::Bytes(v) => query.bind(v),
            })
        }
    };
}
bind_to!(for_sqlite, Sqlite);
bind_to!(for_postgres, Postgres);

/// A type that both engines can give back: `i64`, `bool`, `String`, `Uuid`, `Vec<u8>`, and options of them.
pub trait Column:
    for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> + for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>
{
}
impl<T> Column for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + sqlx::Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + sqlx::Type<Postgres>
{
}

/// A row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From Postgres.
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, by its name in the select list. Of two columns with one name, the later is read. A Postgres
    /// column must be of exactly the type asked for (`BIGINT` for `i64`); cast in the statement where an expression gives
    /// another.
    ///
    /// # Errors
    /// When there is no such column or it has another type.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A number that is never negative.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn unsigned(&self, column: &str) -> Result<u64, Error> {
        Ok(u64::try_from(self.get::<i64>(column)?).unwrap_or_default())
    }
}

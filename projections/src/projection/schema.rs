//! The tables of the read models, and the migrations that make them.

use rust_embed::RustEmbed;
use sql::{Engine, Migrator};
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "../migrations/sqlite/read"]
struct SqliteFiles;

#[derive(RustEmbed)]
#[folder = "../migrations/postgres/read"]
struct PostgresFiles;

static SQLITE: LazyLock<Migrator> = LazyLock::new(sql::migrator::<SqliteFiles>);
static POSTGRES: LazyLock<Migrator> = LazyLock::new(sql::migrator::<PostgresFiles>);

/// The migrations of the read models.
#[must_use]
pub fn migrator(engine: Engine) -> &'static Migrator {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// The type of a column of a primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Uuid,
    Int,
    Text,
}

/// A table of a read model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub key: &'static [(&'static str, Key)],
}

pub(crate) const USERS: &[Table] = &[
    Table { name: "users", key: &[("id", Key::Uuid)] },
    Table { name: "sessions", key: &[("id", Key::Uuid)] },
    Table { name: "user_words", key: &[("user_id", Key::Uuid), ("field", Key::Text), ("word", Key::Text)] },
];
pub(crate) const FRIENDSHIPS: &[Table] = &[Table { name: "friendships", key: &[("pair_id", Key::Uuid)] }];
pub(crate) const CONVERSATIONS: &[Table] = &[
    Table { name: "conversations", key: &[("id", Key::Uuid)] },
    Table { name: "members", key: &[("conversation_id", Key::Uuid), ("user_id", Key::Uuid)] },
    Table { name: "invites", key: &[("id", Key::Uuid)] },
];
pub(crate) const MESSAGES: &[Table] = &[
    Table { name: "messages", key: &[("id", Key::Uuid)] },
    Table { name: "attachments", key: &[("message_id", Key::Uuid), ("ordinal", Key::Int)] },
    Table { name: "reactions", key: &[("message_id", Key::Uuid), ("user_id", Key::Uuid), ("emoji", Key::Text)] },
    Table { name: "message_words", key: &[("position", Key::Int)] },
    Table { name: "hidden", key: &[("message_id", Key::Uuid), ("user_id", Key::Uuid)] },
];
pub(crate) const CALLS: &[Table] = &[
    Table { name: "calls", key: &[("id", Key::Uuid)] },
    Table { name: "call_people", key: &[("call_id", Key::Uuid), ("user_id", Key::Uuid)] },
];
pub(crate) const OWN_SETTINGS: &[Table] =
    &[Table { name: "own_settings", key: &[("conversation_id", Key::Uuid), ("user_id", Key::Uuid)] }];
pub(crate) const FILES: &[Table] = &[Table { name: "files", key: &[("id", Key::Uuid)] }];
pub(crate) const STORIES: &[Table] = &[
    Table { name: "stories", key: &[("id", Key::Uuid)] },
    Table { name: "story_audience", key: &[("user_id", Key::Uuid), ("story_id", Key::Uuid)] },
    Table { name: "story_likes", key: &[("story_id", Key::Uuid), ("user_id", Key::Uuid)] },
    Table { name: "story_views", key: &[("story_id", Key::Uuid), ("user_id", Key::Uuid)] },
    Table { name: "story_comments", key: &[("id", Key::Uuid)] },
];
pub(crate) const REPORTS: &[Table] = &[Table { name: "reports", key: &[("id", Key::Uuid)] }];
pub(crate) const READ_MARKERS: &[Table] = &[
    Table { name: "read_markers", key: &[("conversation_id", Key::Uuid), ("user_id", Key::Uuid)] },
    Table {
        name: "receipts",
        key: &[("conversation_id", Key::Uuid), ("user_id", Key::Uuid), ("mark", Key::Text), ("seq", Key::Int)],
    },
];

//! The newest hits of a search with one closeness, read in portions.

use super::{
    matching::Matching,
    portions::{Extent, Portion, Portions, Rooms, Yield},
};
use crate::{Queries, QueryError, messages::NOT_HIDDEN};
use domain::{ConversationId, UserId};
use sql::{Engine, Query, Value, query};
use uuid::Uuid;
use words::{VERSION, WITH_BUCKET, bucket_word, conversation_word};

/// The most conversations named to SQLite's index; a viewer with more searches everywhere.
const MOST_ROOMS_SQLITE: usize = 512;
/// The most conversations always named to Postgres' index, and the most ever. GIN goes through all of them at each hit, and at
/// each message of its pending list.
const FEW_ROOMS: usize = 8;
const MOST_ROOMS_POSTGRES: usize = 64;
/// The words of a message as Postgres indexes them.
const INDEXED: &str = "array_to_tsvector(string_to_array(w.words, ' '))";
/// The word of its conversation: the first with this sign.
const ROOM: &str = "substr(w.words, strpos(w.words, '§'), 33)";
/// The values that each statement has: viewer, conversation, sender, the most hits, the position below which they lie.
const FIXED: usize = 5;

/// The values of a statement behind those.
#[derive(Default)]
struct Bound(Vec<Value>);

impl Bound {
    /// The placeholder of a value.
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", FIXED + self.0.len())
    }
}

/// The condition of the rows of `message_words` that are to be indexed again. An index has it: `message_words_stale` on
/// SQLite, `message_words_without_bucket` on Postgres.
#[must_use]
pub fn stale_words(engine: Engine) -> String {
    let current = match engine {
        Engine::Sqlite => format!("{VERSION} "),
        Engine::Postgres => WITH_BUCKET.to_owned(),
    };
    format!("substr(words, 1, {}) <> '{current}'", current.chars().count())
}

/// The viewer of a search, and where it looks.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) viewer: UserId,
    pub(super) conversation: Option<ConversationId>,
    pub(super) from: Option<UserId>,
    /// The conversations of the viewer that are searched.
    pub(super) rooms: Vec<ConversationId>,
}

/// A message with the words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) message: Uuid,
    pub(super) position: i64,
    /// Whether the viewer sees the message.
    pub(super) is_seen: bool,
}

/// Where the index begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The newest message searched; -1 if there is none.
    newest: i64,
    /// The newest message without a bucket; -1 if there is none.
    without_bucket: i64,
}

impl Head {
    const NONE: Self = Self { newest: -1, without_bucket: -1 };
}

/// How many hits are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enough {
    /// Hits, seen or not.
    pub(super) most: usize,
    /// Hits that the viewer sees.
    pub(super) seen: usize,
}

/// The hits, newest first.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) hits: Vec<Hit>,
    /// The messages that the index returned for them.
    pub(super) examined: u64,
}

impl Scope {
    /// How its conversations limit the hits.
    fn limit(&self, engine: Engine) -> Rooms {
        match (engine, self.rooms.len()) {
            (Engine::Sqlite, ..=MOST_ROOMS_SQLITE) | (Engine::Postgres, ..=FEW_ROOMS) => Rooms::Named,
            (Engine::Postgres, ..=MOST_ROOMS_POSTGRES) => Rooms::Either,
            _ => Rooms::Compared,
        }
    }
}

impl Queries {
    /// Where the index begins for a search, in one conversation or everywhere.
    pub(super) async fn head(&self, conversation: Option<ConversationId>) -> Result<Head, QueryError> {
        let newest = match conversation {
            Some(_) => "SELECT position FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1",
            None => "SELECT position FROM message_words ORDER BY position DESC LIMIT 1",
        };
        let without_bucket = match self.database.engine() {
            Engine::Sqlite => "NULL".to_owned(),
            Engine::Postgres => {
                let stale = stale_words(Engine::Postgres);
                format!("(SELECT position FROM message_words WHERE {stale} ORDER BY position DESC LIMIT 1)")
            }
        };
        let sql = format!(
            "SELECT CAST(COALESCE(({newest}), -1) AS BIGINT) AS newest, \
             CAST(COALESCE({without_bucket}, -1) AS BIGINT) AS without_bucket"
        );
        let found = query(sql).bind_all(conversation.map(|room| room.0));
        let Some(row) = self.database.fetch_optional(found).await? else { return Ok(Head::NONE) };
        Ok(Head { newest: row.get("newest")?, without_bucket: row.get("without_bucket")? })
    }

    /// The newest hits below a position, until there are enough of them or no more.
    pub(super) async fn newest_hits(
        &self,
        scope: &Scope,
        matching: &Matching,
        head: Head,
        below: i64,
        enough: Enough,
    ) -> Result<Hits, QueryError> {
        let engine = self.database.engine();
        let (compares, rooms) = (matching.has_beginnings(), scope.limit(engine));
        let below = below.min(head.newest.saturating_add(1));
        let mut portions = Portions::new(engine, compares, rooms, below, head.without_bucket, enough.most);
        let mut all = Hits::default();
        while let Some(portion) = portions.next {
            let missing = enough.most - all.hits.len();
            let (hits, had) = self.portion(scope, matching, portion, missing).await?;
            all.examined += had.examined.unsigned_abs();
            all.hits.extend(hits);
            let seen = all.hits.iter().filter(|hit| hit.is_seen).count();
            if all.hits.len() >= enough.most || seen >= enough.seen {
                break;
            }
            portions.note(portion, had);
        }
        Ok(all)
    }

    /// The newest hits of a portion, and what it had.
    async fn portion(
        &self,
        scope: &Scope,
        matching: &Matching,
        portion: Portion,
        most: usize,
    ) -> Result<(Vec<Hit>, Yield), QueryError> {
        let statement = statement(self.database.engine(), scope, matching, portion, most);
        let rows = self.database.fetch_all(statement).await?;
        let mut had = Yield::default();
        let mut hits = Vec::with_capacity(rows.len());
        for row in &rows {
            had.examined = row.get("examined")?;
            had.own = row.get("own")?;
            had.lowest = row.get("lowest")?;
            // Without a hit there is one row, for the count.
            if let Some(message) = row.get::<Option<Uuid>>("message_id")? {
                had.found += 1;
                hits.push(Hit { message, position: row.get("position")?, is_seen: row.get::<i64>("is_seen")? == 1 });
            }
        }
        Ok((hits, had))
    }
}

/// The hits of a portion, and how many messages the index returned. Postgres must not use the position to choose a plan, lest
/// it read all messages in their order: so the index alone says what is examined.
fn statement(engine: Engine, scope: &Scope, matching: &Matching, portion: Portion, most: usize) -> Query {
    let rooms: &[ConversationId] = if portion.names_rooms { &scope.rooms } else { &[] };
    let compares = portion.extent != Extent::Index && matching.has_beginnings();
    let expression = if compares { matching.whole_words(rooms) } else { Some(matching.expression(rooms)) };
    let mut bound = Bound::default();
    let source = match engine {
        Engine::Sqlite => in_fts5(&mut bound, expression, portion.extent),
        Engine::Postgres => in_gin(&mut bound, expression, portion.extent),
    };
    let (mut columns, mut counted, mut compared) = (String::new(), "COUNT(*)", String::new());
    if compares {
        columns.push_str(", w.words");
        let (condition, values) = matching.condition(FIXED + bound.0.len() + 1);
        bound.0.extend(values);
        compared += &format!(" AND {condition}");
    }
    if engine == Engine::Postgres && !portion.names_rooms {
        let rooms: Vec<_> = scope.rooms.iter().map(|room| conversation_word(*room)).collect();
        let rooms = bound.add(rooms.join(" "));
        columns += &format!(", {ROOM} IN (SELECT unnest(string_to_array({rooms}, ' '))) AS is_own");
        counted = "COUNT(*) FILTER (WHERE is_own)";
        compared.push_str(" AND e.is_own");
    }
    let sql = format!(
        "WITH examined AS MATERIALIZED (SELECT w.message_id, w.position{columns} FROM message_words w WHERE {source}) \
         SELECT counted.examined, counted.own, counted.lowest, hits.message_id, hits.position, \
         CAST(CASE WHEN v.user_id IS NOT NULL AND m.deleted_at IS NULL AND m.content IS NOT NULL AND {NOT_HIDDEN} \
         AND m.seq > COALESCE((SELECT o.cleared_seq FROM own_settings o \
         WHERE o.conversation_id = m.conversation_id AND o.user_id = $1), 0) \
         AND ($2 IS NULL OR m.conversation_id = $2) AND ($3 IS NULL OR m.sender_id = $3) \
         THEN 1 ELSE 0 END AS BIGINT) AS is_seen \
         FROM (SELECT COUNT(*) AS examined, {counted} AS own, MIN(position) AS lowest FROM examined) counted \
         LEFT JOIN (SELECT e.message_id, e.position FROM examined e WHERE e.position < $5{compared} \
         ORDER BY e.position DESC LIMIT $4) hits ON TRUE LEFT JOIN messages m ON m.id = hits.message_id \
         LEFT JOIN members v ON v.conversation_id = m.conversation_id AND v.user_id = $1 AND v.status = 'active' \
         ORDER BY hits.position DESC"
    );
    let query = query(sql).bind(scope.viewer.0).bind(scope.conversation.map(|room| room.0));
    query.bind(scope.from.map(|user| user.0)).bind(most as u64).bind(portion.below).bind_all(bound.0)
}

/// The condition of the rows that the expression matches: on Postgres of a range of buckets, or of the whole index.
fn in_gin(bound: &mut Bound, expression: Option<String>, extent: Extent) -> String {
    let buckets = match extent {
        Extent::Buckets { first, last } => {
            let words = (first..=last).map(|bucket| format!("'{}'", bucket_word(bucket.unsigned_abs())));
            Some(words.collect::<Vec<_>>().join(" | "))
        }
        Extent::Rows(_) | Extent::Index => None,
    };
    let matched = [expression, buckets].into_iter().flatten();
    let matched = matched.map(|text| format!("{INDEXED} @@ CAST({} AS tsquery)", bound.add(text)));
    matched.collect::<Vec<_>>().join(" AND ")
}

/// The same on SQLite: of so many newest rows, or of as many as there may be hits.
fn in_fts5(bound: &mut Bound, expression: Option<String>, extent: Extent) -> String {
    let limit = match extent {
        Extent::Rows(rows) => bound.add(rows),
        Extent::Buckets { .. } | Extent::Index => "$4".to_owned(),
    };
    let newest = match expression {
        Some(text) => format!(
            "SELECT rowid FROM message_index WHERE message_index MATCH {} AND rowid < $5 ORDER BY rowid DESC",
            bound.add(text)
        ),
        None => "SELECT position FROM message_words WHERE position < $5 ORDER BY position DESC".to_owned(),
    };
    format!("w.position IN ({newest} LIMIT {limit})")
}

//! Uploaded files: who may fetch one, and what refers to it.

use super::{Page, PageRequest, Queries, QueryError, padded, page::Place, stories};
use domain::{FileId, Timestamp, UserId};
use event_store::Position;
use sql::{Row, placeholders, query};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Which.
    pub id: FileId,
    /// Who brought it.
    pub uploader: UserId,
    /// Its name; `None` once its uploader is forgotten.
    pub name: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes say it is.
    pub mime: String,
    /// Whether there is a thumbnail.
    pub thumb: bool,
    /// When it was brought.
    pub uploaded_at: Timestamp,
}

const SELECT: &str = "SELECT f.id, f.uploader_id, f.name, f.size, f.mime, f.thumb, f.uploaded_at FROM files f";

/// A file, and whether anything refers to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgedFileRow {
    /// Which.
    pub id: FileId,
    /// When it was brought.
    pub uploaded_at: Timestamp,
    /// Whether anything refers to it.
    pub carried: bool,
}

/// A file to which nothing can refer any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectedFileRow {
    /// Which.
    pub id: FileId,
    /// From which position on nothing can.
    pub position: Position,
}

/// Whether something refers to the file by one of `urls`; with `$1` the viewer and `$5` the time, something that they see. Each arm is one
/// look into an index. **Whatever comes to carry files gets its arm here**, and an index on its column.
fn carried(urls: &str, seen: bool) -> String {
    let if_seen = |condition: &'static str| if seen { condition } else { "" };
    // Somebody is in the conversation; nobody is in one that is over.
    let member = |conversation: &str| {
        let viewer = if_seen(" AND v.user_id = $1");
        format!(
            "EXISTS (SELECT 1 FROM members v WHERE v.conversation_id = {conversation} AND v.status = 'active'{viewer})"
        )
    };
    let not_hidden = if_seen(" AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.message_id = m.id AND h.user_id = $1)");
    let not_cleared = if_seen(
        " AND m.seq > COALESCE((SELECT s.cleared_seq FROM own_settings s \
         WHERE s.conversation_id = m.conversation_id AND s.user_id = $1), 0)",
    );
    let attached = |column: &str| {
        format!(
            "SELECT 1 FROM attachments a JOIN messages m ON m.id = a.message_id WHERE a.{column} IN ({urls}) \
             AND {}{not_hidden}{not_cleared}",
            member("m.conversation_id")
        )
    };
    let story = if seen { stories::VISIBLE.replace("$2", "$5") } else { "s.ended_at IS NULL".to_owned() };
    let arms = [
        // A message that was not removed: `attachments` has no rows of one that was.
        attached("file_url"),
        attached("thumb_url"),
        // The picture of a person: anybody may see it.
        format!("SELECT 1 FROM users u WHERE u.avatar_url IN ({urls})"),
        // The picture of a group: its members may.
        format!("SELECT 1 FROM conversations c WHERE c.avatar_url IN ({urls}) AND {}", member("c.id")),
        // A story.
        format!("SELECT 1 FROM stories s WHERE s.media_url IN ({urls}) AND {story}"),
    ];
    format!("(EXISTS ({}))", arms.join(") OR EXISTS ("))
}

impl Queries {
    /// A file that the viewer brought, or that something they see refers to. With `thumb` a reference to its thumbnail
    /// is enough.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] for anybody else.
    pub async fn file(&self, viewer: UserId, file: FileId, thumb: bool, now: Timestamp) -> Result<FileRow, QueryError> {
        let sql = format!("{SELECT} WHERE f.id = $2 AND (f.uploader_id = $1 OR {})", carried("$3, $4", true));
        let other = if thumb { file.thumb_url() } else { file.url() };
        let seen = query(sql).bind(viewer.0).bind(file.0).bind(file.url()).bind(other).bind(now.millis());
        let row = self.database.fetch_optional(seen).await?.ok_or(QueryError::NotFound)?;
        Ok(parse(&row)?)
    }

    /// The files that somebody brought, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_files(&self, user: UserId, page: &PageRequest) -> Result<Page<FileRow>, QueryError> {
        let place = page.place()?;
        let sql = format!(
            "{SELECT} WHERE f.uploader_id = $1 AND (f.uploaded_at, f.id) < ($2, $3) \
             ORDER BY f.uploaded_at DESC, f.id DESC LIMIT $4"
        );
        let own = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let rows = self.database.fetch_all(own).await?;
        let files = rows.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(files, page, |file| Place { number: file.uploaded_at.millis(), id: file.id.0 }))
    }

    /// How many files somebody has brought since then, and how many bytes.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn uploaded_since(&self, user: UserId, since: Timestamp) -> Result<(u64, u64), QueryError> {
        let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files \
             WHERE uploader_id = $1 AND uploaded_at > $2";
        let row = self.database.fetch_optional(query(sql).bind(user.0).bind(since.millis())).await?;
        Ok(row.map(|row| Ok::<_, sql::Error>((row.unsigned(0)?, row.unsigned(1)?))).transpose()?.unwrap_or_default())
    }

    /// Whether anything refers to the file or to its thumbnail.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn file_is_carried(&self, file: FileId) -> Result<bool, QueryError> {
        let sql = format!("SELECT {}", carried("$1, $2", false));
        let row = self.database.fetch_optional(query(sql).bind(file.url()).bind(file.thumb_url())).await?;
        Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or_default())
    }

    /// At most `limit` files brought before `until` and not collected, the oldest first, after `after`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn aged_files(
        &self,
        until: Timestamp,
        after: AgedFileRow,
        limit: u32,
    ) -> Result<Vec<AgedFileRow>, QueryError> {
        let sql = format!(
            "SELECT f.id, f.uploaded_at, {} FROM files f WHERE f.collected IS NULL AND f.uploaded_at < $1 \
             AND (f.uploaded_at, f.id) > ($2, $3) ORDER BY f.uploaded_at, f.id LIMIT $4",
            carried("f.url, f.url || '/thumb'", false)
        );
        let aged = query(sql).bind(until.millis()).bind(after.uploaded_at.millis()).bind(after.id.0).bind(limit);
        let row = |row: &Row| {
            let (id, uploaded_at) = (FileId(row.get(0)?), Timestamp::from_millis(row.get(1)?));
            Ok(AgedFileRow { id, uploaded_at, carried: row.get(2)? })
        };
        Ok(self.database.fetch_all(aged).await?.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// At most `limit` collected files, by position, after `after`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn collected_files(
        &self,
        after: CollectedFileRow,
        limit: u32,
    ) -> Result<Vec<CollectedFileRow>, QueryError> {
        let sql = "SELECT id, collected FROM files WHERE collected IS NOT NULL AND (collected, id) > ($1, $2) \
                   ORDER BY collected, id LIMIT $3";
        let collected = query(sql).bind(after.position).bind(after.id.0).bind(limit);
        let row = |row: &Row| Ok(CollectedFileRow { id: FileId(row.get(0)?), position: row.unsigned(1)? });
        Ok(self.database.fetch_all(collected).await?.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// At most `limit` files of somebody, by id, after `after`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn files_of(&self, user: UserId, after: FileId, limit: u32) -> Result<Vec<FileId>, QueryError> {
        let sql = "SELECT id FROM files WHERE uploader_id = $1 AND id > $2 ORDER BY id LIMIT $3";
        let rows = self.database.fetch_all(query(sql).bind(user.0).bind(after.0).bind(limit)).await?;
        Ok(rows.iter().map(|row| row.get(0).map(FileId)).collect::<Result<_, _>>()?)
    }

    /// Those of the ids that name a file.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn files_among(&self, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, QueryError> {
        let ids = padded(ids);
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let sql = format!("SELECT id FROM files WHERE id IN ({})", placeholders(1, ids.len()));
        let rows = self.database.fetch_all(query(sql).bind_all(ids)).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
    }

    /// Whether events wait to be applied that could not be: what refers to a file may be among them.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn lacks_events(&self) -> Result<bool, QueryError> {
        Ok(self.database.fetch_optional(query("SELECT 1 FROM parked LIMIT 1")).await?.is_some())
    }
}

/// Reads [`SELECT`].
fn parse(row: &Row) -> Result<FileRow, sql::Error> {
    Ok(FileRow {
        id: FileId(row.get(0)?),
        uploader: UserId(row.get(1)?),
        name: row.get(2)?,
        size: row.unsigned(3)?,
        mime: row.get(4)?,
        thumb: row.get(5)?,
        uploaded_at: Timestamp::from_millis(row.get(6)?),
    })
}

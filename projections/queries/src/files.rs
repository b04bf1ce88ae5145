//! Uploaded files, their visibility, and the references to them.

use crate::{
    Page, PageRequest, Queries, QueryError, padded,
    page::{Place, Weigh, framed},
    stories,
    users::{FINDABLE, NOT_BLOCKED_BY},
};
use domain::{FileId, Timestamp, UserId};
use event_store::Position;
use sql::{Row, placeholders, query};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub id: FileId,
    pub uploader: UserId,
    /// `None` once the uploader is erased.
    pub name: Option<String>,
    /// In bytes.
    pub size: u64,
    /// The media type detected from the content.
    pub mime: String,
    /// Whether a thumbnail exists.
    pub thumb: bool,
    pub uploaded_at: Timestamp,
}

impl Weigh for FileRow {
    fn weight(&self) -> usize {
        framed([&self.name])
    }
}

const SELECT: &str = "SELECT f.id, f.uploader_id, f.name, f.size, f.mime, f.thumb, f.uploaded_at FROM files f";

/// A file that is old enough to be collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgedFileRow {
    pub id: FileId,
    pub uploaded_at: Timestamp,
    /// Whether anything refers to it.
    pub carried: bool,
}

/// A collected file, to which no new reference is possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectedFileRow {
    pub id: FileId,
    /// The position of the event that collected it.
    pub position: Position,
}

/// Whether something refers to the file by one of `urls`; if `seen`, something that the viewer
/// `$1` sees at the time `$5`. Each arm is one index lookup. **Every kind of reference to files has an arm here**, and
/// an index on its column.
fn carried(urls: &str, seen: bool) -> String {
    let if_seen = |condition: &'static str| if seen { condition } else { "" };
    // An active member exists; a deleted conversation has none.
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
    let found =
        if seen { format!(" AND {FINDABLE} AND {}", NOT_BLOCKED_BY.replace("$2", "$1")) } else { String::new() };
    let arms = [
        // A message; `attachments` has no rows of a deleted one.
        attached("file_url"),
        attached("thumb_url"),
        // The picture of a person, visible to everybody who can find the account.
        format!("SELECT 1 FROM users u WHERE u.avatar_url IN ({urls}){found}"),
        // The picture of a group, visible to its members.
        format!("SELECT 1 FROM conversations c WHERE c.avatar_url IN ({urls}) AND {}", member("c.id")),
        format!("SELECT 1 FROM stories s WHERE s.media_url IN ({urls}) AND {story}"),
    ];
    format!("(EXISTS ({}))", arms.join(") OR EXISTS ("))
}

impl Queries {
    /// A file that the viewer uploaded, or that something visible to the viewer refers to. With `thumb`, a reference to
    /// its thumbnail suffices.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] for any other viewer.
    pub async fn file(&self, viewer: UserId, file: FileId, thumb: bool, now: Timestamp) -> Result<FileRow, QueryError> {
        let sql = format!("{SELECT} WHERE f.id = $2 AND (f.uploader_id = $1 OR {})", carried("$3, $4", true));
        let other = if thumb { file.thumb_url() } else { file.url() };
        let seen = query(sql).bind(viewer.0).bind(file.0).bind(file.url()).bind(other).bind(now.millis());
        let row = self.database.fetch_optional(seen).await?.ok_or(QueryError::NotFound)?;
        Ok(parse(&row)?)
    }

    /// The files that a user uploaded, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
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

    /// The number of files, and of bytes, that a user uploaded since `since`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn uploaded_since(&self, user: UserId, since: Timestamp) -> Result<(u64, u64), QueryError> {
        let sql = "SELECT COUNT(*) AS files, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM files \
             WHERE uploader_id = $1 AND uploaded_at > $2";
        let row = self.database.fetch_optional(query(sql).bind(user.0).bind(since.millis())).await?;
        Ok(row
            .map(|row| Ok::<_, sql::Error>((row.unsigned("files")?, row.unsigned("bytes")?)))
            .transpose()?
            .unwrap_or_default())
    }

    /// Whether anything refers to the file or its thumbnail.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn is_file_referenced(&self, file: FileId) -> Result<bool, QueryError> {
        let sql = format!("SELECT {} AS carried", carried("$1, $2", false));
        let row = self.database.fetch_optional(query(sql).bind(file.url()).bind(file.thumb_url())).await?;
        Ok(row.map(|row| row.get("carried")).transpose()?.unwrap_or_default())
    }

    /// At most `limit` files uploaded before `until` and not collected, oldest first, after `after`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn aged_files(
        &self,
        until: Timestamp,
        after: AgedFileRow,
        limit: u32,
    ) -> Result<Vec<AgedFileRow>, QueryError> {
        let sql = format!(
            "SELECT f.id, f.uploaded_at, {} AS carried FROM files f WHERE f.collected IS NULL AND f.uploaded_at < $1 \
             AND (f.uploaded_at, f.id) > ($2, $3) ORDER BY f.uploaded_at, f.id LIMIT $4",
            carried("f.url, f.url || '/thumb'", false)
        );
        let aged = query(sql).bind(until.millis()).bind(after.uploaded_at.millis()).bind(after.id.0).bind(limit);
        let row = |row: &Row| {
            let (id, uploaded_at) = (FileId(row.get("id")?), Timestamp::from_millis(row.get("uploaded_at")?));
            Ok(AgedFileRow { id, uploaded_at, carried: row.get("carried")? })
        };
        Ok(self.database.fetch_all(aged).await?.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// At most `limit` collected files, ordered by position, after `after`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn collected_files(
        &self,
        after: CollectedFileRow,
        limit: u32,
    ) -> Result<Vec<CollectedFileRow>, QueryError> {
        let sql = "SELECT id, collected FROM files WHERE collected IS NOT NULL AND (collected, id) > ($1, $2) \
                   ORDER BY collected, id LIMIT $3";
        let collected = query(sql).bind(after.position).bind(after.id.0).bind(limit);
        let row = |row: &Row| Ok(CollectedFileRow { id: FileId(row.get("id")?), position: row.unsigned("collected")? });
        Ok(self.database.fetch_all(collected).await?.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// At most `limit` files of a user, ordered by id, after `after`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn files_of(&self, user: UserId, after: FileId, limit: u32) -> Result<Vec<FileId>, QueryError> {
        let sql = "SELECT id FROM files WHERE uploader_id = $1 AND id > $2 ORDER BY id LIMIT $3";
        let rows = self.database.fetch_all(query(sql).bind(user.0).bind(after.0).bind(limit)).await?;
        Ok(rows.iter().map(|row| row.get("id").map(FileId)).collect::<Result<_, _>>()?)
    }

    /// The ids that name an existing file.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn files_among(&self, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, QueryError> {
        let ids = padded(ids);
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let sql = format!("SELECT id FROM files WHERE id IN ({})", placeholders(1, ids.len()));
        let rows = self.database.fetch_all(query(sql).bind_all(ids)).await?;
        Ok(rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?)
    }

    /// Whether any event is parked. A parked event may contain a reference to a file.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn has_parked_events(&self) -> Result<bool, QueryError> {
        Ok(self.database.fetch_optional(query("SELECT 1 FROM parked LIMIT 1")).await?.is_some())
    }
}

/// Reads [`SELECT`].
fn parse(row: &Row) -> Result<FileRow, sql::Error> {
    Ok(FileRow {
        id: FileId(row.get("id")?),
        uploader: UserId(row.get("uploader_id")?),
        name: row.get("name")?,
        size: row.unsigned("size")?,
        mime: row.get("mime")?,
        thumb: row.get("thumb")?,
        uploaded_at: Timestamp::from_millis(row.get("uploaded_at")?),
    })
}

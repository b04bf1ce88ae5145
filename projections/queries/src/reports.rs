//! Reports, as reporters and moderators see them.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh, framed},
};
use domain::{ConversationId, ReportId, Timestamp, UserId, report::ReportStatus};
use sql::{Query, Row, query};
use uuid::Uuid;

/// A report. Texts of an erased person are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    pub id: ReportId,
    pub reporter: UserId,
    /// `user`, `message` or `story`.
    pub target_kind: String,
    pub target: Uuid,
    /// The conversation of a reported message.
    pub conversation: Option<ConversationId>,
    pub accused: UserId,
    pub reason: Option<String>,
    pub notes: Option<String>,
    /// The reported content: a JSON object, as text.
    pub evidence: Option<String>,
    /// The keyed digest of the evidence.
    pub digest: String,
    /// `PENDING`, `RESOLVED` or `REJECTED`.
    pub status: String,
    pub rejected_reason: Option<String>,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<UserId>,
    position: i64,
}

const SELECT: &str = "SELECT r.id, r.reporter_id, r.target_kind, r.target_id, r.conversation_id, r.accused_id, r.reason, \
    r.notes, r.evidence, r.digest, r.status, r.rejected_reason, r.created_at, r.decided_at, r.decided_by, r.position \
    FROM reports r";

impl Weigh for ReportRow {
    fn weight(&self) -> usize {
        framed([&self.reason, &self.notes, &self.evidence, &self.rejected_reason])
    }
}

impl Queries {
    /// A report, for moderators.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] when there is none.
    pub async fn report(&self, report: ReportId) -> Result<ReportRow, QueryError> {
        let sql = format!("{SELECT} WHERE r.id = $1");
        self.report_rows(query(sql).bind(report.0)).await?.pop().ok_or(QueryError::NotFound)
    }

    /// Reports for moderators, newest first; of one status, or of all.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn reports(
        &self,
        status: Option<ReportStatus>,
        page: &PageRequest,
    ) -> Result<Page<ReportRow>, QueryError> {
        let place = page.place()?;
        let of_status = if status.is_some() { "AND r.status = $3" } else { "" };
        let limit = if status.is_some() { 4 } else { 3 };
        let sql = format!(
            "{SELECT} WHERE (r.position, r.id) < ($1, $2) {of_status} ORDER BY r.position DESC, r.id DESC LIMIT ${limit}"
        );
        let listed = query(sql).bind(place.number).bind(place.id);
        let listed = status.iter().fold(listed, |listed, status| listed.bind(status.as_str()));
        self.report_page(listed.bind(page.probe()), page).await
    }

    /// The reports filed by a user, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn reports_of(&self, reporter: UserId, page: &PageRequest) -> Result<Page<ReportRow>, QueryError> {
        let place = page.place()?;
        let sql = format!(
            "{SELECT} WHERE r.reporter_id = $3 AND (r.position, r.id) < ($1, $2) \
             ORDER BY r.position DESC, r.id DESC LIMIT $4"
        );
        let listed = query(sql).bind(place.number).bind(place.id).bind(reporter.0).bind(page.probe());
        self.report_page(listed, page).await
    }

    async fn report_page(&self, query: Query, page: &PageRequest) -> Result<Page<ReportRow>, QueryError> {
        let rows = self.report_rows(query).await?;
        Ok(Page::cut(rows, page, |row| Place { number: row.position, id: row.id.0 }))
    }

    async fn report_rows(&self, query: Query) -> Result<Vec<ReportRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }
}

fn parse(row: &Row) -> Result<ReportRow, sql::Error> {
    Ok(ReportRow {
        id: ReportId(row.get("id")?),
        reporter: UserId(row.get("reporter_id")?),
        target_kind: row.get("target_kind")?,
        target: row.get("target_id")?,
        conversation: row.get::<Option<Uuid>>("conversation_id")?.map(ConversationId),
        accused: UserId(row.get("accused_id")?),
        reason: row.get("reason")?,
        notes: row.get("notes")?,
        evidence: row.get("evidence")?,
        digest: row.get("digest")?,
        status: row.get("status")?,
        rejected_reason: row.get("rejected_reason")?,
        created_at: Timestamp::from_millis(row.get("created_at")?),
        decided_at: row.get::<Option<i64>>("decided_at")?.map(Timestamp::from_millis),
        decided_by: row.get::<Option<Uuid>>("decided_by")?.map(UserId),
        position: row.get("position")?,
    })
}

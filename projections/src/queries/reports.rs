//! Reports, as their makers and moderators see them.

use super::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, bytes_of},
};
use domain::{ConversationId, ReportId, Timestamp, UserId, report::ReportStatus};
use sql::{Query, Row, query};
use uuid::Uuid;

/// A report. What people wrote is `None` once forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// Which.
    pub id: ReportId,
    /// Who made it.
    pub reporter: UserId,
    /// `user`, `message` or `story`.
    pub target_kind: String,
    /// What is reported.
    pub target: Uuid,
    /// Where, for a message.
    pub conversation: Option<ConversationId>,
    /// Whose doing it is.
    pub accused: UserId,
    /// What is wrong.
    pub reason: Option<String>,
    /// More of it.
    pub notes: Option<String>,
    /// What there was to be seen: a JSON object, as text.
    pub evidence: Option<String>,
    /// The keyed digest of that.
    pub digest: String,
    /// `PENDING`, `RESOLVED` or `REJECTED`.
    pub status: String,
    /// Why it was rejected.
    pub rejected_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<UserId>,
    position: i64,
}

const SELECT: &str = "SELECT r.id, r.reporter_id, r.target_kind, r.target_id, r.conversation_id, r.accused_id, r.reason, \
    r.notes, r.evidence, r.digest, r.status, r.rejected_reason, r.created_at, r.decided_at, r.decided_by, r.position \
    FROM reports r";

impl ReportRow {
    /// What it weighs in a page, in bytes.
    fn weight(&self) -> usize {
        let texts = [&self.reason, &self.notes, &self.evidence, &self.rejected_reason];
        512 + texts.into_iter().map(bytes_of).sum::<usize>()
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

    /// Reports, the newest first, of one status or of all: for moderators.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
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

    /// The reports that somebody made, the newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
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
        Ok(Page::cut_weighed(rows, page, ReportRow::weight, |row| Place { number: row.position, id: row.id.0 }))
    }

    async fn report_rows(&self, query: Query) -> Result<Vec<ReportRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }
}

fn parse(row: &Row) -> Result<ReportRow, sql::Error> {
    Ok(ReportRow {
        id: ReportId(row.get(0)?),
        reporter: UserId(row.get(1)?),
        target_kind: row.get(2)?,
        target: row.get(3)?,
        conversation: row.get::<Option<Uuid>>(4)?.map(ConversationId),
        accused: UserId(row.get(5)?),
        reason: row.get(6)?,
        notes: row.get(7)?,
        evidence: row.get(8)?,
        digest: row.get(9)?,
        status: row.get(10)?,
        rejected_reason: row.get(11)?,
        created_at: Timestamp::from_millis(row.get(12)?),
        decided_at: row.get::<Option<i64>>(13)?.map(Timestamp::from_millis),
        decided_by: row.get::<Option<Uuid>>(14)?.map(UserId),
        position: row.get(15)?,
    })
}

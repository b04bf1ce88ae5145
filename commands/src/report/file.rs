//! A person reports a person, a message or a story that they can see. The evidence is taken from the write side's state
//! at a version that the append guards.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase, refused},
    friendship::is_seen,
};
use domain::{
    EventType, MessageId, ReportId, StoryId, UserId,
    friendship::Friendship,
    hex,
    id::PairId,
    message::{MessageContent, MessageError},
    report::{Complaint, Evidence, Report, ReportCommand, ReportError, Statement, Target},
    text::{Notes, Reason},
    user::{Profile, User},
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reported {
    User(UserId),
    Message(MessageId),
    Story(StoryId),
}

#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// The id of the new report.
    #[serde(skip)]
    pub id: ReportId,
    pub reported: Reported,
    /// A word or two.
    pub reason: Reason,
    pub notes: Option<Notes>,
}

#[derive(Clone, Debug)]
pub struct FiledReport {
    pub done: Done<Report>,
    /// True if the actor had an open report on the target.
    pub existed: bool,
}

/// The reported target and its evidence.
struct Seen {
    target: Target,
    accused: UserId,
    version: u64,
    evidence: Evidence,
}

impl UseCase for FileReport {
    type Aggregate = Report;
    const NAME: &'static str = "report.file";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("report.filed"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Report>, CommandError> {
        let reporter = facts.actor().await?;
        let Seen { target, accused, version, evidence } = match self.reported {
            Reported::User(user) => facts.visible_person(reporter, user).await?,
            Reported::Message(message) => facts.seen_message(reporter, message).await?,
            Reported::Story(story) => facts.seen_story(reporter, story).await?,
        };
        let open = facts.open_report_hash(reporter, &target);
        if let Some(id) = facts.store().claimed_by(ClaimKind::OpenReport, &open).await? {
            let first = facts.get::<Report>(id).await?;
            if first.state.is_pending() {
                return Ok(Decided { id, state: first.state });
            }
        }
        facts.take_claim(ClaimKind::OpenReport, open, self.id.0);
        if !facts.was_reported(target.kind(), target.id()).await? {
            let name = format!("{}:{}", target.kind(), target.id());
            let hash = facts.store().claim_hash(ClaimKind::Reported, &name);
            facts.take_claim(ClaimKind::Reported, hash, target.id());
        }
        let statement = Statement { reason: self.reason.clone(), notes: self.notes.clone() };
        let digest = facts.digest(&evidence)?;
        let before = facts.presume_new::<Report>(self.id).await?;
        let complaint = Complaint { reporter, target, accused, version, statement, evidence, digest };
        facts.decide_on(self.id, before, ReportCommand::File(complaint))
    }
}

impl Facts<'_> {
    /// The claim of the open report of `reporter` on `target`.
    pub(crate) fn open_report_hash(&self, reporter: UserId, target: &Target) -> [u8; 32] {
        self.report_hash(reporter, target.kind(), target.id())
    }

    /// As [`open_report_hash`](Self::open_report_hash), by the target's kind and id.
    pub(crate) fn report_hash(&self, reporter: UserId, kind: &str, id: Uuid) -> [u8; 32] {
        self.store().claim_hash(ClaimKind::OpenReport, &format!("{reporter}:{kind}:{id}"))
    }

    fn take_claim(&mut self, kind: ClaimKind, hash: [u8; 32], owner: Uuid) {
        self.claims.push(Claim { kind, hash, change: ClaimChange::Take, owner });
    }

    fn digest(&self, evidence: &Evidence) -> Result<String, CommandError> {
        let json = serde_json::to_vec(evidence).map_err(|error| CommandError::Internal(error.to_string()))?;
        let digest = self.store().evidence_digest(&json);
        Ok(hex::encode(&digest))
    }

    /// Profiles are visible to everybody not blocked by their owner. A hidden person can be reported with a relation or
    /// a shared conversation.
    async fn visible_person(&mut self, reporter: UserId, user: UserId) -> Result<Seen, CommandError> {
        let known = self.get::<User>(user).await?;
        if reporter != user {
            let pair = self.get::<Friendship>(PairId::of(reporter, user)).await?.state;
            let is_known = is_seen(&known.state, &pair, user)
                || pair.is_known_to(reporter)
                || self.share_a_conversation(reporter, user).await?;
            if !is_known {
                return Err(refused(ReportError::NotFound));
            }
        }
        let Some(Profile { first_name, last_name, avatar_url, .. }) = known.state.profile().cloned() else {
            return Err(refused(ReportError::NotFound));
        };
        let (first_name, last_name) = (first_name.into(), last_name.into());
        let evidence = Evidence::User { first_name, last_name, avatar_url };
        Ok(Seen { target: Target::User { user }, accused: user, version: known.version, evidence })
    }

    /// Members see the messages of their conversation, except hidden and deleted ones.
    async fn seen_message(&mut self, reporter: UserId, message: MessageId) -> Result<Seen, CommandError> {
        let (known, _) = self.visible_message(reporter, message).await?;
        let posted = known.state.posted().filter(|_| !known.state.is_hidden_for(reporter));
        let posted = posted.ok_or_else(|| refused(MessageError::NotFound))?;
        if known.state.is_deleted() {
            return Err(refused(MessageError::Deleted));
        }
        let content: &MessageContent = posted.content.as_ref().ok_or_else(|| refused(MessageError::NotFound))?;
        let evidence = Evidence::Message { message_type: posted.message_type, content: content.clone() };
        let target = Target::Message { message, conversation: posted.conversation };
        Ok(Seen { target, accused: posted.sender, version: known.version, evidence })
    }

    /// The viewers of a story may report it.
    async fn seen_story(&mut self, reporter: UserId, story: StoryId) -> Result<Seen, CommandError> {
        let known = self.visible_story(reporter, story).await?;
        let (Some(shown), Some(content)) = (known.state.shown(), known.state.content()) else {
            return Err(refused(ReportError::NotFound));
        };
        let evidence =
            Evidence::Story { content: content.text.as_str().to_owned(), media_url: content.media_url.clone() };
        Ok(Seen { target: Target::Story { story: story.0 }, accused: shown.author, version: known.version, evidence })
    }
}

impl Commands {
    /// Reports a visible target. An open report of the actor on the same target is returned instead.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for an invisible target, `reports_oneself`, `message_deleted`.
    pub async fn file_report(&self, ctx: &Context, request: FileReport) -> Result<FiledReport, CommandError> {
        let done = self.act(ctx, &request).await?;
        let existed = done.receipt.version == 0;
        Ok(FiledReport { done, existed })
    }
}

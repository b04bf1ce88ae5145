//! Somebody reports a person, a message or a story that they can see. What they see is pinned: it is taken from the
//! write side's own state, at a version that the append checks.

use crate::{
    CommandError, Commands, Context, Done,
    circle::is_seen,
    error::refused,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    MessageId, ReportId, StoryId, Tier, UserId,
    friendship::Friendship,
    id::PairId,
    message::{MessageContent, MessageError},
    report::{Complaint, Evidence, Report, ReportCommand, ReportError, Statement, Target},
    text::{Notes, Reason},
    user::{Profile, User},
};
use event_store::{Claim, ClaimChange, ClaimKind};
use serde::Serialize;
use std::fmt::Write as _;
use uuid::Uuid;

/// What is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reported {
    /// A person.
    User(UserId),
    /// A message.
    Message(MessageId),
    /// A story.
    Story(StoryId),
}

/// A report as its maker wants it.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// The id it is to have.
    #[serde(skip)]
    pub id: ReportId,
    /// What is reported.
    pub reported: Reported,
    /// What is wrong, in a word or two.
    pub reason: Reason,
    /// More of it.
    pub notes: Option<Notes>,
}

/// A report that was made, or was open already.
#[derive(Clone, Debug)]
pub struct FiledReport {
    /// The report.
    pub done: Done<Report>,
    /// Whether its maker had reported the same before, and nobody has decided yet.
    pub existed: bool,
}

/// What there is to be seen of what is reported.
struct Seen {
    target: Target,
    accused: UserId,
    version: u64,
    evidence: Evidence,
}

impl UseCase for FileReport {
    type Aggregate = Report;
    const NAME: &'static str = "report.file";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Report>, CommandError> {
        let reporter = facts.actor().await?;
        let Seen { target, accused, version, evidence } = match self.reported {
            Reported::User(user) => facts.seen_person(reporter, user).await?,
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
    /// The name under which `reporter` has one report about `target` open.
    pub(crate) fn open_report_hash(&self, reporter: UserId, target: &Target) -> [u8; 32] {
        self.report_hash(reporter, target.kind(), target.id())
    }

    /// The same, of what is known by its kind and id.
    pub(crate) fn report_hash(&self, reporter: UserId, kind: &str, id: Uuid) -> [u8; 32] {
        self.store().claim_hash(ClaimKind::OpenReport, &format!("{reporter}:{kind}:{id}"))
    }

    fn take_claim(&mut self, kind: ClaimKind, hash: [u8; 32], owner: Uuid) {
        self.claims.push(Claim { kind, hash, change: ClaimChange::Take, owner });
    }

    fn digest(&self, evidence: &Evidence) -> Result<String, CommandError> {
        let json = serde_json::to_vec(evidence).map_err(|error| CommandError::Internal(error.to_string()))?;
        let digest = self.store().evidence_digest(&json);
        Ok(digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }

    /// Everybody sees the profile of whoever is to be found and has not blocked them. Of others, those with whom they have
    /// something, or share a conversation, can be reported.
    async fn seen_person(&mut self, reporter: UserId, user: UserId) -> Result<Seen, CommandError> {
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

    /// Members see the messages of their conversation, but for those they hid or that were removed.
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

    /// Who may see a story may report it.
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
    /// Reports what the actor can see. Whoever has an open report about the same is answered that one.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` for what the actor cannot see, `reports_oneself`, `message_deleted`.
    pub async fn file_report(&self, ctx: &Context, request: FileReport) -> Result<FiledReport, CommandError> {
        let done = self.act(ctx, &request).await?;
        let existed = done.receipt.version == 0;
        Ok(FiledReport { done, existed })
    }
}

//! The spam check: scores what an account says (messages, edits, titles, stories, comments, statuses, invites) and its
//! first contacts with strangers, against its recent messages.

use crate::{
    CommandError, Commands, Context, SendMessage,
    engine::{Approach, Caller, Decided, Facts, RECENT_MS, UseCase, Utterance},
};
use domain::{
    ConversationId, EventType, MessageId, UserId,
    conduct::{Conduct, ConductCommand, Inputs},
    conversation::MAX_MEMBERS,
};
use serde::Serialize;
use uuid::Uuid;

/// A verdict that refuses an utterance.
struct Verdict {
    command: ConductCommand,
    wait_ms: i64,
}

/// Records a verdict.
#[derive(Serialize)]
struct Judge {
    user: UserId,
    #[serde(skip)]
    command: ConductCommand,
}

impl UseCase for Judge {
    type Aggregate = Conduct;
    const NAME: &'static str = "conduct.judge";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("conduct.judged"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conduct>, CommandError> {
        facts.decide(self.user, self.command).await
    }
}

impl Commands {
    /// Refuses a message that is spam, and records the verdict.
    pub(crate) async fn check_spam(
        &self,
        ctx: &Context,
        caller: &Caller<'_>,
        request: &SendMessage,
    ) -> Result<(), CommandError> {
        let key = request.id.map(|id| id.to_string()).or_else(|| ctx.key.clone());
        let (text, target) = (request.content.body.as_str(), request.conversation.0);
        let utterance = Utterance { mentions: request.mentions.len(), ..Utterance::of(text, target) };
        let verdict = self.judge(ctx, key.as_deref(), utterance).await?;
        self.enforce(ctx, caller, request, verdict).await
    }

    /// Refuses the new text of a message that is spam; it counts as sent to the message's conversation.
    pub(crate) async fn check_edit<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        message: MessageId,
        text: &str,
    ) -> Result<(), CommandError> {
        if self.judged(ctx).is_none() {
            return Ok(());
        }
        let before = self.message(message).await?.state;
        let target = before.posted().map_or(message.0, |posted| posted.conversation.0);
        self.check_text(ctx, case, text, target).await
    }

    /// Refuses a text other than a message that is spam.
    pub(crate) async fn check_text<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        text: &str,
        target: Uuid,
    ) -> Result<(), CommandError> {
        self.check_utterance(ctx, case, Utterance::of(text, target)).await
    }

    /// Refuses first contacts with `others` when the account approached too many strangers.
    pub(crate) async fn check_contacts<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        others: &[UserId],
    ) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        let strangers = self.strangers_to(user, others).await?;
        self.check_utterance(ctx, case, Utterance { strangers, ..Utterance::of("", user.0) }).await
    }

    /// Refuses a new group with this title and with `others` in it when that is spam: the title is said to each stranger.
    pub(crate) async fn check_group<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        title: &str,
        others: &[UserId],
    ) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        // A command with more is refused anyway.
        let strangers = self.strangers_to(user, &others[..others.len().min(MAX_MEMBERS)]).await?;
        let utterance = Utterance { strangers, approach: Approach::Added, title, ..Utterance::of(title, user.0) };
        self.check_utterance(ctx, case, utterance).await
    }

    /// Refuses adding `other` to a group when that is spam: a stranger receives the group's title.
    pub(crate) async fn check_addition<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        group: ConversationId,
        other: UserId,
    ) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        let strangers = self.strangers_to(user, &[other]).await?;
        let group = self.conversation(group).await?.state;
        let title = group.settings().title.as_ref().map_or("", |title| title.as_str());
        let utterance = Utterance { strangers, approach: Approach::Added, title, ..Utterance::of("", user.0) };
        self.check_utterance(ctx, case, utterance).await
    }

    /// Refuses the new title of a group when that is spam: it is said to each stranger whom the account added within a
    /// day.
    pub(crate) async fn check_title<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        group: ConversationId,
        title: &str,
    ) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        let members = self.conversation(group).await?.state;
        let strangers = self.recent_messages().added_among(user, members.active().chain(members.waiting()));
        let utterance = Utterance { strangers, approach: Approach::Retitled, title, ..Utterance::of(title, group.0) };
        self.check_utterance(ctx, case, utterance).await
    }

    /// Refuses a status text that is spam.
    ///
    /// # Errors
    /// [`CommandError::Spam`].
    pub async fn check_status(&self, ctx: &Context, text: &str) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        match self.judge(ctx, ctx.key.as_deref(), Utterance::of(text, user.0)).await? {
            Some(verdict) => self.refuse(ctx, verdict).await,
            None => Ok(()),
        }
    }

    async fn check_utterance<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        utterance: Utterance<'_>,
    ) -> Result<(), CommandError> {
        let verdict = self.judge(ctx, ctx.key.as_deref(), utterance).await?;
        self.enforce(ctx, &Caller::actor(ctx)?, case, verdict).await
    }

    /// A command that any process executed before under its key is not refused now.
    async fn enforce<C: UseCase>(
        &self,
        ctx: &Context,
        caller: &Caller<'_>,
        case: &C,
        verdict: Option<Verdict>,
    ) -> Result<(), CommandError> {
        let Some(verdict) = verdict else { return Ok(()) };
        match self.was_done(caller, case).await {
            // Another request under the same key is judged on its own.
            Ok(false) | Err(CommandError::KeyReused) => self.refuse(ctx, verdict).await,
            done => done.map(drop),
        }
    }

    /// The account whose conduct it is; `None` for the system acting in its name.
    fn judged(&self, ctx: &Context) -> Option<UserId> {
        ctx.actor.filter(|actor| self.recent_messages().is_on() && actor.session.is_some()).map(|actor| actor.user)
    }

    async fn judge(
        &self,
        ctx: &Context,
        key: Option<&str>,
        mut utterance: Utterance<'_>,
    ) -> Result<Option<Verdict>, CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(None) };
        let (now, recent) = (self.now(), self.recent_messages());
        let Some(said) = recent.record(user, &utterance, key, now) else { return Ok(None) };
        let mut inputs = recent.with_contacts(user, &utterance, said, now);
        if inputs.is_spam() && !said.is_spam() {
            // Last, because it reads the log.
            utterance.strangers = self.not_met(user, utterance.strangers).await?;
            inputs = recent.with_contacts(user, &utterance, said, now);
        }
        if !inputs.is_spam() {
            recent.record_contacts(user, &utterance, now);
            return Ok(None);
        }
        let of_the_minute = Inputs { strangers: 0, unasked: 0, unasked_links: 0, ..inputs };
        let wait_ms = if of_the_minute.is_spam() { RECENT_MS } else { recent.contact_wait_ms(user, now) };
        let command = ConductCommand { user, conversation: ConversationId(utterance.target), inputs };
        Ok(Some(Verdict { command, wait_ms }))
    }

    async fn refuse(&self, ctx: &Context, Verdict { command, wait_ms }: Verdict) -> Result<(), CommandError> {
        let user = command.user;
        self.recent_messages().mark_refused(user);
        let judge = Judge { user, command };
        self.execute(&Caller::actor(ctx)?.without_key(), &judge).await?;
        Err(CommandError::Spam { wait_ms })
    }
}

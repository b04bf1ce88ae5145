//! What one decision rests on, and what follows from it: each state it looks at becomes a guard of its append.

use crate::{
    CommandError, Commands, Context,
    error::refused,
    state::{Cached, Freshness, States, Versioned},
};
use domain::{
    AggregateType, ConversationId, MessageId, RefusalKind, SessionId, Timestamp, UserId,
    conversation::Conversation,
    friendship::{Friendship, FriendshipError},
    id::{OwnSettingsId, PairId},
    message::{Message, MessageError},
    own_settings::OwnSettings,
    session::Session,
    user::User,
};
use event_store::{Claim, EventStore, Guard, NewEvent, Secret, StreamId};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

/// What a use case decided about its aggregate.
pub(crate) struct Decided<A> {
    pub(crate) id: Uuid,
    pub(crate) state: Arc<A>,
}

/// What is done with the cached states once a command is appended.
pub(crate) type AfterAppend = Box<dyn FnOnce(&States, &EventStore) + Send + Sync>;

/// The facts of one decision.
pub(crate) struct Facts<'c> {
    commands: &'c Commands,
    ctx: &'c Context,
    freshness: Freshness,
    /// Whether anything was taken from memory alone.
    pub(crate) remembered: bool,
    /// Versions of the streams looked at.
    pub(crate) guards: Vec<Guard>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) events: Vec<NewEvent>,
    /// What is to be remembered of the streams written, once it is stored.
    pub(crate) after: Vec<AfterAppend>,
}

impl<'c> Facts<'c> {
    pub(crate) fn new(commands: &'c Commands, ctx: &'c Context, freshness: Freshness) -> Self {
        Self {
            commands,
            ctx,
            freshness,
            remembered: false,
            guards: Vec::new(),
            claims: Vec::new(),
            secrets: Vec::new(),
            events: Vec::new(),
            after: Vec::new(),
        }
    }

    pub(crate) fn store(&self) -> &'c EventStore {
        self.commands.store()
    }

    pub(crate) const fn commands(&self) -> &'c Commands {
        self.commands
    }

    pub(crate) fn new_id(&self) -> Uuid {
        self.commands.new_id()
    }

    /// The device that acts.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.ctx.actor.and_then(|actor| actor.session)
    }

    /// By the clock of the write side.
    pub(crate) fn now(&self) -> Timestamp {
        self.commands.now()
    }

    /// Who acts: signed in, and not blocked.
    pub(crate) async fn actor(&mut self) -> Result<UserId, CommandError> {
        self.actor_and_account().await.map(|(actor, _)| actor)
    }

    /// Who acts, with their account.
    pub(crate) async fn actor_and_account(&mut self) -> Result<(UserId, Versioned<User>), CommandError> {
        let actor = self.ctx.actor.ok_or(CommandError::InvalidToken)?;
        if let Some(id) = actor.session {
            let session = self.get::<Session>(id).await?.state;
            let account = self.get::<User>(actor.user).await?.state;
            if !session.is_live(actor.user) || !account.keeps(id, session.sign_outs()) {
                return Err(CommandError::InvalidToken);
            }
        }
        let user = self.get::<User>(actor.user).await?;
        user.state.may_act().map_err(refused)?;
        Ok((actor.user, user))
    }

    /// A state, as a fact that must still hold when the append happens.
    pub(crate) async fn get<A: Cached>(&mut self, id: impl Into<Uuid>) -> Result<Versioned<A>, CommandError> {
        let id = id.into();
        let known = self.peek::<A>(id).await?;
        self.guard(A::AGGREGATE, id, known.version);
        Ok(known)
    }

    /// A state of which only what can never change is asked.
    pub(crate) async fn peek<A: Cached>(&mut self, id: impl Into<Uuid>) -> Result<Versioned<A>, CommandError> {
        let (known, remembered) = self.commands.states().load(self.store(), id.into(), self.freshness).await?;
        self.remembered |= remembered;
        Ok(known)
    }

    /// The states of many streams, read together; what is decided on one is guarded by the sequence of its event.
    pub(crate) async fn get_many<A: Cached>(
        &mut self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Versioned<A>>, CommandError> {
        let states = self.commands.states().load_many::<A>(self.store(), ids, self.freshness).await?;
        self.remembered |= self.freshness == Freshness::Cached;
        Ok(states)
    }

    /// The state of a stream that most probably has no event yet: taken for granted at first, since the append
    /// finds out.
    pub(crate) async fn presume_new<A: Cached>(&mut self, id: impl Into<Uuid>) -> Result<Versioned<A>, CommandError> {
        let id = id.into();
        if self.freshness == Freshness::Fresh {
            return self.get(id).await;
        }
        let known = self.commands.states().known(id).unwrap_or_default();
        self.remembered = true;
        self.guard(A::AGGREGATE, id, known.version);
        Ok(known)
    }

    fn guard(&mut self, aggregate: AggregateType, id: Uuid, version: u64) {
        let stream = StreamId::new(aggregate, id);
        if !self.guards.iter().any(|guard| guard.stream == stream) {
            self.guards.push(Guard { stream, version });
        }
    }

    /// The conversation, in which `user` takes part.
    pub(crate) async fn conversation_of(
        &mut self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Versioned<Conversation>, CommandError> {
        let known = self.get::<Conversation>(conversation).await?;
        known.state.may_take_part(user).map_err(refused)?;
        Ok(known)
    }

    /// That `by` may write into the conversation: in a direct one, a block of either side stands against it. To whom
    /// the other has blocked, the answer is that for anybody who cannot be reached: blocked, or erased.
    pub(crate) async fn may_write(&mut self, by: UserId, conversation: &Conversation) -> Result<(), CommandError> {
        let Some(other) = conversation.other(by) else { return Ok(()) };
        let pair = self.get::<Friendship>(PairId::of(by, other)).await?;
        let verdict = pair.state.may_approach(by, other);
        let account = self.get::<User>(other).await?.state;
        let is_reachable = account.exists() && account.may_act().is_ok();
        if verdict == Err(FriendshipError::NotFound) || (verdict.is_ok() && !is_reachable) {
            return Err(cannot_message());
        }
        verdict.map_err(refused)
    }

    /// Whether a block stands between the two of a direct conversation.
    pub(crate) async fn is_apart(&mut self, user: UserId, conversation: &Conversation) -> Result<bool, CommandError> {
        let Some(other) = conversation.other(user) else { return Ok(false) };
        let pair = self.get::<Friendship>(PairId::of(user, other)).await?.state;
        Ok(pair.is_blocked_by(user) || pair.is_blocked_by(other))
    }

    /// The number of a posted message in its conversation.
    pub(crate) async fn seq_of(&self, message: MessageId) -> Result<u64, CommandError> {
        let sent = self.store().load_many(&[(StreamId::new(AggregateType::Message, message), 1)]).await?;
        sent.first().map(|sent| sent.record.scope_seq).ok_or_else(|| refused(MessageError::NotFound))
    }

    /// Whether `user` no longer sees the message, having cleared the history of its conversation.
    pub(crate) async fn is_cleared(
        &mut self,
        user: UserId,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<bool, CommandError> {
        let cleared = self.peek::<OwnSettings>(OwnSettingsId::of(conversation, user)).await?.state.cleared();
        Ok(cleared > 0 && self.seq_of(message).await? <= cleared)
    }

    /// The message, of whose conversation `user` is an active member who has not cleared it.
    pub(crate) async fn visible_message(
        &mut self,
        user: UserId,
        message: MessageId,
    ) -> Result<(Versioned<Message>, Arc<Conversation>), CommandError> {
        let known = self.get::<Message>(message).await?;
        let posted = known.state.posted().ok_or_else(|| refused(MessageError::NotFound))?;
        let conversation = self.get::<Conversation>(posted.conversation).await?.state;
        conversation.may_take_part(user).map_err(|_| refused(MessageError::NotFound))?;
        if self.is_cleared(user, posted.conversation, message).await? {
            return Err(refused(MessageError::NotFound));
        }
        Ok((known, conversation))
    }

    /// The message, to which `user` may add something that others see.
    pub(crate) async fn writable_message(
        &mut self,
        user: UserId,
        message: MessageId,
    ) -> Result<Versioned<Message>, CommandError> {
        let (known, conversation) = self.visible_message(user, message).await?;
        self.may_write(user, &conversation).await?;
        Ok(known)
    }

    /// The last seq of a conversation, or any reached one that is not below `seq`.
    pub(crate) async fn head_for(&self, conversation: ConversationId, seq: u64) -> Result<u64, CommandError> {
        let known = self.commands.states().head(conversation.0);
        if seq <= known {
            return Ok(known);
        }
        let head = self.store().scope_seq(conversation.0).await?;
        self.commands.states().learn_head(conversation.0, head);
        Ok(head)
    }

    /// That each of `others` has an account that others can find, and that neither they nor `by` have blocked the other.
    pub(crate) async fn may_approach(&mut self, by: UserId, others: &[UserId]) -> Result<(), CommandError> {
        let (commands, freshness) = (self.commands, self.freshness);
        let ids: Vec<Uuid> = others.iter().map(|user| user.0).collect();
        let users = commands.states().load_many::<User>(self.store(), &ids, freshness).await?;
        let pairs: Vec<Uuid> = others.iter().map(|user| PairId::of(by, *user).0).collect();
        let friendships = commands.states().load_many::<Friendship>(self.store(), &pairs, freshness).await?;
        self.remembered |= freshness == Freshness::Cached;
        for (other, pair) in others.iter().zip(pairs) {
            let user = users.get(&other.0).cloned().unwrap_or_default();
            self.guard(AggregateType::User, other.0, user.version);
            if !user.state.is_reachable() {
                return Err(refused(FriendshipError::NotFound));
            }
            let friendship = friendships.get(&pair).cloned().unwrap_or_default();
            self.guard(AggregateType::Friendship, pair, friendship.version);
            friendship.state.may_approach(by, *other).map_err(refused)?;
        }
        Ok(())
    }

    /// How `user` stands with each of `others`, themselves left out. Each pair must still stand so when the append
    /// happens.
    pub(crate) async fn pairs_of(
        &mut self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<(UserId, Arc<Friendship>)>, CommandError> {
        let others = || others.iter().copied().filter(|other| *other != user);
        let ids: Vec<Uuid> = others().map(|other| PairId::of(user, other).0).collect();
        let states = self.commands.states().load_many::<Friendship>(self.store(), &ids, self.freshness).await?;
        self.remembered |= self.freshness == Freshness::Cached;
        let mut pairs = Vec::with_capacity(ids.len());
        for (other, pair) in others().zip(ids) {
            let friendship = states.get(&pair).cloned().unwrap_or_default();
            self.guard(AggregateType::Friendship, pair, friendship.version);
            pairs.push((other, friendship.state));
        }
        Ok(pairs)
    }

    /// The conversations, as they are known.
    pub(crate) async fn conversations(
        &mut self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Versioned<Conversation>>, CommandError> {
        self.remembered |= self.freshness == Freshness::Cached;
        self.commands.states().load_many::<Conversation>(self.store(), ids, self.freshness).await
    }

    /// Those of `others` with whom `by` stands so. Each of these pairs must still stand so when the append happens.
    pub(crate) async fn who_stand(
        &mut self,
        by: UserId,
        others: impl IntoIterator<Item = UserId>,
        so: impl Fn(&Friendship) -> bool,
    ) -> Result<Vec<UserId>, CommandError> {
        let others: Vec<_> = others.into_iter().map(|other| (other, PairId::of(by, other).0)).collect();
        let pairs: Vec<Uuid> = others.iter().map(|(_, pair)| *pair).collect();
        let states = self.commands.states().load_many::<Friendship>(self.store(), &pairs, self.freshness).await?;
        self.remembered |= self.freshness == Freshness::Cached;
        let known: HashSet<_> = self.guards.iter().map(|guard| guard.stream).collect();
        let mut who = Vec::new();
        for (other, pair) in others {
            let friendship = states.get(&pair).cloned().unwrap_or_default();
            if so(&friendship.state) {
                let stream = StreamId::new(AggregateType::Friendship, pair);
                if !known.contains(&stream) {
                    self.guards.push(Guard { stream, version: friendship.version });
                }
                who.push(other);
            }
        }
        Ok(who)
    }

    /// Loads the aggregate, decides, and notes the events.
    pub(crate) async fn decide<A: Cached>(
        &mut self,
        id: impl Into<Uuid>,
        command: A::Command,
    ) -> Result<Decided<A>, CommandError> {
        let id = id.into();
        let before = self.get::<A>(id).await?;
        self.decide_on(id, before, command)
    }

    /// Decides on a state that was loaded before, and notes the events.
    pub(crate) fn decide_on<A: Cached>(
        &mut self,
        id: impl Into<Uuid>,
        before: Versioned<A>,
        command: A::Command,
    ) -> Result<Decided<A>, CommandError> {
        let (id, mut sequence) = (id.into(), before.version);
        let events = before.state.decide(command).map_err(refused)?;
        if events.is_empty() {
            return Ok(Decided { id, state: before.state });
        }
        let mut state = Arc::unwrap_or_clone(before.state);
        for event in events {
            sequence += 1;
            state.apply(event.clone());
            self.events.push(NewEvent { stream: StreamId::new(A::AGGREGATE, id), sequence, event: event.into() });
        }
        let after = Versioned { version: sequence, state: Arc::new(state) };
        let state = Arc::clone(&after.state);
        self.after.push(Box::new(move |states, store| states.advance(store, id, &after)));
        Ok(Decided { id, state })
    }

    /// The stream of `aggregate` that was looked at last: what the command is about.
    pub(crate) fn last_seen(&self, aggregate: AggregateType) -> Option<Uuid> {
        self.guards.iter().rev().find(|guard| guard.stream.aggregate == aggregate).map(|guard| guard.stream.id)
    }
}

/// The same whether they have blocked somebody or are no more.
fn cannot_message() -> CommandError {
    CommandError::Refused {
        kind: RefusalKind::Forbidden,
        code: "cannot_message",
        detail: "you cannot write to this user".to_owned(),
        field: None,
    }
}

//! What is known of how an account behaves lately, and what the spam filter makes of a message, of whatever else
//! somebody says (titles, stories, comments, statuses, invites), and of first contacts with strangers.

use crate::{
    CommandError, Commands, Context, SendMessage,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, Tier, Timestamp, UserId,
    conduct::{Conduct, ConductCommand, Inputs, links},
    conversation::MAX_MEMBERS,
};
use quick_cache::sync::Cache;
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// Lately is within this time.
const LATELY_MS: i64 = 60_000;
/// A burst is within this time.
const BURST_MS: i64 = 10_000;
/// The messages of an account that are remembered: more than those that refuse a burst.
const MESSAGES: usize = 1_100;
/// The accounts of which some are.
const ACCOUNTS: usize = 4_096;
/// First contacts are counted within this time.
const CONTACTS_MS: i64 = 24 * 60 * 60 * 1_000;
/// The first contacts of an account that are remembered, of 24 bytes each: more than those that are refused.
const CONTACTS: usize = 600;

/// What accounts sent lately, each process by itself.
pub(crate) struct Lately {
    accounts: Cache<UserId, Arc<Mutex<VecDeque<Sent>>>>,
    contacts: Cache<UserId, Arc<Mutex<VecDeque<Contact>>>>,
    is_on: bool,
}

/// What somebody says.
struct Saying<'s> {
    text: &'s str,
    /// The conversation or story it belongs to, else the account itself.
    place: Uuid,
    mentions: usize,
    /// No friends: they did not ask for it.
    strangers: Vec<UserId>,
    /// It puts the strangers into a group.
    is_unasked: bool,
}

/// What is remembered of a first contact.
#[derive(Clone, Copy)]
struct Contact {
    at: i64,
    with: u64,
    is_unasked: bool,
    /// In the title of the group, with the first of those who are put into it.
    links: u16,
}

/// What is remembered of a message.
#[derive(Clone, Copy)]
struct Sent {
    at: i64,
    /// Of its text; `None` when it has none.
    text: Option<u64>,
    place: Uuid,
    links: u32,
    mentions: u32,
    /// Of its idempotency key.
    key: Option<u64>,
    refused: bool,
}

/// What refuses what was said, and for how long.
struct Verdict {
    command: ConductCommand,
    wait_ms: i64,
}

/// A verdict that refuses a message.
#[derive(Serialize)]
struct Judge {
    user: UserId,
    #[serde(skip)]
    command: ConductCommand,
}

impl UseCase for Judge {
    type Aggregate = Conduct;
    const NAME: &'static str = "conduct.judge";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Conduct>, CommandError> {
        facts.decide(self.user, self.command).await
    }
}

impl Commands {
    /// Passes a message on, or refuses it as spam; then the verdict is in the log.
    pub(crate) async fn sift(
        &self,
        ctx: &Context,
        caller: &Caller<'_>,
        request: &SendMessage,
    ) -> Result<(), CommandError> {
        let key = request.id.map(|id| id.to_string()).or_else(|| ctx.key.clone());
        let (text, place) = (request.content.body.as_str(), request.conversation.0);
        let saying = Saying { mentions: request.mentions.len(), ..Saying::of(text, place) };
        let verdict = self.weigh(ctx, key.as_deref(), saying).await?;
        self.pass(ctx, caller, request, verdict).await
    }

    /// Passes on what somebody says at `place` beside messages, or refuses it as spam.
    pub(crate) async fn hear<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        text: &str,
        place: Uuid,
    ) -> Result<(), CommandError> {
        self.hear_it(ctx, case, Saying::of(text, place)).await
    }

    /// Passes on that somebody approaches others for the first time, or refuses it as spam.
    pub(crate) async fn hear_first<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        others: &[UserId],
    ) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        let strangers = self.strangers_to(user, others).await?;
        self.hear_it(ctx, case, Saying { strangers, ..Saying::of("", user.0) }).await
    }

    /// Passes on that somebody puts others into a group with this title, or refuses it as spam.
    pub(crate) async fn hear_unasked<C: UseCase>(
        &self,
        ctx: &Context,
        case: &C,
        title: &str,
        others: &[UserId],
    ) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        // More are refused anyway.
        let strangers = self.strangers_to(user, &others[..others.len().min(MAX_MEMBERS)]).await?;
        self.hear_it(ctx, case, Saying { strangers, is_unasked: true, ..Saying::of(title, user.0) }).await
    }

    /// Passes on what somebody says of themselves (their status), or refuses it as spam.
    ///
    /// # Errors
    /// [`CommandError::Spam`].
    pub async fn hear_status(&self, ctx: &Context, text: &str) -> Result<(), CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(()) };
        match self.weigh(ctx, ctx.key.as_deref(), Saying::of(text, user.0)).await? {
            Some(verdict) => self.refuse(ctx, verdict).await,
            None => Ok(()),
        }
    }

    async fn hear_it<C: UseCase>(&self, ctx: &Context, case: &C, saying: Saying<'_>) -> Result<(), CommandError> {
        let verdict = self.weigh(ctx, ctx.key.as_deref(), saying).await?;
        self.pass(ctx, &Caller::actor(ctx)?, case, verdict).await
    }

    /// What was done before, under its key, is nothing else now, whichever process did it.
    async fn pass<C: UseCase>(
        &self,
        ctx: &Context,
        caller: &Caller<'_>,
        case: &C,
        verdict: Option<Verdict>,
    ) -> Result<(), CommandError> {
        let Some(verdict) = verdict else { return Ok(()) };
        match self.was_done(caller, case).await {
            // The same key with another request is one of its own.
            Ok(false) | Err(CommandError::KeyReused) => self.refuse(ctx, verdict).await,
            done => done.map(drop),
        }
    }

    /// Whose conduct it is. What the system says for somebody is no conduct of theirs.
    fn judged(&self, ctx: &Context) -> Option<UserId> {
        ctx.actor.filter(|actor| self.lately().is_on && actor.session.is_some()).map(|actor| actor.user)
    }

    /// What refuses it, if anything does.
    async fn weigh(
        &self,
        ctx: &Context,
        key: Option<&str>,
        mut saying: Saying<'_>,
    ) -> Result<Option<Verdict>, CommandError> {
        let Some(user) = self.judged(ctx) else { return Ok(None) };
        let now = self.now();
        let Some(said) = self.lately().note(user, &saying, key, now) else { return Ok(None) };
        let mut inputs = self.lately().meet(user, &saying, said, now);
        if inputs.is_spam() && !said.is_spam() {
            // Asked only now: it takes reading.
            saying.strangers = self.not_met(user, saying.strangers).await?;
            inputs = self.lately().meet(user, &saying, said, now);
        }
        if !inputs.is_spam() {
            self.lately().met(user, &saying, now);
            return Ok(None);
        }
        let wait_ms = if said.is_spam() { LATELY_MS } else { self.lately().contact_wait(user, now) };
        let command = ConductCommand { user, conversation: ConversationId(saying.place), inputs };
        Ok(Some(Verdict { command, wait_ms }))
    }

    async fn refuse(&self, ctx: &Context, Verdict { command, wait_ms }: Verdict) -> Result<(), CommandError> {
        let user = command.user;
        self.lately().refuse(user);
        let judge = Judge { user, command };
        self.execute(&Caller::actor(ctx)?.without_key(), &judge).await?;
        Err(CommandError::Spam { wait_ms })
    }
}

impl Lately {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { accounts: Cache::new(ACCOUNTS), contacts: Cache::new(ACCOUNTS), is_on }
    }

    /// What is known of it with the contacts of a day, its own included.
    fn meet(&self, user: UserId, saying: &Saying<'_>, said: Inputs, now: Timestamp) -> Inputs {
        if saying.strangers.is_empty() {
            return said;
        }
        let contacts = kept(&self.contacts, user);
        let mut contacts = contacts.lock().unwrap_or_else(PoisonError::into_inner);
        while contacts.front().is_some_and(|first| now.millis().saturating_sub(first.at) > CONTACTS_MS) {
            contacts.pop_front();
        }
        let mut unasked: HashMap<u64, u32> = HashMap::new();
        for contact in contacts.iter().filter(|contact| contact.is_unasked) {
            *unasked.entry(contact.with).or_default() += 1;
        }
        let again = |with: &UserId| unasked.get(&hash(with)).copied().unwrap_or_default() + 1;
        let people: HashSet<_> =
            contacts.iter().map(|contact| contact.with).chain(saying.strangers.iter().map(hash)).collect();
        let strangers = u32::try_from(people.len()).unwrap_or(u32::MAX);
        if !saying.is_unasked {
            return Inputs { strangers, ..said };
        }
        let unasked = saying.strangers.iter().map(again).max().unwrap_or_default();
        let before = contacts.iter().map(|contact| u32::from(contact.links)).sum::<u32>();
        Inputs { strangers, unasked, unasked_links: before.saturating_add(said.links), ..said }
    }

    /// How long it takes until the first of its contacts counts no more.
    fn contact_wait(&self, user: UserId, now: Timestamp) -> i64 {
        let contacts = kept(&self.contacts, user);
        let contacts = contacts.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.front().map_or(CONTACTS_MS, |first| first.at.saturating_add(CONTACTS_MS) - now.millis()).max(LATELY_MS)
    }

    /// Remembers whom it approached.
    fn met(&self, user: UserId, saying: &Saying<'_>, now: Timestamp) {
        if saying.strangers.is_empty() {
            return;
        }
        let contacts = kept(&self.contacts, user);
        let mut contacts = contacts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut links = if saying.is_unasked { u16::try_from(links(saying.text)).unwrap_or(u16::MAX) } else { 0 };
        for with in &saying.strangers {
            let is_unasked = saying.is_unasked;
            // Asked again, or opened again: it is one contact.
            if !is_unasked && contacts.iter().any(|contact| contact.with == hash(with)) {
                continue;
            }
            contacts.push_back(Contact { at: now.millis(), with: hash(with), is_unasked, links });
            links = 0;
        }
        while contacts.len() > CONTACTS {
            contacts.pop_front();
        }
    }

    /// Remembers what is said; answers what is then known of it, and nothing of one that comes again under its key.
    fn note(&self, user: UserId, saying: &Saying<'_>, key: Option<&str>, now: Timestamp) -> Option<Inputs> {
        let at = now.millis();
        let key = key.map(hash::<str>);
        let body = saying.text;
        let text = plain(body);
        let sent = Sent {
            at,
            text: (!text.is_empty()).then(|| hash(text.as_str())),
            place: saying.place,
            links: links(body),
            mentions: u32::try_from(saying.mentions).unwrap_or(u32::MAX),
            key,
            refused: false,
        };
        let account = self.account(user);
        let mut messages = account.lock().unwrap_or_else(PoisonError::into_inner);
        while messages.front().is_some_and(|first| at.saturating_sub(first.at) > LATELY_MS)
            || messages.len() >= MESSAGES
        {
            messages.pop_front();
        }
        if key.is_some() && messages.iter().any(|earlier| earlier.key == key && !earlier.refused) {
            return None;
        }
        messages.push_back(sent);
        let count = |matches: &dyn Fn(&Sent) -> bool| {
            u32::try_from(messages.iter().filter(|sent| matches(sent)).count()).unwrap_or(u32::MAX)
        };
        let sum = |part: &dyn Fn(&Sent) -> u32| messages.iter().map(part).fold(0, u32::saturating_add);
        let conversations: HashSet<_> = messages.iter().map(|sent| sent.place).collect();
        Some(Inputs {
            identical: sent.text.map_or(0, |text| count(&|earlier| earlier.text == Some(text))),
            links: sent.links,
            recent_links: sum(&|sent| sent.links),
            recent_mentions: sum(&|sent| sent.mentions),
            conversations: u32::try_from(conversations.len()).unwrap_or(u32::MAX),
            burst: count(&|earlier| at.saturating_sub(earlier.at) <= BURST_MS),
            age: age(user.0, at),
            ..Inputs::default()
        })
    }

    /// The last message did not pass.
    fn refuse(&self, user: UserId) {
        let account = self.account(user);
        let mut messages = account.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = messages.back_mut() {
            last.refused = true;
        }
    }

    fn account(&self, user: UserId) -> Arc<Mutex<VecDeque<Sent>>> {
        kept(&self.accounts, user)
    }
}

impl<'s> Saying<'s> {
    const fn of(text: &'s str, place: Uuid) -> Self {
        Self { text, place, mentions: 0, strangers: Vec::new(), is_unasked: false }
    }
}

/// What is remembered of an account.
fn kept<T: Default>(cache: &Cache<UserId, Arc<T>>, user: UserId) -> Arc<T> {
    let made = cache.get_or_insert_with(&user, || Ok::<_, std::convert::Infallible>(Arc::default()));
    match made {
        Ok(account) => account,
        Err(never) => match never {},
    }
}

/// How old an account is, in seconds: its id was made with the time (UUID v7).
fn age(user: Uuid, now: i64) -> Option<u64> {
    let (seconds, _) = user.get_timestamp()?.to_unix();
    Some(u64::try_from(now / 1_000).ok()?.saturating_sub(seconds))
}

/// A text without what does not make it another: case and white space.
fn plain(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

fn hash<T: Hash + ?Sized>(text: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        message::{MessageContent, MessageType},
        text::MessageBody,
    };

    const USER: UserId = UserId(Uuid::from_u128(0x0193_6000_0000_7000_8000_0000_0000_0001));

    fn message(room: u128, body: &str, mentions: usize) -> SendMessage {
        SendMessage {
            id: None,
            conversation: ConversationId(Uuid::from_u128(room)),
            message_type: MessageType::Text,
            content: MessageContent { body: MessageBody::parse(body).unwrap(), attachments: vec![] },
            reply_to: None,
            mentions: vec![USER; mentions],
        }
    }

    fn saying(request: &SendMessage) -> Saying<'_> {
        let place = request.conversation.0;
        Saying { mentions: request.mentions.len(), ..Saying::of(request.content.body.as_str(), place) }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(0x0193_6000_0000 + ms)
    }

    #[test]
    fn what_came_lately_is_counted_and_what_came_before_is_not() {
        let lately = Lately::new(true);
        let note = |request: &SendMessage, ms| lately.note(USER, &saying(request), None, at(ms)).unwrap();
        note(&message(1, "Buy  NOW https://a.example", 2), 0);
        note(&message(2, "something else", 1), 20_000);
        let inputs = note(&message(1, "buy now\nhttps://A.example", 0), 60_000);
        let want = Inputs {
            identical: 2,
            links: 1,
            recent_links: 2,
            recent_mentions: 3,
            conversations: 2,
            burst: 1,
            age: Some(60),
            ..Inputs::default()
        };
        assert_eq!(inputs, want);
        let later = note(&message(1, "", 0), 60_001);
        assert_eq!((later.identical, later.recent_mentions, later.burst, later.conversations), (0, 1, 2, 2));
    }

    #[test]
    fn a_message_that_comes_again_counts_once_unless_it_was_refused() {
        let lately = Lately::new(true);
        let request = message(1, "hello", 0);
        assert!(lately.note(USER, &saying(&request), Some("key"), at(0)).is_some());
        assert!(lately.note(USER, &saying(&request), Some("key"), at(1)).is_none());
        assert_eq!(lately.note(USER, &saying(&request), Some("other"), at(2)).unwrap().identical, 2);
        lately.refuse(USER);
        assert_eq!(lately.note(USER, &saying(&request), Some("other"), at(3)).unwrap().identical, 3);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let lately = Lately::new(true);
        for n in 0..5_000 {
            let inputs = lately.note(USER, &saying(&message(n, &n.to_string(), 0)), None, at(0)).unwrap();
            assert!(inputs.burst as usize <= MESSAGES);
        }
        assert_eq!(lately.account(USER).lock().unwrap().len(), MESSAGES);
    }

    #[test]
    fn contacts_with_strangers_are_counted_for_a_day() {
        let lately = Lately::new(true);
        let person = |n: u128| UserId(Uuid::from_u128(n));
        let meet = |title, strangers: &[UserId], is_unasked, ms| {
            let saying = Saying { strangers: strangers.to_vec(), is_unasked, ..Saying::of(title, USER.0) };
            let said = Inputs { links: links(title), ..Inputs::default() };
            let inputs = lately.meet(USER, &saying, said, at(ms));
            lately.met(USER, &saying, at(ms));
            (inputs.strangers, inputs.unasked, inputs.unasked_links)
        };
        assert_eq!(meet("see http://a.example", &[person(1), person(2)], true, 0), (2, 1, 1));
        assert_eq!(meet("see www.a.example", &[person(2), person(3)], true, 1), (3, 2, 2));
        assert_eq!(meet("", &[person(2)], false, 2), (3, 0, 0), "to be asked is not to be put into a group");
        assert_eq!(meet("", &[], true, 3), (0, 0, 0));
        assert_eq!(meet("", &[person(2)], true, CONTACTS_MS), (3, 3, 2));
        assert_eq!(meet("", &[person(2)], true, CONTACTS_MS + 2), (1, 2, 0));
        for n in 0..2 {
            meet("", &(0..1_000).map(|n| person(n + 10)).collect::<Vec<_>>(), true, CONTACTS_MS + 3 + n);
        }
        assert_eq!(kept(&lately.contacts, USER).lock().unwrap().len(), CONTACTS);
    }
}

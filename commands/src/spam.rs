//! What is known of how an account behaves lately, and what the spam filter makes of a message.

use crate::{
    CommandError, Commands, Context, SendMessage,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    ConversationId, Tier, Timestamp, UserId,
    conduct::{Conduct, ConductCommand, Inputs, links},
};
use quick_cache::sync::Cache;
use serde::Serialize;
use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
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

/// What accounts sent lately, each process by itself.
pub(crate) struct Lately {
    accounts: Cache<UserId, Arc<Mutex<VecDeque<Sent>>>>,
    is_on: bool,
}

/// What is remembered of a message.
#[derive(Clone, Copy)]
struct Sent {
    at: i64,
    /// Of its text; `None` when it has none.
    text: Option<u64>,
    conversation: ConversationId,
    links: u32,
    mentions: u32,
    /// Of its idempotency key.
    key: Option<u64>,
    refused: bool,
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
    /// Passes a message on, or refuses it as spam; then the verdict is in the log. One that was posted before, under its
    /// key, is no other message, whichever process posted it.
    pub(crate) async fn sift(
        &self,
        ctx: &Context,
        caller: &Caller<'_>,
        request: &SendMessage,
    ) -> Result<(), CommandError> {
        // What the system says for somebody is no conduct of theirs.
        let judged = ctx.actor.filter(|actor| self.lately().is_on && actor.session.is_some());
        let Some(actor) = judged else { return Ok(()) };
        let key = request.id.map(|id| id.to_string()).or_else(|| ctx.key.clone());
        let now = self.now();
        let Some(inputs) = self.lately().note(actor.user, request, key.as_deref(), now) else { return Ok(()) };
        if !inputs.is_spam() {
            return Ok(());
        }
        match self.was_done(caller, request).await {
            // The same key with another message is one of its own.
            Ok(false) | Err(CommandError::KeyReused) => (),
            done => return done.map(drop),
        }
        self.lately().refuse(actor.user);
        let (user, conversation) = (actor.user, request.conversation);
        let judge = Judge { user, command: ConductCommand { user, conversation, inputs } };
        self.execute(&Caller::actor(ctx)?.without_key(), &judge).await?;
        Err(CommandError::Spam { wait_ms: LATELY_MS })
    }
}

impl Lately {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { accounts: Cache::new(ACCOUNTS), is_on }
    }

    /// Remembers a message; answers what is then known of it, and nothing of one that comes again under its key.
    fn note(&self, user: UserId, request: &SendMessage, key: Option<&str>, now: Timestamp) -> Option<Inputs> {
        let at = now.millis();
        let key = key.map(hash);
        let body = request.content.body.as_str();
        let text = plain(body);
        let sent = Sent {
            at,
            text: (!text.is_empty()).then(|| hash(&text)),
            conversation: request.conversation,
            links: links(body),
            mentions: u32::try_from(request.mentions.len()).unwrap_or(u32::MAX),
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
        let conversations: HashSet<_> = messages.iter().map(|sent| sent.conversation).collect();
        Some(Inputs {
            identical: sent.text.map_or(0, |text| count(&|earlier| earlier.text == Some(text))),
            links: sent.links,
            recent_links: sum(&|sent| sent.links),
            recent_mentions: sum(&|sent| sent.mentions),
            conversations: u32::try_from(conversations.len()).unwrap_or(u32::MAX),
            burst: count(&|earlier| at.saturating_sub(earlier.at) <= BURST_MS),
            age: age(user.0, at),
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
        let made = self.accounts.get_or_insert_with(&user, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(account) => account,
            Err(never) => match never {},
        }
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

fn hash(text: &str) -> u64 {
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

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(0x0193_6000_0000 + ms)
    }

    #[test]
    fn what_came_lately_is_counted_and_what_came_before_is_not() {
        let lately = Lately::new(true);
        let note = |request: &SendMessage, ms| lately.note(USER, request, None, at(ms)).unwrap();
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
        };
        assert_eq!(inputs, want);
        let later = note(&message(1, "", 0), 60_001);
        assert_eq!((later.identical, later.recent_mentions, later.burst, later.conversations), (0, 1, 2, 2));
    }

    #[test]
    fn a_message_that_comes_again_counts_once_unless_it_was_refused() {
        let lately = Lately::new(true);
        let request = message(1, "hello", 0);
        assert!(lately.note(USER, &request, Some("key"), at(0)).is_some());
        assert!(lately.note(USER, &request, Some("key"), at(1)).is_none());
        assert_eq!(lately.note(USER, &request, Some("other"), at(2)).unwrap().identical, 2);
        lately.refuse(USER);
        assert_eq!(lately.note(USER, &request, Some("other"), at(3)).unwrap().identical, 3);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let lately = Lately::new(true);
        for n in 0..5_000 {
            let inputs = lately.note(USER, &message(n, &n.to_string(), 0), None, at(0)).unwrap();
            assert!(inputs.burst as usize <= MESSAGES);
        }
        assert_eq!(lately.account(USER).lock().unwrap().len(), MESSAGES);
    }
}

//! Each client receives exactly what the rule says, computed from the log.

use crate::support::{Client, Person, Server, config, log_of, position, roomy};
use config::{Config, SocketSettings};
use domain::{AudienceChange, Event, friendship::FriendshipEvent, message::MessageEvent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::each_mix;
use uuid::Uuid;

const PEOPLE: usize = 5;
const STEPS: usize = 250;

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len())]
    }
}

struct Actor {
    person: Person,
    client: Option<Client>,
    cursor: String,
    received: Vec<u64>,
}

impl Actor {
    /// Connected, resuming when they were away.
    async fn client(&mut self, server: &Server) -> &mut Client {
        if self.client.is_none() {
            self.client = Some(server.connect(&self.person, Some(&self.cursor)).await);
        }
        self.client.as_mut().unwrap()
    }

    /// Goes away; what was received so far counts.
    fn leaves(&mut self) {
        if let Some(mut client) = self.client.take() {
            self.received.extend(client.left_over().iter().map(position));
            self.cursor.clone_from(&client.cursor);
        }
    }
}

/// One random command of `who`; most are allowed, the others change nothing.
fn command(dice: &mut Dice, who: usize, ids: &[Uuid], rooms: &[String], messages: &[String]) -> (String, Value) {
    let other = ids[(who + 1 + dice.roll(ids.len() - 1)) % ids.len()];
    let joining = *dice.pick(&["approval", "open"]);
    if rooms.is_empty() || dice.roll(12) == 0 {
        let data = json!({"type": "group", "title": "Room", "members": [other], "joining": joining});
        return ("conversation.create".to_owned(), data);
    }
    let room = dice.pick(rooms).clone();
    let member = json!({"conversationId": room, "userId": other});
    let say = json!({"conversationId": room, "content": "hello"});
    if messages.is_empty() {
        return ("message.send".to_owned(), say);
    }
    let message = dice.pick(messages).clone();
    let (cmd, data) = match dice.roll(20) {
        0..=4 => ("message.send", say),
        5 => ("message.edit", json!({"messageId": message, "content": format!("edited {}", dice.roll(1_000))})),
        6..=7 => ("message.react", json!({"messageId": message, "emoji": "👍"})),
        8 => ("message.unreact", json!({"messageId": message, "emoji": "👍"})),
        9 => ("message.hide", json!({"messageId": message})),
        10 => ("message.delete", json!({"messageId": message})),
        11 => ("message.read", json!({"conversationId": room, "upTo": 1_000})),
        12 => ("conversation.join", json!({"conversationId": room})),
        13 => ("conversation.leave", json!({"conversationId": room})),
        14 => ("conversation.add", member),
        15 => ("conversation.kick", member),
        16 => (*dice.pick(&["conversation.approve", "conversation.reject"]), member),
        17 => (*dice.pick(&["conversation.promote", "conversation.demote"]), member),
        18 => ("conversation.delete", json!({"conversationId": room})),
        _ => (*dice.pick(&["friend.request", "friend.accept", "friend.cancel"]), json!({"userId": other})),
    };
    (cmd.to_owned(), data)
}

async fn anything_happens(server: &Server, dice: &mut Dice) -> Vec<(Person, BTreeSet<u64>, u64)> {
    let mut actors = Vec::new();
    for n in 0..PEOPLE {
        let person = server.register(&format!("p{n}")).await;
        let client = server.connect(&person, None).await;
        let cursor = client.cursor.clone();
        actors.push(Actor { person, client: Some(client), cursor, received: Vec::new() });
    }
    let ids: Vec<_> = actors.iter().map(|actor| actor.person.id).collect();
    let (mut rooms, mut messages) = (Vec::new(), Vec::new());
    for _ in 0..STEPS {
        let who = dice.roll(PEOPLE);
        if dice.roll(15) == 0 {
            actors[who].leaves();
            continue;
        }
        let (cmd, data) = command(dice, who, &ids, &rooms, &messages);
        let client = actors[who].client(server).await;
        let id = client.issue(&cmd, data).await;
        let reply = client.reply(&id).await;
        let made = reply["ok"]["id"].as_str().map(str::to_owned);
        match (cmd.as_str(), made) {
            ("conversation.create", Some(id)) => rooms.push(id),
            ("message.send", Some(id)) => messages.push(id),
            _ => (),
        }
    }
    let mut notified = Vec::new();
    for mut actor in actors {
        let (pushes, end) = actor.client(server).await.fence().await;
        actor.received.extend(pushes.iter().map(position));
        let received: BTreeSet<_> = actor.received.iter().copied().collect();
        assert_eq!(received.len(), actor.received.len(), "{} received something twice", actor.person.name);
        notified.push((actor.person, received, end));
    }
    notified
}

/// Positions, for each user.
type Positions = BTreeMap<Uuid, BTreeSet<u64>>;

/// The positions that each user receives by the rule; and those of them that a late resume lacks: events of conversations they
/// left, hidden messages, and withdrawn requests.
async fn by_the_rule(home: &testkit::Home) -> (Positions, Positions) {
    let (store, log) = log_of(home).await;
    let mut inside: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    let (mut notified, mut lacking) = (Positions::new(), Positions::new());
    let mut of_scope: BTreeMap<(Uuid, Uuid), BTreeSet<u64>> = BTreeMap::new();
    let mut hid: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    let mut requests: BTreeMap<Uuid, u64> = BTreeMap::new();
    for recorded in &log {
        let event: &Event = store.open_event(recorded).await.expect("an event");
        let (at, scope) = (recorded.record.position, recorded.record.scope);
        let about = event.recipients(recorded.record.aggregate_id);
        let entering = about.iter().filter(|about| about.change == AudienceChange::Join);
        inside.extend(entering.map(|about| (about.user.0, scope)));
        if event.event_type().push.is_some() {
            if event.is_scope_wide() {
                let insiders = inside.iter().filter(|(_, within)| *within == scope);
                for (user, _) in insiders {
                    notified.entry(*user).or_default().insert(at);
                    of_scope.entry((*user, scope)).or_default().insert(at);
                }
            }
            for about in &about {
                notified.entry(about.user.0).or_default().insert(at);
                of_scope.entry((about.user.0, scope)).or_default().insert(at);
            }
        }
        let message = recorded.record.aggregate_id;
        match event {
            Event::Message(MessageEvent::Hidden { user, .. }) => drop(hid.insert((user.0, message))),
            Event::Message(MessageEvent::Deleted { .. }) => (),
            Event::Message(_) => {
                for (user, _) in hid.iter().filter(|(_, hidden)| *hidden == message) {
                    lacking.entry(*user).or_default().insert(at);
                }
            }
            Event::Friendship(FriendshipEvent::Requested { .. }) => drop(requests.insert(scope, at)),
            Event::Friendship(FriendshipEvent::Cancelled { by, with }) => {
                for user in [by, with] {
                    lacking.entry(user.0).or_default().insert(requests[&scope]);
                }
            }
            _ => (),
        }
        for about in about.iter().filter(|about| about.change == AudienceChange::Leave) {
            inside.remove(&(about.user.0, scope));
            let mut before = of_scope.remove(&(about.user.0, scope)).unwrap_or_default();
            before.remove(&at);
            lacking.entry(about.user.0).or_default().append(&mut before);
        }
    }
    (notified, lacking)
}

each_mix!(everybody_receives_what_the_rule_says_and_nothing_else, |home| async move {
    for (seed, ring_events) in [(0x00c4_a7c4_1701, 65_536), (0x5eed_0002, 5)] {
        let home = testkit::Home::new(if home.database_url().is_some() {
            testkit::Engine::Postgres
        } else {
            testkit::Engine::Sqlite
        })
        .await;
        let settings = SocketSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { sockets: settings, ..config(&home) }).await;
        let received = anything_happens(&server, &mut Dice(seed)).await;
        server.stop().await;
        let (rule, lacking) = by_the_rule(&home).await;
        for (person, received, end) in received {
            let want: BTreeSet<_> =
                rule.get(&person.id).into_iter().flatten().filter(|at| **at <= end).copied().collect();
            assert!(received.is_subset(&want), "{} (seed {seed:x}) received too much", person.name);
            let may_lack = lacking.get(&person.id).cloned().unwrap_or_default();
            let lacks: BTreeSet<_> = want.difference(&received).copied().collect();
            assert!(lacks.is_subset(&may_lack), "{} (seed {seed:x}) lacks {lacks:?}", person.name);
        }
    }
});

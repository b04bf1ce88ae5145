//! A small world: a group with its people and things, and those outside of it.

use crate::{
    support::{Client, Door},
    support::{PASSWORD, Person, Server},
};
use commands::{Context, Password, Register};
use domain::{
    Timestamp,
    session::Device,
    text::{DisplayName, EmailAddress},
    user::{Preferences, Profile, Role as AccountRole},
};
use reqwest::{Method, StatusCode, multipart};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Counts worlds, and what is new in them: names the next one's people.
static MADE: AtomicUsize = AtomicUsize::new(0);
/// Longer ago than any token lasts.
const LONG: i64 = 90 * 24 * 3_600 * 1_000;

/// As whom something is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Without a token.
    Nobody,
    /// The owner, with an access token that has expired.
    Expired,
    /// The owner, with the refresh token in the place of the access token.
    Refresh,
    /// Somebody who has nothing to do with anybody here.
    Stranger,
    /// Whom the owner has blocked.
    Blocked,
    /// Who was kicked out of the group.
    Former,
    /// A member of the group, and a friend of the owner.
    Member,
    /// Who opened and leads the group.
    Lead,
    /// A member of the group, whose message, story, file, session and account are asked for.
    Owner,
    /// A moderator, not in the group.
    Moderator,
    /// An administrator, not in the group.
    Admin,
    /// The owner, after an administrator blocked the account.
    Stopped,
}

/// The people and things that a row's placeholders name.
pub(crate) struct World {
    people: BTreeMap<&'static str, Person>,
    things: BTreeMap<&'static str, String>,
    /// Somebody for whom a call rings.
    _listening: Client,
    /// Whether an administrator has blocked the owner.
    stopped: OnceCell<()>,
}

impl World {
    /// A new one, whose people know nobody of another.
    pub(crate) async fn new(server: &Server) -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let mut people = BTreeMap::new();
        for name in ["stranger", "blocked", "former", "member", "lead", "owner", "pending", "other"] {
            people.insert(name, server.register(&format!("{name}{number}")).await);
        }
        for (name, role) in [("moderator", AccountRole::Moderator), ("admin", AccountRole::Admin)] {
            people.insert(name, official(server, &format!("{name}{number}"), role).await);
        }
        let listening = Door { address: server.address }.open(Some(&people["member"].token), None, None).await;
        let mut world = Self {
            people,
            things: BTreeMap::new(),
            _listening: listening.expect("a socket"),
            stopped: OnceCell::new(),
        };
        world.furnish(server).await;
        world
    }

    async fn furnish(&mut self, server: &Server) {
        let person = |name: &str| &self.people[name];
        let (owner, lead, member) = (person("owner"), person("lead"), person("member"));
        server.post(member, "/friends", json!({"userId": owner.id})).await.expect(StatusCode::CREATED);
        let accept = format!("/friends/{}/accept", member.id);
        server.post(owner, &accept, Value::Null).await.expect(StatusCode::OK);
        let block = format!("/friends/{}/block", person("blocked").id);
        server.post(owner, &block, Value::Null).await.expect(StatusCode::OK);
        let group = server.conversation(lead, "group", &[owner, member, person("former")]).await;
        let at = |what: &str| format!("/conversations/{group}{what}");
        server.post(lead, &at("/kick"), json!({"userId": person("former").id})).await.expect(StatusCode::OK);
        server.call(lead, Method::PATCH, &at(""), json!({"approval": true})).await.expect(StatusCode::OK);
        server.post(person("pending"), &at("/join"), Value::Null).await.expect(StatusCode::OK);
        let form = server.request(Method::POST, "/files", Some(&owner.token)).multipart(a_form());
        let file = server.send(form).await.expect(StatusCode::CREATED);
        let said = json!({"content": "hello", "attachments": [{"fileUrl": file["fileUrl"]}]});
        let message = server.post(owner, &at("/messages"), said).await.expect(StatusCode::CREATED);
        let report = server.post(member, "/reports", json!({"messageId": message["id"], "reason": "spam"})).await;
        let invite = server.post(lead, &at("/invites"), json!({})).await.expect(StatusCode::CREATED);
        let story = server.post(owner, "/stories", json!({"content": "a day"})).await.expect(StatusCode::CREATED);
        let comments = format!("/stories/{}/comments", story["id"].as_str().expect("an id"));
        let comment = server.post(member, &comments, json!({"content": "oh"})).await.expect(StatusCode::CREATED);
        let call = server.post(owner, "/calls", json!({"conversationId": group, "callType": "VOICE"})).await;
        let sessions = server.get(owner, "/auth/sessions").await.expect(StatusCode::OK);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        self.things = BTreeMap::from([
            ("message", text(&message["id"])),
            ("call", text(&call.expect(StatusCode::CREATED)["id"])),
            ("file", text(&file["fileUrl"]).trim_start_matches("/files/").to_owned()),
            ("report", text(&report.expect(StatusCode::CREATED)["id"])),
            ("invite", text(&invite["code"])),
            ("story", text(&story["id"])),
            ("comment", text(&comment["id"])),
            ("session", text(&sessions["items"][0]["id"])),
            ("refresh", owner.refresh.clone()),
            ("email", owner.email.clone()),
            ("group", group),
        ]);
    }

    /// What somebody shows to be let in.
    pub(crate) async fn token(&self, server: &Server, role: Role) -> Option<String> {
        let owner = &self.people["owner"];
        let name = match role {
            Role::Nobody => return None,
            Role::Expired => {
                let session = self.things["session"].parse::<Uuid>().unwrap();
                let then = Timestamp::from_millis((server.app.clock)().millis() - LONG);
                return Some(server.app.tokens.issue(owner.id.into(), session.into(), then).expect("a token"));
            }
            Role::Refresh => return Some(owner.refresh.clone()),
            Role::Stopped => {
                self.stopped.get_or_init(|| self.stop_owner(server)).await;
                "owner"
            }
            Role::Stranger => "stranger",
            Role::Blocked => "blocked",
            Role::Former => "former",
            Role::Member => "member",
            Role::Lead => "lead",
            Role::Owner => "owner",
            Role::Moderator => "moderator",
            Role::Admin => "admin",
        };
        Some(self.people[name].token.clone())
    }

    async fn stop_owner(&self, server: &Server) {
        let [owner, admin] = ["owner", "admin"].map(|name| self.people[name].id);
        let actor = commands::Actor { user: admin.into(), session: None };
        let ctx = Context { actor: Some(actor), ..nobody(server) };
        server.app.commands.block_account(&ctx, owner.into(), true).await.expect("a block");
    }

    /// A path whose parameters are filled: `{id:group}`, or `{emoji}` by its own name.
    pub(crate) fn path(&self, template: &str) -> String {
        self.replaced(template)
    }

    /// A body whose placeholders `<group>` are filled.
    pub(crate) fn filled(&self, body: &str) -> String {
        let mut filled = body.to_owned();
        for (name, value) in self.names() {
            filled = filled.replace(&format!("<{name}>"), &value);
        }
        filled
    }

    fn replaced(&self, template: &str) -> String {
        let names: BTreeMap<_, _> = self.names().collect();
        let mut parts = template.split('{');
        let mut path = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (parameter, rest) = part.split_once('}').expect("a closed parameter");
            let thing = parameter.rsplit(':').next().unwrap_or_default();
            path.push_str(names.get(thing).map_or(thing, String::as_str));
            path.push_str(rest);
        }
        path
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        let people = self.people.iter().map(|(name, person)| (*name, person.id.to_string()));
        // Nobody's and nothing's: another each time.
        let new = Uuid::from_u128(MADE.fetch_add(1, Ordering::Relaxed) as u128);
        let things = self.things.iter().map(|(name, id)| (*name, id.clone()));
        people.chain(things).chain([("new", new.to_string())])
    }
}

/// A form with a file.
pub(crate) fn a_form() -> multipart::Form {
    let file = multipart::Part::text("some text").file_name("notes.txt").mime_str("text/plain").expect("a media type");
    multipart::Form::new().part("file", file)
}

fn nobody(server: &Server) -> Context {
    Context { actor: None, key: None, correlation_id: (server.app.ids)(), causation_id: None }
}

/// Somebody with a role, made as the operator makes them, and signed in.
async fn official(server: &Server, name: &str, role: AccountRole) -> Person {
    let email = format!("{name}@test.example");
    let profile = Profile {
        first_name: DisplayName::parse(name).unwrap(),
        last_name: DisplayName::parse("Test").unwrap(),
        email: EmailAddress::parse(&email).unwrap(),
        phone: None,
        avatar_url: None,
        preferences: Preferences::default(),
    };
    let password = Password::parse(PASSWORD).unwrap();
    let request = Register { profile, password, role, device: Device::default(), bootstrap: false };
    server.app.commands.register(&nobody(server), request).await.expect("an account");
    let credentials = json!({"email": email, "password": PASSWORD});
    Person::of(server, &server.anonymous("/auth/login", credentials).await.expect(StatusCode::OK))
}

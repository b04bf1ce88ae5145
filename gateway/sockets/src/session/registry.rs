//! The commands of sockets by name.

use super::{
    CursorNow,
    commands::{Authenticate, Synchronize},
};
use axum::http::StatusCode;
use domain::Tier;
use futures_util::future::BoxFuture;
use limits::Kind;
use operations::{Answer, Operation, Order, Registry, Request, Target, Visitor, check_key};
use protocol::{
    Described as _, Problem, Schemas,
    request::{Faults, Nothing, Parse, Unknown, nearest, parse_with, quoted},
};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// A parsed command of any type.
pub(super) trait Ready: Send {
    /// The commands of the same socket that run before it.
    fn order(&self) -> Order;

    /// Runs it.
    fn run<'r>(self: Box<Self>, request: &'r Request<'r>) -> BoxFuture<'r, Result<Answer, Problem>>;
}

/// An operation's target and body, which sockets send in one object.
struct Fields<O: Operation> {
    target: O::Target,
    body: O::Body,
}

impl<O: Operation> Parse for Fields<O> {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let target = match O::Target::FIELD {
            Some(field) => faults.object(value)?.required::<Uuid>(field),
            None => Some(Uuid::nil()),
        };
        let body = O::Body::parse(value, faults);
        Some(Self { target: O::Target::of(target?), body: body? })
    }
}

impl<O: Operation> Ready for Fields<O> {
    fn order(&self) -> Order {
        O::order(&self.target, &self.body)
    }

    fn run<'r>(self: Box<Self>, request: &'r Request<'r>) -> BoxFuture<'r, Result<Answer, Problem>> {
        let Self { target, body } = *self;
        O::run(target, body, request)
    }
}

/// Parses the fields of an operation.
type ReadOperation = fn(&Value, Unknown) -> Result<Box<dyn Ready>, Problem>;

/// The declaration of a command. The fields are the constants of [`Operation`].
pub struct Registration {
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub summary: &'static str,
    /// The budget it is charged to.
    pub budget: Kind,
    /// The tier by which an overloaded server refuses it.
    pub(super) tier: Option<Tier>,
    pub(super) echoes: bool,
    /// The field of its target.
    pub(crate) target: Option<&'static str>,
    /// The schema name of its body.
    pub(crate) body: fn() -> Option<String>,
    /// Whether the id alone may come instead of the output.
    pub(crate) may_lag: bool,
    /// The schema name of its output.
    pub(crate) output: fn() -> Option<String>,
    /// Adds the schemas of body and output.
    pub(crate) describe: fn(&mut Schemas),
    /// Absent if the socket itself answers it: at once, and without charging the budget.
    read: Option<ReadOperation>,
}

impl Registration {
    fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            summary: O::SUMMARY,
            budget: O::BUDGET,
            tier: O::TIER,
            echoes: O::ECHOES,
            target: O::Target::FIELD,
            body: O::Body::schema_name,
            may_lag: O::Output::MAY_LAG,
            output: O::Output::schema_name,
            describe: |schemas| {
                O::Body::describe(schemas);
                O::Output::describe(schemas);
            },
            read: Some(|data, unknown| Ok(Box::new(parse_with::<Fields<O>>(data, unknown)?))),
        }
    }

    fn ping() -> Self {
        Self {
            name: "ping",
            summary: "Answers the cursor.",
            budget: Kind::Read,
            tier: None,
            echoes: true,
            target: None,
            body: Nothing::schema_name,
            may_lag: false,
            output: CursorNow::schema_name,
            describe: CursorNow::describe,
            read: None,
        }
    }
}

/// The commands of the sockets. Clones share them.
#[derive(Clone)]
pub struct Commands(Arc<[Registration]>);

#[derive(Default)]
struct Registrations(Vec<Registration>);

impl Visitor for Registrations {
    fn visit<O: Operation>(&mut self) {
        if O::ON_SOCKETS {
            self.0.push(Registration::of::<O>());
        }
    }
}

impl Commands {
    /// The operations of `R` that sockets have, and the commands that they alone have.
    #[must_use]
    pub fn of<R: Registry>() -> Self {
        let mut commands = Registrations::default();
        commands.visit::<Authenticate>();
        commands.0.push(Registration::ping());
        commands.visit::<Synchronize>();
        R::visit(&mut commands);
        Self(commands.0.into())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Registration> {
        self.0.iter()
    }

    /// The command of this name.
    pub(super) fn named(&self, cmd: &str) -> Option<&Registration> {
        self.iter().find(|registration| registration.name == cmd)
    }

    /// Finds a command by name and parses its request. Faults are checked in this order: key, name, fields.
    pub(super) fn read(
        &self,
        cmd: &str,
        key: Option<&str>,
        data: &Value,
        unknown: Unknown,
    ) -> (Option<&Registration>, Parsed) {
        let found = self.named(cmd);
        let checked = check_key(key);
        let parsed = match found.map(|registration| registration.read) {
            Some(Some(read)) => Parsed::Operation(checked.and_then(|()| read(data, unknown))),
            Some(None) => Parsed::Ping(checked.and_then(|()| nothing(data, unknown))),
            None => Parsed::Operation(checked.and_then(|()| Err(self.unknown(cmd)))),
        };
        (found, parsed)
    }

    fn unknown(&self, cmd: &str) -> Problem {
        let detail = match nearest(cmd, self.iter().map(|registration| registration.name)) {
            Some(meant) => format!("there is no command {}; did you mean {meant:?}?", quoted(cmd)),
            None => format!("there is no command {}", quoted(cmd)),
        };
        Problem::new(StatusCode::BAD_REQUEST, "unknown_command", detail)
    }
}

/// A command, read.
pub(super) enum Parsed {
    /// An operation, or its fault, which is answered only after the budget was charged.
    Operation(Result<Box<dyn Ready>, Problem>),
    /// `ping`, which the socket itself answers, or its fault.
    Ping(Result<(), Problem>),
}

/// Checks that a ping has no fields. Clients send it with and without `data`.
fn nothing(data: &Value, unknown: Unknown) -> Result<(), Problem> {
    if data.is_object() { parse_with::<Nothing>(data, unknown).map(drop) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::Operations;
    use serde_json::json;

    fn operation(
        cmd: &str,
        key: Option<&str>,
        data: &Value,
    ) -> (Option<&'static str>, Result<Box<dyn Ready>, Problem>) {
        let commands = Commands::of::<Operations>();
        let (found, parsed) = commands.read(cmd, key, data, Unknown::Refused);
        let Parsed::Operation(operation) = parsed else { panic!("{cmd} is answered by the socket") };
        (found.map(|registration| registration.name), operation)
    }

    #[test]
    fn a_command_waits_behind_those_about_the_same_thing() {
        let id = Uuid::from_u128;
        let story = json!({"storyId": id(3), "content": "oh"});
        for (cmd, data, want) in [
            ("story.like", json!({"storyId": id(3)}), Order::Of(id(3))),
            ("story.comment", story, Order::Of(id(3))),
            ("message.send", json!({"conversationId": id(1), "content": "hi"}), Order::Of(id(1))),
            ("message.edit", json!({"messageId": id(2), "content": "hi"}), Order::Of(id(2))),
            ("conversation.kick", json!({"conversationId": id(1), "userId": id(4)}), Order::Of(id(1))),
            ("friend.request", json!({"userId": id(4)}), Order::Of(id(4))),
            ("call.answer", json!({"callId": id(5)}), Order::Of(id(5))),
            ("call.answer", json!({"conversationId": id(1), "callId": id(5)}), Order::Of(id(1))),
            ("message.read", json!({"conversationId": id(1), "upTo": 7}), Order::Free),
            ("presence.set", json!({"status": "busy"}), Order::Socket),
        ] {
            let (name, operation) = operation(cmd, None, &data);
            assert_eq!(name, Some(cmd));
            assert_eq!(operation.map(|operation| operation.order()).ok(), Some(want), "{cmd} {data}");
        }
    }

    #[test]
    fn a_command_has_the_tier_of_its_budget_and_a_signal_of_a_call_none() {
        let commands = Commands::of::<Operations>();
        for (cmd, want) in [
            ("message.send", Some(Tier::High)),
            ("call.answer", Some(Tier::High)),
            ("message.react", Some(Tier::Medium)),
            ("message.read", Some(Tier::Medium)),
            ("typing.start", Some(Tier::Low)),
            ("call.signal", None),
            ("presence.subscribe", None),
            ("sync", None),
            ("ping", None),
        ] {
            assert_eq!(commands.named(cmd).map(|known| known.tier), Some(want), "{cmd}");
        }
    }

    #[test]
    fn a_key_and_a_name_are_judged_before_fields() {
        let refused = |cmd: &str, key: Option<&str>| {
            let (_, operation) = operation(cmd, key, &json!({"nothing": 1}));
            operation.err().map(|problem| problem.code)
        };
        assert_eq!(refused("message.explode", Some("")), Some("invalid_idempotency_key"));
        assert_eq!(refused("message.explode", None), Some("unknown_command"));
        assert_eq!(refused("report.file", None), Some("unknown_command"), "sockets do not have it");
        assert_eq!(refused("message.send", Some("")), Some("invalid_idempotency_key"));
        assert_eq!(refused("message.send", None), Some("unknown_field"));
    }

    #[test]
    fn a_ping_is_answered_by_the_socket_and_has_no_fields() {
        let commands = Commands::of::<Operations>();
        let pinged = |data: &Value| match commands.read("ping", None, data, Unknown::Refused) {
            (Some(_), Parsed::Ping(checked)) => checked.err().map(|problem| problem.code),
            _ => panic!("a ping is no operation"),
        };
        assert_eq!(pinged(&Value::Null), None);
        assert_eq!(pinged(&json!({})), None);
        assert_eq!(pinged(&json!({"nothing": 1})), Some("unknown_field"));
    }
}

//! The table: what counts as what, and how much of it an account and an address may do.
//!
//! Generous to a fast honest script and to many people behind one address. A command or route that is not named
//! here falls into the family of its first word, and that of no family under [`Kind::Write`] or [`Kind::Read`].

use super::Budget;
use axum::http::Method;

/// Exports of an account at once.
const EXPORTS: u32 = 10;
/// How long one waits for another after these, in seconds.
const EXPORT_EVERY: u32 = 30;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal: $account:expr, $address:expr;)*) => {
        /// What is counted together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name in shared keys.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What one account may do of it.
            #[must_use]
            pub const fn of_account(self) -> Budget {
                if let Self::Export = self {
                    return Budget::slow(EXPORTS, EXPORT_EVERY);
                }
                let (burst, per_second) = match self {
                    $(Self::$kind => $account,)*
                };
                Budget::new(burst, per_second)
            }

            /// What may come from one address.
            #[must_use]
            pub const fn of_address(self) -> Budget {
                let (burst, per_second) = match self {
                    $(Self::$kind => $address,)*
                };
                Budget::new(burst, per_second)
            }
        }
    };
}

kinds! {
    // at once and then a second: of an account, from an address
    /// Opening an account.
    Register "register": (300, 2), (300, 2);
    /// Signing in; wrong passwords are counted beside it.
    Login "login": (300, 5), (300, 5);
    /// Renewing a session.
    Refresh "refresh": (600, 10), (3_000, 100);
    /// Opening a socket.
    Connect "connect": (600, 20), (5_000, 500);
    /// Posting messages.
    Send "send": (600, 50), (6_000, 500);
    /// Changing messages, reacting.
    Message "message": (600, 50), (6_000, 500);
    /// Read markers.
    Receipt "receipt": (1_000, 100), (10_000, 1_000);
    /// Opening conversations.
    Create "create": (300, 10), (3_000, 100);
    /// Members and settings of conversations.
    Conversation "conversation": (600, 20), (6_000, 200);
    /// Invite links: making, revoking, trying.
    Invite "invite": (200, 5), (2_000, 50);
    /// Asking people to be friends.
    Befriend "befriend": (300, 5), (3_000, 50);
    /// All else between two people.
    Friend "friend": (600, 20), (6_000, 200);
    /// Calls, without their signals.
    Call "call": (200, 5), (2_000, 50);
    /// What is told and never stored: typing, presence, media and custom signals.
    Signal "signal": (1_000, 100), (10_000, 1_000);
    /// Stories, likes and comments.
    Story "story": (300, 10), (3_000, 100);
    /// Reports.
    Report "report": (60, 1), (600, 10);
    /// Uploads.
    Upload "upload": (300, 10), (3_000, 100);
    /// One's account: profile, password, sessions.
    Account "account": (300, 5), (3_000, 50);
    /// Taking all one has with one: of an account, [`EXPORTS`] at once and one each [`EXPORT_EVERY`] seconds.
    Export "export": (10, 1), (300, 10);
    /// Searching.
    Search "search": (300, 20), (3_000, 200);
    /// Pictures of which thumbnails are made, in megapixels.
    Picture "picture": (2_000, 1), (20_000, 10);
    /// Reading.
    Read "read": (2_000, 200), (20_000, 2_000);
    /// What anybody may ask without an account: the documents, whether the server is well, routes that are not there.
    Public "public": (300, 20), (300, 20);
    /// Administration.
    Admin "admin": (2_000, 200), (20_000, 2_000);
    /// Any other change.
    Write "write": (600, 50), (6_000, 500);
}

/// How many people an act may concern for the price of one.
const PEOPLE: usize = 25;

/// What an act that concerns so many people costs beyond the one that every act does: it writes a row for each.
#[must_use]
pub(crate) fn beyond_one(people: usize) -> u32 {
    u32::try_from(people / PEOPLE).unwrap_or(u32::MAX)
}

impl Kind {
    /// What a command of the sockets counts as.
    #[must_use]
    pub fn of_command(cmd: &str) -> Self {
        match cmd {
            "message.send" => return Self::Send,
            "message.read" | "message.delivered" => return Self::Receipt,
            "conversation.create" => return Self::Create,
            "friend.request" => return Self::Befriend,
            "call.signal" => return Self::Signal,
            "sync" | "presence.subscribe" => return Self::Read,
            _ => (),
        }
        match cmd.split('.').next().unwrap_or_default() {
            "message" => Self::Message,
            "conversation" | "member" => Self::Conversation,
            "invite" => Self::Invite,
            "friend" => Self::Friend,
            "call" => Self::Call,
            "typing" | "presence" | "signal" => Self::Signal,
            "story" => Self::Story,
            "report" => Self::Report,
            "account" => Self::Account,
            _ => Self::Write,
        }
    }

    /// What a request counts as, by the template of its route.
    #[must_use]
    pub fn of_request(method: &Method, template: &str) -> Self {
        let path = template.trim_start_matches('/');
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let last = rest.rsplit('/').next().unwrap_or_default();
        let reads = method == Method::GET || method == Method::HEAD;
        match (first, last) {
            ("auth", "register") => Self::Register,
            ("auth", "login") => Self::Login,
            ("auth", "refresh") => Self::Refresh,
            ("admin", _) => Self::Admin,
            ("users", "") if reads => Self::Search,
            (_, "search" | "suggestions") => Self::Search,
            ("users", "export") => Self::Export,
            ("ws" | "socket.io", _) => Self::Connect,
            ("livez" | "readyz" | "openapi.json" | "asyncapi.json" | "api-docs", _) => Self::Public,
            _ if reads => Self::Read,
            ("conversations", "messages") => Self::Send,
            ("conversations", "read" | "delivered") => Self::Receipt,
            ("conversations", "") => Self::Create,
            ("conversations", "invites") | ("invites", _) => Self::Invite,
            ("conversations", _) if template.contains("/invites/") => Self::Invite,
            ("conversations", _) => Self::Conversation,
            ("messages", _) => Self::Message,
            ("friends", "") => Self::Befriend,
            ("friends", _) => Self::Friend,
            ("calls", _) => Self::Call,
            ("presence", _) => Self::Signal,
            ("stories", _) => Self::Story,
            ("reports", _) => Self::Report,
            ("files", _) => Self::Upload,
            ("users" | "auth", _) => Self::Account,
            _ => Self::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_command_and_its_twin_count_as_the_same() {
        for (cmd, method, template, want) in [
            ("message.send", Method::POST, "/conversations/{id}/messages", Kind::Send),
            ("message.edit", Method::PATCH, "/messages/{id}", Kind::Message),
            ("message.react", Method::PUT, "/messages/{id}/reactions/{emoji}", Kind::Message),
            ("message.read", Method::POST, "/conversations/{id}/read", Kind::Receipt),
            ("conversation.create", Method::POST, "/conversations", Kind::Create),
            ("conversation.kick", Method::POST, "/conversations/{id}/kick", Kind::Conversation),
            ("friend.request", Method::POST, "/friends", Kind::Befriend),
            ("friend.block", Method::POST, "/friends/{userId}/block", Kind::Friend),
            ("call.initiate", Method::POST, "/calls", Kind::Call),
            ("presence.set", Method::PUT, "/presence", Kind::Signal),
            ("story.like", Method::POST, "/stories/{id}/like", Kind::Story),
            ("sync", Method::GET, "/sync", Kind::Read),
            ("something.new", Method::POST, "/something/new", Kind::Write),
        ] {
            assert_eq!(Kind::of_command(cmd), want, "{cmd}");
            assert_eq!(Kind::of_request(&method, template), want, "{method} {template}");
        }
    }

    #[test]
    fn a_route_counts_by_its_template() {
        for (method, template, want) in [
            (Method::POST, "/auth/register", Kind::Register),
            (Method::POST, "/auth/login", Kind::Login),
            (Method::POST, "/auth/refresh", Kind::Refresh),
            (Method::POST, "/auth/logout", Kind::Account),
            (Method::GET, "/users", Kind::Search),
            (Method::GET, "/users/{id}", Kind::Read),
            (Method::GET, "/users/me/export", Kind::Export),
            (Method::GET, "/messages/search", Kind::Search),
            (Method::POST, "/conversations/{id}/invites", Kind::Invite),
            (Method::DELETE, "/conversations/{id}/invites/{code}", Kind::Invite),
            (Method::POST, "/invites/{code}/accept", Kind::Invite),
            (Method::POST, "/files", Kind::Upload),
            (Method::GET, "/files/{id}", Kind::Read),
            (Method::POST, "/admin/dead-letters/{id}/retry", Kind::Admin),
            (Method::GET, "/somewhere/new", Kind::Read),
        ] {
            assert_eq!(Kind::of_request(&method, template), want, "{method} {template}");
        }
    }

    #[test]
    fn an_address_may_do_no_less_than_an_account_and_names_differ() {
        for kind in Kind::ALL {
            let (account, address) = (kind.of_account(), kind.of_address());
            assert!(account.burst <= address.burst && account.every_us >= address.every_us, "{kind:?}");
        }
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn what_concerns_many_costs_more() {
        assert_eq!([0, 24, 25, 999, 5_000].map(beyond_one), [0, 0, 1, 39, 200]);
        assert!(beyond_one(5_000) < Kind::Story.of_account().burst, "the largest audience can be told");
    }
}

//! The table: what counts as what, and how much of it an account and an address may do.
//!
//! Generous to a fast honest script and to many people behind one address. Each command names its kind, and each route
//! that is no command's; what names none counts as [`Kind::Read`] or [`Kind::Write`].

use super::Budget;
use domain::Tier;

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
    /// Signals, which are never stored: typing, presence, media and custom.
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
    /// Requests that want credentials and come without good ones.
    Refused "refused": (3_000, 100), (3_000, 100);
    /// Administration.
    Admin "admin": (2_000, 200), (20_000, 2_000);
    /// Any other change.
    Write "write": (600, 50), (6_000, 500);
}

/// How many people an act may concern for the price of one.
const PEOPLE: usize = 25;

/// What an act that concerns so many people costs beyond the one that every act does: it writes a row for each.
#[must_use]
pub fn beyond_one(people: usize) -> u32 {
    u32::try_from(people / PEOPLE).unwrap_or(u32::MAX)
}

impl Kind {
    /// The tier of its commands, by which an overloaded server refuses them (ADR 40). `None`: it refuses none of them. Reads,
    /// uploads and sign-ins have bounds of their own; what one does about one's account or as staff must be possible then.
    #[must_use]
    pub const fn tier(self) -> Option<Tier> {
        match self {
            Self::Send | Self::Create | Self::Conversation | Self::Invite | Self::Friend | Self::Call => {
                Some(Tier::High)
            }
            Self::Message | Self::Receipt | Self::Befriend | Self::Story | Self::Report | Self::Write => {
                Some(Tier::Medium)
            }
            Self::Signal => Some(Tier::Low),
            Self::Register
            | Self::Login
            | Self::Refresh
            | Self::Connect
            | Self::Upload
            | Self::Account
            | Self::Export
            | Self::Search
            | Self::Picture
            | Self::Read
            | Self::Public
            | Self::Refused
            | Self::Admin => None,
        }
    }

    /// The kind of this [`name`](Self::name).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_address_may_do_no_less_than_an_account_and_names_differ() {
        for kind in Kind::ALL {
            let (account, address) = (kind.of_account(), kind.of_address());
            assert!(account.burst <= address.burst && account.every_us >= address.every_us, "{kind:?}");
        }
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| Kind::named(kind.name()) == Some(*kind)));
    }

    #[test]
    fn the_documented_table_is_this_one() {
        let page = include_str!("../../../docs/bounds.md");
        let shown = |budget: Budget| match 1_000_000 / budget.every_us {
            0 => format!("{}, then 1 in {} s", grouped(budget.burst.into()), budget.every_us / 1_000_000),
            per_second => format!("{}, then {}/s", grouped(budget.burst.into()), grouped(per_second.into())),
        };
        for kind in Kind::ALL {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", kind.name()))).unwrap_or_default();
            let end = format!(" | {} | {} |", shown(kind.of_account()), shown(kind.of_address()));
            assert!(row.ends_with(&end), "{kind:?}: {row:?} does not end with {end:?}");
        }
    }

    /// A number below a million, with commas.
    fn grouped(number: u64) -> String {
        if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
    }

    #[test]
    fn what_concerns_many_costs_more() {
        assert_eq!([0, 24, 25, 999, 5_000].map(beyond_one), [0, 0, 1, 39, 200]);
        assert!(beyond_one(5_000) < Kind::Story.of_account().burst, "the largest audience can be reached");
    }
}

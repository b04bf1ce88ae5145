//! Reachability of a person: their preference, else the server's default.

use super::{Preferences, User};
use serde_json::Value;

/// The people who may reach a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Everybody whom they have not blocked.
    #[default]
    Everyone,
    /// Friends only.
    Friends,
}

impl Reach {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Everyone, Self::Friends];

    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Friends => "friends",
        }
    }
}

/// A way to reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a direct message.
    Messages,
    /// By adding them to a group.
    Groups,
    /// By calling them in a direct conversation.
    Calls,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Messages, Self::Groups, Self::Calls];

    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Groups => "groups",
            Self::Calls => "calls",
        }
    }
}

impl Preferences {
    /// The name of the preference.
    pub const REACHABLE_BY: &'static str = "reachableBy";

    /// The preference for this way, if set.
    #[must_use]
    pub fn reachable_by(&self, way: Way) -> Option<Reach> {
        let word = self.0.get(Self::REACHABLE_BY)?.get(way.as_str())?.as_str()?;
        Reach::ALL.into_iter().find(|reach| reach.as_str() == word)
    }

    /// These in place of earlier ones. `reachableBy` is kept where these do not mention it, as clients with other
    /// preferences do not; a null removes it, as a whole or for one way.
    #[must_use]
    pub fn in_place_of(mut self, earlier: &Self) -> Self {
        let said = self.0.remove(Self::REACHABLE_BY);
        let mut reach = earlier.0.get(Self::REACHABLE_BY).and_then(Value::as_object).cloned().unwrap_or_default();
        match said {
            None => (),
            Some(Value::Object(ways)) => reach.extend(ways),
            Some(_) => reach.clear(),
        }
        reach.retain(|_, reach| !reach.is_null());
        if !reach.is_empty() {
            self.0.insert(Self::REACHABLE_BY.to_owned(), reach.into());
        }
        self
    }
}

impl User {
    /// True if a friend or non-friend reaches the owner this way; `default` applies without a
    /// preference.
    #[must_use]
    pub fn is_reached(&self, way: Way, by_friend: bool, default: Reach) -> bool {
        let said = self.profile().and_then(|profile| profile.preferences.reachable_by(way));
        by_friend || said.unwrap_or(default) == Reach::Everyone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Personal,
        testing::{ANA, state},
        text::{DisplayName, EmailAddress},
        user::{Profile, Role, UserEvent},
    };

    fn user(preferences: &str) -> User {
        let name = DisplayName::parse("Ana").unwrap();
        let profile = Profile {
            first_name: name.clone(),
            last_name: name,
            email: EmailAddress::parse("ana@example.org").unwrap(),
            phone: None,
            avatar_url: None,
            preferences: Preferences(serde_json::from_str(preferences).unwrap()),
        };
        state::<User>([UserEvent::Registered { role: Role::User, profile: Personal::new(ANA, profile) }])
    }

    #[test]
    fn a_preference_of_reach_stays_until_it_is_changed() {
        let preferences = |json: &str| Preferences(serde_json::from_str(json).unwrap());
        let earlier = r#"{"theme": "light", "reachableBy": {"messages": "friends", "calls": "friends"}}"#;
        for (later, want) in [
            ("{}", r#"{"reachableBy": {"messages": "friends", "calls": "friends"}}"#),
            (
                r#"{"theme": "dark", "reachableBy": {"calls": "everyone", "groups": "friends"}}"#,
                r#"{"theme": "dark", "reachableBy": {"messages": "friends", "calls": "everyone", "groups": "friends"}}"#,
            ),
            (r#"{"reachableBy": {"messages": null}}"#, r#"{"reachableBy": {"calls": "friends"}}"#),
            (r#"{"reachableBy": {"messages": null, "calls": null}}"#, "{}"),
            (r#"{"reachableBy": null}"#, "{}"),
        ] {
            assert_eq!(preferences(later).in_place_of(&preferences(earlier)), preferences(want), "{later}");
        }
        assert_eq!(preferences("{}").in_place_of(&preferences(r#"{"reachableBy": "nobody"}"#)), preferences("{}"));
    }

    #[test]
    fn a_preference_of_reach_precedes_the_servers_default() {
        let ana = user(r#"{"reachableBy": {"messages": "friends", "calls": "everyone"}}"#);
        for (way, default, strangers) in [
            (Way::Messages, Reach::Everyone, false),
            (Way::Calls, Reach::Friends, true),
            (Way::Groups, Reach::Everyone, true),
            (Way::Groups, Reach::Friends, false),
        ] {
            assert_eq!(ana.is_reached(way, false, default), strangers, "{way:?} {default:?}");
            assert!(ana.is_reached(way, true, default), "friends always do");
        }
        // Values that clients stored under this name before it had a meaning.
        for other in [r#"{"reachableBy": "nobody"}"#, r#"{"reachableBy": {"messages": 1}}"#, "{}"] {
            assert!(user(other).is_reached(Way::Messages, false, Reach::Everyone), "{other}");
            assert!(!user(other).is_reached(Way::Messages, false, Reach::Friends), "{other}");
        }
    }
}

//! The role and the profile of a person, and changes of a profile.

use crate::text::{DisplayName, EmailAddress, Link, PhoneNumber};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The role of an account; each includes the rights of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// A person.
    #[default]
    User,
    /// Handles reports.
    Moderator,
    /// Everything.
    Admin,
}

impl Role {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Moderator => "MODERATOR",
            Self::Admin => "ADMIN",
        }
    }
}

/// Name and contacts of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Profile {
    pub first_name: DisplayName,
    pub last_name: DisplayName,
    /// The address for sign-in.
    pub email: EmailAddress,
    /// A telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Link>,
    /// Data of the person's clients.
    #[serde(default, skip_serializing_if = "Preferences::is_empty")]
    pub preferences: Preferences,
}

/// A small JSON object for clients, without meaning to the server except for `readReceipts` and
/// `reachableBy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preferences(pub Map<String, Value>);

impl Preferences {
    /// True without an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if others may see the person's read marks: unless `readReceipts` is `false`.
    #[must_use]
    pub fn read_receipts(&self) -> bool {
        self.0.get("readReceipts") != Some(&Value::Bool(false))
    }
}

/// The wanted changes of a profile: `None` keeps, `Some(None)` removes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProfileChange {
    /// A new first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<DisplayName>,
    /// A new last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<DisplayName>,
    /// A new or removed picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<Link>>,
    /// A new or removed telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Option<PhoneNumber>>,
    /// New preferences, [in place of](Preferences::in_place_of) the old ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
}

/// Changed fields of a profile: an absent one stayed, a `null` was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileChanged {
    /// The new first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<DisplayName>,
    /// The new last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<DisplayName>,
    /// The new picture.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub avatar_url: Option<Option<Link>>,
    /// The new telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub phone: Option<Option<PhoneNumber>>,
    /// The new preferences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
}

/// Distinguishes a `null` field from an absent one.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl Profile {
    /// The fields of `change` that differ from the profile.
    pub(super) fn difference(&self, change: ProfileChange) -> ProfileChanged {
        let preferences = change.preferences.map(|preferences| preferences.in_place_of(&self.preferences));
        ProfileChanged {
            first_name: change.first_name.filter(|name| *name != self.first_name),
            last_name: change.last_name.filter(|name| *name != self.last_name),
            avatar_url: change.avatar_url.filter(|url| *url != self.avatar_url),
            phone: change.phone.filter(|phone| *phone != self.phone),
            preferences: preferences.filter(|preferences| *preferences != self.preferences),
        }
    }

    /// Applies the changed fields.
    pub fn update(&mut self, changed: &ProfileChanged) {
        fn take<T: Clone>(field: &mut T, changed: Option<&T>) {
            if let Some(value) = changed {
                *field = value.clone();
            }
        }
        take(&mut self.first_name, changed.first_name.as_ref());
        take(&mut self.last_name, changed.last_name.as_ref());
        take(&mut self.avatar_url, changed.avatar_url.as_ref());
        take(&mut self.phone, changed.phone.as_ref());
        take(&mut self.preferences, changed.preferences.as_ref());
    }
}

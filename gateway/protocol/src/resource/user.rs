//! People.

use domain::{Timestamp, UserId, user};
use projections::queries::{PersonRow, UserRow};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A person, as everybody sees them. Names are null once forgotten.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// A picture.
    pub avatar_url: Option<String>,
    /// `USER`, `MODERATOR` or `ADMIN`.
    #[schema(example = "USER")]
    pub role: String,
    /// When the account was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A person, as they see themselves.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnUser {
    /// What everybody sees.
    #[serde(flatten)]
    pub user: User,
    /// The address one signs in with.
    pub email: Option<String>,
    /// A telephone number.
    pub phone: Option<String>,
    /// What the clients keep for the person.
    pub preferences: Map<String, Value>,
    /// Whether the account was stopped from acting.
    pub is_blocked: bool,
}

/// A person beside what they did.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// First name; null once forgotten.
    pub first_name: Option<String>,
    /// Last name; null once forgotten.
    pub last_name: Option<String>,
}

impl OwnUser {
    /// The account as the write side knows it.
    #[must_use]
    pub fn of(id: UserId, account: &user::User, created_at: Timestamp) -> Self {
        let profile = account.profile();
        let text = |field: fn(&user::Profile) -> String| profile.map(field);
        Self {
            user: User {
                id,
                first_name: text(|profile| profile.first_name.to_string()),
                last_name: text(|profile| profile.last_name.to_string()),
                avatar_url: profile.and_then(|profile| profile.avatar_url.as_ref().map(ToString::to_string)),
                role: account.role().as_str().to_owned(),
                created_at,
            },
            email: text(|profile| profile.email.to_string()),
            phone: profile.and_then(|profile| profile.phone.as_ref().map(ToString::to_string)),
            preferences: profile.map(|profile| profile.preferences.0.clone()).unwrap_or_default(),
            is_blocked: account.may_act().is_err(),
        }
    }
}

impl Person {
    /// The account as the write side knows it.
    #[must_use]
    pub fn of(id: UserId, account: &user::User) -> Self {
        let profile = account.profile();
        Self {
            id,
            first_name: profile.map(|profile| profile.first_name.to_string()),
            last_name: profile.map(|profile| profile.last_name.to_string()),
        }
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, first_name, last_name, avatar_url, role, created_at, .. } = row;
        Self { id, first_name, last_name, avatar_url, role, created_at }
    }
}

impl From<UserRow> for OwnUser {
    fn from(mut row: UserRow) -> Self {
        let (email, phone) = (row.email.take(), row.phone.take());
        let preferences = serde_json::from_str(&row.preferences).unwrap_or_default();
        Self { email, phone, preferences, is_blocked: row.is_blocked, user: row.into() }
    }
}

impl From<PersonRow> for Person {
    fn from(PersonRow { id, first_name, last_name, .. }: PersonRow) -> Self {
        Self { id, first_name, last_name }
    }
}

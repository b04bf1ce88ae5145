//! How somebody is here.

use domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How somebody is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At one of their devices.
    Online,
    /// Away from all of them.
    Away,
    /// Not to be disturbed.
    Busy,
    /// Not here, or so it seems.
    #[default]
    Offline,
}

/// What others see of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisiblePresence {
    /// How they are here.
    pub status: Status,
    /// In their own words.
    pub text: Option<String>,
    /// Until when they mean it.
    pub until: Option<Timestamp>,
    /// When they were last here; `None` while they are, and when it is not known.
    pub last_seen: Option<Timestamp>,
}

impl VisiblePresence {
    /// Not here, and last here then.
    #[must_use]
    pub fn offline(last_seen: Option<Timestamp>) -> Self {
        Self { last_seen, ..Self::default() }
    }

    /// Whether others see no difference between the two.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.status, &self.text, self.until) == (other.status, &other.text, other.until)
    }
}

/// How somebody is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// The user.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// The best of their devices, or what they chose. `offline`, and nothing more, of whomever one may not see.
    pub status: Status,
    /// In their own words; null while they are offline.
    pub text: Option<String>,
    /// Until when they mean it; null while they are offline.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// When they were last here; null while they are, and when it is not known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
    /// Of oneself alone: `online`, `away`, `busy` or `invisible`, as one chose on this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<&'static str>,
}

/// What [`Presence::read`] reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    status: Status,
    text: Option<String>,
    until: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

impl Presence {
    /// Of somebody, as others see them.
    #[must_use]
    pub fn of(user_id: UserId, shown: VisiblePresence) -> Self {
        let VisiblePresence { status, text, until, last_seen } = shown;
        Self { user_id, status, text, until, last_seen, chosen: None }
    }

    /// What a signal says of somebody.
    #[must_use]
    pub fn read(data: &Value) -> Option<VisiblePresence> {
        let Published { status, text, until, last_seen } = Published::deserialize(data).ok()?;
        Some(VisiblePresence { status, text, until, last_seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_published_presence_is_read_back() {
        let until = Some(Timestamp::from_millis(1_795_460_818_120));
        let shown = VisiblePresence { status: Status::Busy, text: Some("writing".to_owned()), until, last_seen: None };
        let published = serde_json::to_value(Presence::of(UserId::default(), shown.clone())).unwrap();
        assert_eq!(
            published,
            json!({
                "userId": UserId::default(), "status": "busy", "text": "writing",
                "until": "2026-11-23T19:06:58.120Z", "lastSeen": null,
            })
        );
        assert_eq!(Presence::read(&published), Some(shown));
    }
}

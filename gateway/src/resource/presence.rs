//! How somebody is here.

use crate::presence::{Shown, Status};
use domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How somebody is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Who.
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
struct Told {
    status: Status,
    text: Option<String>,
    until: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

impl Presence {
    /// Of somebody, as others see them.
    #[must_use]
    pub fn of(user_id: UserId, shown: Shown) -> Self {
        let Shown { status, text, until, last_seen } = shown;
        Self { user_id, status, text, until, last_seen, chosen: None }
    }

    /// What a signal says of somebody.
    #[must_use]
    pub fn read(data: &Value) -> Option<Shown> {
        let Told { status, text, until, last_seen } = Told::deserialize(data).ok()?;
        Some(Shown { status, text, until, last_seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_told_is_read_back() {
        let until = Some(Timestamp::from_millis(1_795_460_818_120));
        let shown = Shown { status: Status::Busy, text: Some("writing".to_owned()), until, last_seen: None };
        let told = serde_json::to_value(Presence::of(UserId::default(), shown.clone())).unwrap();
        assert_eq!(
            told,
            json!({
                "userId": UserId::default(), "status": "busy", "text": "writing",
                "until": "2026-11-23T19:06:58.120Z", "lastSeen": null,
            })
        );
        assert_eq!(Presence::read(&told), Some(shown));
    }
}

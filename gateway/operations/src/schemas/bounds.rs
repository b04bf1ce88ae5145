//! How much and how many requests may bring, beyond the texts of [`crate::texts`].

use super::field_mut;
use crate::texts::as_sent;
use domain::{
    conversation::MAX_MEMBERS,
    message::{MAX_ATTACHMENTS, MAX_MENTIONS},
    story::MAX_PEOPLE,
    text::limits::{DEVICE, FILE_NAME, LINK, MEDIA_TYPE, PHONE, SIGNAL_NAME},
};
use protocol::request::LARGEST_SIZE;
use serde_json::{Map, Value, json};

/// What the code of an invite is made of.
pub const INVITE_CODE: &str = "^[A-Za-z0-9_-]{22,64}$";
/// A link: a path of this server in its one spelling, as of a file or its thumbnail, or an address at a host that the
/// operator names (`LINK_HOSTS`).
const LINK_FORM: &str = r#"^([Hh][Tt][Tt][Pp][Ss]://[^\s\\"'<>]+|/(([^./\\%?#\s"'<>][^/\\%?#\s"'<>]*)(/[^./\\%?#\s"'<>][^/\\%?#\s"'<>]*)*/?([?#][^\s\\"'<>]*)?)?)$"#;

/// A media type with its parameters (RFC 9110, 8.3.1).
const MEDIA_TYPE_FORM: &str = r#"^[!#-'*+.^_`|~0-9A-Za-z-]+/[!#-'*+.^_`|~0-9A-Za-z-]+( *; *[!#-'*+.^_`|~0-9A-Za-z-]+=([!#-'*+.^_`|~0-9A-Za-z-]+|"[ !#-\[\]-~]*"))*$"#;

/// Schema, field, and what holds of it.
pub(super) fn all() -> Vec<(&'static str, &'static str, Value)> {
    let link = || json!({"minLength": 1, "maxLength": LINK, "pattern": LINK_FORM});
    let phone = || json!({"minLength": 3, "maxLength": PHONE, "pattern": "^([+ .()-]*[0-9]){3,20}[+ .()-]*$"});
    let email = || json!({"pattern": r"^[^\s@]+@[^\s@.]([^\s@]*[^\s@.])?$"});
    let device = || json!({"minLength": 1, "maxLength": as_sent(DEVICE)});
    vec![
        ("Registration", "email", email()),
        ("Credentials", "email", email()),
        ("Registration", "phone", phone()),
        ("ProfileUpdate", "phone", phone()),
        ("Registration", "device", device()),
        ("Credentials", "device", device()),
        ("ProfileUpdate", "avatarUrl", link()),
        ("NewConversation", "avatarUrl", link()),
        ("SettingsUpdate", "avatarUrl", link()),
        ("NewStory", "mediaUrl", link()),
        ("StoryUpdate", "mediaUrl", link()),
        ("NewAttachment", "fileUrl", link()),
        ("NewAttachment", "thumbUrl", link()),
        ("NewAttachment", "name", json!({"minLength": 1, "maxLength": as_sent(FILE_NAME)})),
        ("NewAttachment", "size", json!({"maximum": LARGEST_SIZE, "format": "int64"})),
        ("NewAttachment", "mime", json!({"minLength": 1, "maxLength": MEDIA_TYPE, "pattern": MEDIA_TYPE_FORM})),
        ("ProfileUpdate", "preferences", json!({"additionalProperties": true})),
        ("NewConversation", "members", json!({"maxItems": MAX_MEMBERS})),
        ("NewMessage", "attachments", json!({"maxItems": MAX_ATTACHMENTS})),
        ("NewMessage", "mentions", json!({"maxItems": MAX_MENTIONS})),
        ("NewInvite", "maxUses", json!({"minimum": 1, "maximum": u32::MAX, "format": "int64"})),
        ("Upload", "file", json!({"minItems": 1})),
        ("WantedLinks", "ids", json!({"maxItems": 50})),
        ("WatchedUsers", "userIds", json!({"maxItems": 500})),
        ("NewSignal", "name", json!({"minLength": 1, "maxLength": SIGNAL_NAME, "pattern": "^[A-Za-z0-9_.:-]{1,64}$"})),
        ("Command", "id", json!({"type": ["string", "integer"]})),
        ("Emoji", "emoji", json!({"minLength": 1, "maxLength": 128})),
    ]
}

/// Puts the bounds into the schemas that are there.
pub(super) fn tell(schemas: &mut Map<String, Value>) {
    for (schema, field, bounds) in all() {
        let field = schemas.get_mut(schema).and_then(|schema| field_mut(schema, field));
        if let (Some(Value::Object(field)), Value::Object(bounds)) = (field, bounds) {
            field.extend(bounds);
        }
    }
    if let Some(people) = schemas.get_mut("NewAudience").and_then(|audience| audience.pointer_mut("/oneOf/1")) {
        people["minItems"] = 1.into();
        people["maxItems"] = MAX_PEOPLE.into();
    }
}

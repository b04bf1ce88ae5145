//! How long texts may be: the one list that both documents tell, in the descriptions of the fields of requests, and
//! `hello.limits`. The keywords of JSON Schema count a text as it is sent, so they forbid only what is too long however it
//! is written.

use commands::{MAX_PASSWORD, MIN_PASSWORD};
use domain::text::limits::{BYTES_EACH, COMMENT, CONTENT, EMAIL, NAME, NOTES, REASON, STATUS, TITLE};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// Schema, field, and the fewest and most characters of it.
pub const FIELDS: &[(&str, &str, usize, usize)] = &[
    ("Registration", "email", 1, EMAIL),
    ("Registration", "firstName", 1, NAME),
    ("Registration", "lastName", 1, NAME),
    ("Registration", "password", MIN_PASSWORD, MAX_PASSWORD),
    ("PasswordChange", "new", MIN_PASSWORD, MAX_PASSWORD),
    ("ProfileUpdate", "firstName", 1, NAME),
    ("ProfileUpdate", "lastName", 1, NAME),
    ("NewConversation", "title", 1, TITLE),
    ("SettingsUpdate", "title", 1, TITLE),
    ("NewMessage", "content", 0, CONTENT),
    ("EditedMessage", "content", 0, CONTENT),
    ("NewStory", "content", 0, CONTENT),
    ("StoryUpdate", "content", 0, CONTENT),
    ("NewComment", "content", 1, COMMENT),
    ("NewReport", "reason", 1, REASON),
    ("NewReport", "notes", 0, NOTES),
    ("NewVerdict", "rejectedReason", 1, NOTES),
    ("NewPresence", "text", 0, STATUS),
];

/// Puts the limits into a document, where it has the fields.
pub fn tell(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    for (schema, field, fewest, most) in FIELDS {
        if let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(*schema)
            && let Some(RefOr::T(Schema::Object(text))) = schema.properties.get_mut(*field)
        {
            text.min_length = (*fewest > 0).then_some(1);
            text.max_length = Some(as_sent(*most));
            let described = text.description.take().unwrap_or_default();
            text.description = Some(format!("{described} {}", counted(field, *fewest, *most)).trim_start().to_owned());
        }
    }
}

/// The most characters in which a text of `most` can be sent: NFC and NFKC compose no more than four into one.
#[must_use]
pub const fn as_sent(most: usize) -> usize {
    BYTES_EACH * most
}

/// How the server counts.
#[must_use]
pub fn counted(field: &str, fewest: usize, most: usize) -> String {
    match field {
        "password" | "new" => format!("{fewest} to {most} characters: Unicode scalar values after NFKC."),
        "content" if most == CONTENT => {
            let bytes = BYTES_EACH * most;
            format!("At most {most} characters (Unicode scalar values after NFC), in at most {bytes} bytes of UTF-8.")
        }
        _ => format!("At most {most} characters: Unicode scalar values after NFC."),
    }
}

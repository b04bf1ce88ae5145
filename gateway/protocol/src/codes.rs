//! The stable words of problems: the one list that both documents tell. A test compares it with what the code answers.

use serde_json::{Value, json};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// The doors at which a word can occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// REST alone, and the requests that open a socket.
    Rest,
    /// The sockets alone.
    Sockets,
    /// Both.
    Both,
}

use At::{Both, Rest, Sockets};

/// A `code` of a problem.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The word.
    pub word: &'static str,
    /// The status it comes with.
    pub status: u16,
    /// What it means, in a sentence.
    pub says: &'static str,
    /// Where it occurs.
    pub at: At,
}

const fn code(status: u16, word: &'static str, at: At, says: &'static str) -> Code {
    Code { word, status, says, at }
}

/// Every `code` of a problem.
pub const CODES: &[Code] = &[
    code(400, "invalid_idempotency_key", Both, "an idempotency key is 1 to 255 bytes without control characters"),
    code(400, "malformed", Both, "the request or frame cannot be read"),
    code(400, "token_in_query", Rest, "tokens are not taken from a query, where they would be logged"),
    code(400, "unknown_command", Sockets, "there is no such command or event"),
    code(401, "invalid_token", Both, "the token is expired, revoked or not of this server"),
    code(401, "unauthenticated", Both, "this needs an access token"),
    code(401, "wrong_credentials", Rest, "the e-mail address and the password do not belong together"),
    code(403, "account_blocked", Both, "the account is blocked"),
    code(403, "account_deactivated", Both, "the account is deactivated until its owner signs in"),
    code(403, "admin_only", Rest, "only an administrator may do this"),
    code(403, "author_only", Rest, "only the author of the story may do this"),
    code(403, "cannot_message", Both, "this user cannot be written to"),
    code(403, "has_left", Both, "this user has left: only a friend of theirs can add them again"),
    code(403, "invalid_bootstrap_token", Rest, "this is not the token that makes the first administrator"),
    code(403, "lead_only", Both, "only a lead of the conversation may do this"),
    code(403, "moderator_only", Rest, "only a moderator may do this"),
    code(403, "not_in_call", Both, "the caller, or whom they want to reach, is not in the call"),
    code(403, "not_oneself", Rest, "administrators do this to others, not to themselves"),
    code(
        403,
        "not_reachable",
        Both,
        "friends alone reach this user so; or somebody named is no friend and shares no conversation with the caller",
    ),
    code(403, "not_your_comment", Rest, "only who wrote the comment, or whose story it is, may do this"),
    code(403, "origin_not_allowed", Rest, "pages of this origin may not ask"),
    code(403, "own_case", Rest, "the caller is party to this: somebody else decides"),
    code(403, "sender_only", Both, "only the sender of the message may do this"),
    code(404, "invite_not_found", Rest, "there is no such invite, or it is no longer good"),
    code(404, "not_found", Both, "there is no such thing, or the caller may not see it"),
    code(404, "request_not_found", Both, "there is no such friend request"),
    code(404, "unknown_route", Rest, "there is no such route"),
    code(405, "wrong_method", Rest, "the route does not take this method"),
    code(408, "too_slow", Rest, "the body took too long"),
    code(
        409,
        "already_authenticated",
        Sockets,
        "the socket is another session's: `auth` renews with a token of its own",
    ),
    code(409, "already_begun", Both, "a call of this id has begun already"),
    code(409, "already_exists", Both, "a conversation of this id exists already"),
    code(409, "already_filed", Rest, "a report of this id exists already"),
    code(409, "already_friends", Both, "the two are friends already"),
    code(409, "already_member", Both, "this user is a member already"),
    code(409, "already_noted", Rest, "this act was noted already"),
    code(409, "already_posted", Both, "a story of this id was posted already"),
    code(409, "already_recorded", Rest, "this reading of the audit was recorded already"),
    code(409, "already_registered", Rest, "an account of this id exists already"),
    code(409, "already_started", Rest, "a session of this id exists already"),
    code(409, "already_uploaded", Rest, "a file of this id exists already"),
    code(409, "blocked_by_you", Both, "the caller has blocked this user"),
    code(409, "bootstrap_token_used", Rest, "the bootstrap token was used"),
    code(409, "call_active", Both, "the conversation has a call already"),
    code(409, "call_ended", Both, "the call is over"),
    code(409, "call_full", Both, "the call has as many participants as a call can have"),
    code(409, "direct_conversation", Both, "a direct conversation cannot do this"),
    code(409, "email_taken", Rest, "the e-mail address belongs to another account"),
    code(409, "guid_taken", Both, "the guid names another message"),
    code(409, "idempotency_key_reused", Both, "the idempotency key was used for another request"),
    code(409, "in_call", Both, "the caller takes part in the call"),
    code(409, "invite_taken", Rest, "the code of the invite is taken: ask again"),
    code(409, "last_lead", Both, "the last lead of a conversation cannot be demoted"),
    code(409, "message_deleted", Both, "the message was deleted"),
    code(409, "no_request", Both, "this user has not asked to join"),
    code(409, "nobody_to_call", Both, "there is nobody else in the conversation"),
    code(409, "not_blocked", Both, "the caller has not blocked this user"),
    code(409, "not_friends", Both, "the two are not friends"),
    code(409, "not_member", Both, "this user is not a member"),
    code(409, "rebuild_running", Rest, "another projection is being rebuilt: one at a time"),
    code(409, "report_decided", Rest, "the report was decided before"),
    code(409, "request_rejected", Both, "this user turned the request down: only they can ask for now"),
    code(409, "too_many_acts", Both, "one person has liked, commented on or edited the story as often as one can"),
    code(409, "too_many_changes", Both, "the profile or settings were changed as often as they can be"),
    code(409, "too_many_comments", Both, "the story has as many comments as a story can have"),
    code(409, "too_many_edits", Both, "the message was edited as often as a message can be"),
    code(409, "too_many_invites", Rest, "the conversation has as many invites as it can have at a time"),
    code(409, "too_many_pins", Both, "the conversation has as many pinned messages as it can have"),
    code(409, "too_many_reaction_changes", Both, "one person has reacted to the message as often as one can"),
    code(
        409,
        "too_many_reactions",
        Both,
        "the message, or one person on it, has as many kinds of reaction as there can be",
    ),
    code(409, "user_not_online", Both, "nobody else of the conversation is online"),
    code(413, "payload_too_large", Both, "the data of the signal is too large"),
    code(413, "too_large", Rest, "the body is too large"),
    code(414, "address_too_long", Rest, "the address of the request is too long"),
    code(415, "unsupported_media_type", Rest, "the body is of another media type than the route takes"),
    code(412, "precondition_failed", Rest, "the file is not the one that If-Match names"),
    code(416, "range_not_satisfiable", Rest, "the file has no such range"),
    code(422, "invalid", Both, "fields do not fit; `errors` names all of them"),
    code(422, "reports_oneself", Rest, "nobody reports themselves"),
    code(422, "reserved_name", Sockets, "the server itself uses this name of a signal"),
    code(
        422,
        "unknown_field",
        Both,
        "a field or parameter is not known; `errors` names it and the known one that is most like it",
    ),
    code(426, "upgrade_required", Rest, "the route is a WebSocket"),
    code(429, "quota_exceeded", Rest, "the account has uploaded as much as it may in 24 hours"),
    code(429, "rate_limited", Both, "too many of these: wait as long as `retryAfter` says"),
    code(429, "spam", Both, "this looks like spam: wait as long as `retryAfter` says"),
    code(429, "too_many_at_once", Both, "too much of the account is under way"),
    code(429, "too_many_signals", Sockets, "the device signals too much"),
    code(429, "too_many_uploads", Rest, "too many uploads of the account are under way"),
    code(429, "too_often", Both, "this was done too often: wait as long as `retryAfter` says"),
    code(431, "headers_too_large", Rest, "the request has too many headers, or too large ones"),
    code(500, "internal", Both, "a fault of the server"),
    code(503, "audit_index_behind", Rest, "the audit index is not at the position that was asked for"),
    code(503, "contended", Both, "others are changing the same thing"),
    code(503, "files_unavailable", Rest, "files cannot be stored or fetched now"),
    code(503, "newer_version", Both, "a newer version of the server wrote what this one cannot read"),
    code(503, "no_randomness", Rest, "the system gives no randomness"),
    code(503, "not_ready", Rest, "the server is not ready"),
    code(503, "overloaded", Both, "the server has no room for this now"),
    code(503, "read_models_behind", Both, "the read models are not at the position that is needed"),
    code(503, "too_many_watched", Sockets, "too many people are watched over the sockets of this process"),
    code(503, "unavailable", Both, "an engine of the server is away"),
];

/// Every `code` of a field in `errors`, with what it means.
pub const FIELD_CODES: &[(&str, &str)] = &[
    ("ambiguous", "only one of several fields can be given"),
    ("contradicts", "says otherwise than another field"),
    ("control_character", "has a character that may not be there"),
    ("empty", "must not be empty"),
    ("in_the_past", "must be in the future"),
    ("kicks_oneself", "one leaves a conversation instead of kicking oneself"),
    ("malformed", "has not the form that is wanted"),
    ("not_found", "names what is not there, or what the caller may not see"),
    ("not_member", "names somebody who is no member"),
    ("one_other", "a direct conversation has exactly one other member"),
    ("oneself", "names the caller"),
    ("out_of_range", "is too small or too large"),
    ("own_words", "is made of the person's own name or address"),
    ("repeated", "is given more than once"),
    ("required", "must be given"),
    ("too_common", "is one of the passwords that are guessed first"),
    ("too_long", "is too long"),
    ("too_many", "has too many items"),
    ("too_many_attachments", "has more attachments than a message can have"),
    ("too_many_members", "has more members than a conversation can have"),
    ("too_many_mentions", "has more mentions than a message can have"),
    ("too_many_people", "names more people than a story can"),
    ("too_short", "is too short"),
    ("unknown_field", "is not known here"),
    ("unknown_word", "is none of the words that are known"),
    ("wrong_password", "is not the password of the account"),
    ("wrong_type", "is of another type"),
];

/// Lists in a document, as `x-codes`, the words that can occur at REST, or at the sockets.
pub fn tell(document: &mut OpenApi, at: At) {
    let listed = CODES.iter().filter(|code| code.at == at || code.at == Both);
    let listed = listed.map(|Code { word, status, says, .. }| json!({"code": word, "status": status, "detail": says}));
    let of_fields = FIELD_CODES.iter().map(|(word, says)| json!({"code": word, "detail": says}));
    let Some(components) = &mut document.components else { return };
    for (schema, codes) in [("Problem", listed.collect::<Value>()), ("FieldProblem", of_fields.collect())] {
        if let Some(RefOr::T(Schema::Object(problem))) = components.schemas.get_mut(schema)
            && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
        {
            code.extensions.get_or_insert_default().insert("x-codes".to_owned(), codes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    /// What the sources of the server say, without their tests, and without this list.
    fn sources() -> Vec<(PathBuf, String)> {
        fn gather(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    gather(&entry, found);
                } else if !["tests.rs", "invite_tests.rs", "codes.rs"].iter().any(|name| entry.ends_with(name)) {
                    let text = fs::read_to_string(&entry).unwrap();
                    found.push((entry, text.split("#[cfg(test)]").next().unwrap().to_owned()));
                }
            }
        }
        let mut found = Vec::new();
        for root in [
            "gateway/files",
            "gateway/limits",
            "gateway/operations",
            "gateway/protocol",
            "gateway/realtime",
            "gateway/rest",
            "gateway/sockets",
            "commands",
            "commands/passwords",
            "domain",
            "domain/text",
        ] {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(root).join("src");
            gather(&root, &mut found);
        }
        found
    }

    fn is_word(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    /// The last word among the arguments `from..to` of each `call` in a text.
    fn words_after<'a>(text: &'a str, (call, from, to): (&str, usize, usize)) -> impl Iterator<Item = &'a str> {
        text.match_indices(call).filter_map(move |(at, call)| {
            let arguments = text[at + call.len()..].splitn(to + 1, ',').take(to).skip(from);
            let quoted = arguments.filter_map(|argument| argument.trim().strip_prefix('"')?.split('"').next());
            quoted.filter(|word| is_word(word)).last()
        })
    }

    fn words_of<'a>(text: &'a str, calls: &[(&str, usize, usize)]) -> BTreeSet<&'a str> {
        calls.iter().flat_map(|call| words_after(text, *call)).collect()
    }

    /// The words that the refusals of the domain answer.
    fn refusals(text: &str) -> BTreeSet<&str> {
        let body = text.split("fn code(&self)").nth(1).and_then(|rest| rest.split("\n    }").next());
        body.into_iter().flat_map(|body| body.split('"').skip(1).step_by(2)).collect()
    }

    /// Where a word of a problem stands: which call, and which of its arguments.
    const OF_PROBLEMS: [(&str, usize, usize); 8] = [
        ("Problem::new(", 1, 2),
        ("Self::new(StatusCode", 1, 2),
        ("unavailable(", 0, 1),
        ("conflict(", 0, 1),
        ("too_many(", 0, 1),
        ("code: ", 0, 1),
        ("Role::Moderator => (", 0, 1),
        ("Role::Admin => (", 0, 1),
    ];
    const OF_FIELDS: [(&str, usize, usize); 4] =
        [("Problem::field(", 1, 2), ("CommandError::field(", 1, 2), (".fault(", 0, 2), ("Invalid::new(", 0, 1)];

    #[test]
    fn every_code_that_can_be_answered_is_listed_and_nothing_else() {
        let sources = sources();
        let codes: BTreeSet<_> = CODES.iter().map(|code| code.word).collect();
        let fields: BTreeSet<_> = FIELD_CODES.iter().map(|(word, _)| *word).collect();
        let mut found = 0;
        for (path, text) in &sources {
            let mut problems = words_of(text, &OF_PROBLEMS);
            if path.ends_with("error.rs") {
                problems.extend(refusals(text));
            }
            let wrong = words_of(text, &OF_FIELDS);
            found += problems.len() + wrong.len();
            // A refusal that names its field is a word of that field.
            let strange: Vec<_> =
                problems.iter().filter(|word| !codes.contains(*word) && !fields.contains(*word)).collect();
            assert!(strange.is_empty(), "{} answers {strange:?}", path.display());
            let strange: Vec<_> = wrong.difference(&fields).collect();
            assert!(strange.is_empty(), "{} answers {strange:?} of fields", path.display());
        }
        assert!(found > CODES.len(), "the sources are read: {found}");
        for word in codes.iter().chain(&fields) {
            let quoted = format!("\"{word}\"");
            assert!(sources.iter().any(|(_, text)| text.contains(&quoted)), "nothing answers {word}");
        }
        assert_eq!((codes.len(), fields.len()), (CODES.len(), FIELD_CODES.len()), "each once");
    }
}

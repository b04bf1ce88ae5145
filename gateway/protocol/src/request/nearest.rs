//! What somebody may have meant by a name that is not known.

use crate::problem::FieldProblem;

/// So much of an unknown name is looked at, and repeated, in characters.
const LONGEST: usize = 64;
/// How like each other two names must be for one to be meant by the other, from 0 to 1: of three characters one may differ.
const ALIKE: f64 = 2.0 / 3.0;

/// A name as it is quoted to its sender, cut to the longest length of a name.
pub fn quoted(name: &str) -> String {
    format!("{:?}", name.chars().take(LONGEST).collect::<String>())
}

/// The fault of a field that is not among the `known`; `before` is what stands before its name.
pub fn unknown(before: &str, name: &str, known: &[&str]) -> FieldProblem {
    stranger("field", before, name, known)
}

/// The same of a parameter of a query.
pub fn unknown_parameter(name: &str, known: &[&str]) -> FieldProblem {
    stranger("parameter", "", name, known)
}

fn stranger(what: &str, before: &str, name: &str, known: &[&str]) -> FieldProblem {
    let name: String = name.chars().take(LONGEST).collect();
    let detail = match nearest(&name, known.iter().copied()) {
        Some(meant) => format!("there is no such {what} here; did you mean {meant:?}?"),
        None if known.is_empty() => format!("there is no such {what} here: none is taken"),
        None => format!("there is no such {what} here; known are {}", known.join(", ")),
    };
    // An empty name would not be seen before its fault.
    let name = if name.is_empty() { quoted(&name) } else { name };
    FieldProblem { field: format!("{before}{name}"), code: "unknown_field".to_owned(), detail }
}

/// The known name that is most like `name`, if any is: whatever its case, and however its words are joined.
pub fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let name = plain(&name.chars().take(LONGEST).collect::<String>());
    let alike = known.map(|known| (likeness(&name, &plain(known)), known)).filter(|(alike, _)| *alike >= ALIKE);
    alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

/// How like each other two names are, from 0 to 1.
pub fn likeness(one: &str, other: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(one, other)
}

fn plain(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_found() {
        for (name, known, meant) in [
            ("aproval", &["type", "title", "members", "joining", "approval"][..], Some("approval")),
            ("reply_to", &["guid", "content", "replyTo", "mentions"], Some("replyTo")),
            ("expiresIn", &["expiresAt", "maxUses"], Some("expiresAt")),
            ("untill", &["until"], Some("until")),
            ("For", &["for"], Some("for")),
            ("contnet", &["guid", "content"], Some("content")),
            ("page", &["limit", "after"], None),
            ("link", &["links"], Some("links")),
            ("invite", &["email", "password", "device"], None),
            ("name", &["firstName", "lastName"], None),
            ("message", &["messageType"], None),
            ("nope", &["role"], None),
            ("", &["limit"], None),
            ("x", &[], None),
        ] {
            assert_eq!(nearest(name, known.iter().copied()), meant, "{name}");
        }
    }

    #[test]
    fn a_fault_says_what_is_unknown() {
        let FieldProblem { field, detail, .. } = unknown_parameter("", &[]);
        assert_eq!((field.as_str(), detail.as_str()), ("\"\"", "there is no such parameter here: none is taken"));
        assert_eq!(unknown("a.", "untill", &["until"]).detail, "there is no such field here; did you mean \"until\"?");
    }
}

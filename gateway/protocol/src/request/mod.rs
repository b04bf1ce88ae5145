//! Reading a JSON request into typed values: every field at fault is named, by the path at which it stands.
//!
//! A field is known by being asked for: the reader remembers which names it asked for at each place, and refuses the rest
//! at the end. So a reader must ask for all of its fields before it answers, whatever is wrong with the first of them.

mod json;
mod nearest;
mod values;

pub use json::{Document, NotJson, document};
pub use nearest::{likeness, nearest, quoted, unknown, unknown_parameter};
pub use values::{Guid, Limit};
pub use values::{LARGEST_SIZE, UUID_FORM, uuid, whole};

use crate::{Problem, problem::FieldProblem};
use domain::text::Invalid;
use serde_json::{Map, Value};
use std::fmt::Display;

/// A value that can be read from JSON.
pub trait Parse: Sized {
    /// Reads it; `None` when it is invalid, which is then added to `faults`.
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self>;
}

/// What becomes of fields that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They are faults.
    Refused,
    /// They are passed over: the clients that were there before send such.
    Ignored,
}

/// The most unknown fields that are named.
const NAMED: usize = 20;

/// Reads a request, or names all that is wrong with it; a field that nobody knows is wrong.
///
/// # Errors
/// `malformed` when it is no object, else `unknown_field` or `invalid` with each field at fault.
pub fn parse<T: Parse>(value: &Value) -> Result<T, Problem> {
    parse_with(value, Unknown::Refused)
}

/// The same, with what becomes of unknown fields.
///
/// # Errors
/// As of [`parse`].
pub fn parse_with<T: Parse>(value: &Value, unknown: Unknown) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::malformed("the request must be a JSON object"));
    }
    let mut faults = Faults::default();
    let parsed = T::parse(value, &mut faults);
    if unknown == Unknown::Refused {
        faults.refuse_unknown(value);
    }
    match parsed {
        Some(parsed) if faults.errors.is_empty() => Ok(parsed),
        _ => Err(Problem::invalid(faults.errors)),
    }
}

/// The faults of a request, and where in it the reader stands.
#[derive(Debug, Default)]
pub struct Faults {
    path: String,
    errors: Vec<FieldProblem>,
    /// The objects that were read, by their paths, and the names that each was asked for.
    asked: Vec<(String, Vec<&'static str>)>,
}

impl Faults {
    /// The value here is at fault. Answers `None`, so that a reader can return it.
    pub fn fault<T>(&mut self, code: &str, detail: impl Into<String>) -> Option<T> {
        self.errors.push(FieldProblem { field: self.path.clone(), code: code.to_owned(), detail: detail.into() });
        None
    }

    /// The value here has another type.
    pub fn wrong_type<T>(&mut self, wanted: &str) -> Option<T> {
        self.fault("wrong_type", format!("must be {wanted}"))
    }

    /// What a parser of the domain says of the value here.
    pub fn checked<T>(&mut self, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_or_else(|Invalid { code, detail }| self.fault(code, detail), Some)
    }

    /// The text here.
    pub fn text<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        value.as_str().or_else(|| self.wrong_type("text"))
    }

    /// The object here.
    pub fn object<'v, 'f>(&'f mut self, value: &'v Value) -> Option<Object<'v, 'f>> {
        match value.as_object() {
            Some(fields) => {
                self.names();
                Some(Object { fields, faults: self })
            }
            None => self.wrong_type("an object"),
        }
    }

    /// The names that the object here was asked for.
    fn names(&mut self) -> &mut Vec<&'static str> {
        let place = self.asked.iter().rposition(|(path, _)| *path == self.path);
        let place = place.unwrap_or_else(|| {
            self.asked.push((self.path.clone(), Vec::new()));
            self.asked.len() - 1
        });
        &mut self.asked[place].1
    }

    /// Names what stands in the objects that were read, and was not asked for.
    fn refuse_unknown(&mut self, root: &Value) {
        let asked = std::mem::take(&mut self.asked);
        let mut found = Vec::new();
        strangers(&asked, root, &mut String::new(), &mut found);
        self.errors.append(&mut found);
    }

    fn at<T>(&mut self, segment: impl Display, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path.len();
        self.path.push_str(&segment.to_string());
        let value = read(self);
        self.path.truncate(before);
        value
    }
}

/// The fields of `value`, which stands at `path`, and of what is in it, that nobody asked for. What nobody looked into, such
/// as the payload of a signal, may have any.
fn strangers(asked: &[(String, Vec<&'static str>)], value: &Value, path: &mut String, found: &mut Vec<FieldProblem>) {
    let within = |path: &mut String, segment: &dyn Display, value: &Value, found: &mut Vec<FieldProblem>| {
        let before = path.len();
        path.push_str(&segment.to_string());
        if asked.iter().any(|(other, _)| other.starts_with(path.as_str())) {
            strangers(asked, value, path, found);
        }
        path.truncate(before);
    };
    match value {
        Value::Object(fields) => {
            let known = asked.iter().find(|(other, _)| other == path);
            let dot = if path.is_empty() { "" } else { "." };
            for name in fields.keys() {
                if found.len() < NAMED
                    && let Some((_, known)) = known
                    && !known.contains(&name.as_str())
                {
                    found.push(unknown(&format!("{path}{dot}"), name, known));
                }
            }
            for (name, value) in fields {
                within(path, &format_args!("{dot}{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                within(path, &format_args!("[{index}]"), item, found);
            }
        }
        _ => (),
    }
}

/// The fields of an object.
pub struct Object<'v, 'f> {
    fields: &'v Map<String, Value>,
    faults: &'f mut Faults,
}

impl Object<'_, '_> {
    /// A field that must be there.
    pub fn required<T: Parse>(&mut self, name: &'static str) -> Option<T> {
        self.faults.names().push(name);
        match self.fields.get(name) {
            None | Some(Value::Null) => self.field(name, |faults| faults.fault("required", "is required")),
            Some(value) => self.field(name, |faults| T::parse(value, faults)),
        }
    }

    /// A field that may be absent or null.
    pub fn optional<T: Parse>(&mut self, name: &'static str) -> Option<T> {
        self.faults.names().push(name);
        let value = self.fields.get(name).filter(|value| !value.is_null())?;
        self.field(name, |faults| T::parse(value, faults))
    }

    /// A field whose absence keeps what is there, and whose null removes it.
    pub fn removable<T: Parse>(&mut self, name: &'static str) -> Option<Option<T>> {
        self.faults.names().push(name);
        match self.fields.get(name)? {
            Value::Null => Some(None),
            value => self.field(name, |faults| T::parse(value, faults)).map(Some),
        }
    }

    /// A field that may be absent, but not null: there is nothing to remove.
    pub fn kept<T: Parse>(&mut self, name: &'static str) -> Option<T> {
        self.faults.names().push(name);
        self.fields.contains_key(name).then(|| self.required(name)).flatten()
    }

    /// A field is at fault, or wanting.
    pub fn fault<T>(&mut self, name: &str, code: &str, detail: impl Into<String>) -> Option<T> {
        self.field(name, |faults| faults.fault(code, detail))
    }

    fn field<T>(&mut self, name: &str, read: impl FnOnce(&mut Faults) -> Option<T>) -> Option<T> {
        let dot = if self.faults.path.is_empty() { "" } else { "." };
        self.faults.at(format_args!("{dot}{name}"), read)
    }
}

/// A request without fields.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Parse for Nothing {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        faults.object(value).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::{DisplayName, Link};
    use serde_json::json;

    #[derive(Debug, PartialEq)]
    struct Sample {
        name: DisplayName,
        links: Vec<Link>,
        picture: Option<Option<Link>>,
        again: Option<Box<Sample>>,
    }

    impl Parse for Sample {
        fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
            let mut object = faults.object(value)?;
            let name = object.required("name");
            let links = object.optional("links").unwrap_or_default();
            let picture = object.removable("picture");
            let again = object.optional::<Self>("again").map(Box::new);
            Some(Self { name: name?, links, picture, again })
        }
    }

    fn faults(value: &Value) -> Vec<(String, String)> {
        let problem = parse::<Sample>(value).unwrap_err();
        problem.errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn what_fits_is_read() {
        let value = json!({"name": "Ana", "links": ["/a"], "picture": null, "again": {"name": "Ben"}});
        let sample = parse::<Sample>(&value).unwrap();
        assert_eq!((sample.links.len(), sample.picture), (1, Some(None)));
        assert_eq!(sample.again.unwrap().picture, None);
    }

    #[test]
    fn an_unknown_field_is_refused_where_it_stands_or_passed_over() {
        let value =
            json!({"name": "Ana", "link": ["/a"], "again": {"name": "Ben", "Picture": null, "again": {"x": {}}}});
        let problem = parse::<Sample>(&value).unwrap_err();
        assert_eq!((problem.status, problem.code), (422, "unknown_field"));
        let named: Vec<_> = problem.errors.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect();
        let want = [
            ("again.again.name", "required"),
            ("link", "unknown_field"),
            ("again.Picture", "unknown_field"),
            ("again.again.x", "unknown_field"),
        ];
        assert_eq!(named, want);
        assert!(problem.errors[1].detail.contains("\"links\""), "{}", problem.errors[1].detail);
        assert!(problem.errors[3].detail.contains("name, links, picture, again"), "{}", problem.errors[3].detail);
        let value = json!({"name": "Ana", "links": ["/a"], "more": 1});
        assert!(parse_with::<Sample>(&value, Unknown::Ignored).is_ok());
        assert_eq!(parse::<Nothing>(&json!({"a": 1})).unwrap_err().code, "unknown_field");
        assert!(parse::<Nothing>(&json!({})).is_ok());
    }

    #[test]
    fn of_many_unknown_fields_some_are_named() {
        let many: Map<_, _> = (0..1_000).map(|n| (format!("{n}{}", "x".repeat(500)), json!(n))).collect();
        let problem = parse::<Nothing>(&Value::Object(many)).unwrap_err();
        assert_eq!(problem.errors.len(), NAMED);
        assert!(problem.detail.len() < 10_000);
    }

    #[test]
    fn every_fault_is_named_where_it_stands() {
        let value = json!({"name": 7, "links": ["/a", "b", 3], "picture": "", "again": {"name": null, "links": {}}});
        let want = [
            ("name", "wrong_type"),
            ("links[1]", "malformed"),
            ("links[2]", "wrong_type"),
            ("picture", "empty"),
            ("again.name", "required"),
            ("again.links", "wrong_type"),
        ];
        assert_eq!(faults(&value), want.map(|(field, code)| (field.to_owned(), code.to_owned())));
        assert_eq!(parse::<Sample>(&json!([])).unwrap_err().code, "malformed");
    }
}

//! Reading a JSON request into typed values: every field at fault is named, by the path at which it stands.
//!
//! Unknown fields are ignored, so that clients newer than the server work.

mod values;

use crate::{Problem, problem::FieldProblem};
use domain::text::Invalid;
use serde_json::{Map, Value};
use std::fmt::Display;

/// A value that can be read from JSON.
pub trait Parse: Sized {
    /// Reads it; `None` when it is at fault, which is then told to `faults`.
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self>;
}

/// Reads a request, or names all that is wrong with it.
///
/// # Errors
/// `malformed` when it is no object, else `invalid` with each field at fault.
pub fn parse<T: Parse>(value: &Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::malformed("the request must be a JSON object"));
    }
    let mut faults = Faults::default();
    match T::parse(value, &mut faults) {
        Some(parsed) if faults.errors.is_empty() => Ok(parsed),
        _ => Err(Problem::invalid(faults.errors)),
    }
}

/// The faults of a request, and where in it the reader stands.
#[derive(Debug, Default)]
pub struct Faults {
    path: String,
    errors: Vec<FieldProblem>,
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
            Some(fields) => Some(Object { fields, faults: self }),
            None => self.wrong_type("an object"),
        }
    }

    fn at<T>(&mut self, segment: impl Display, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path.len();
        self.path.push_str(&segment.to_string());
        let value = read(self);
        self.path.truncate(before);
        value
    }
}

/// The fields of an object.
pub struct Object<'v, 'f> {
    fields: &'v Map<String, Value>,
    faults: &'f mut Faults,
}

impl Object<'_, '_> {
    /// A field that must be there.
    pub fn required<T: Parse>(&mut self, name: &str) -> Option<T> {
        match self.fields.get(name) {
            None | Some(Value::Null) => self.field(name, |faults| faults.fault("required", "is required")),
            Some(value) => self.field(name, |faults| T::parse(value, faults)),
        }
    }

    /// A field that may be absent or null.
    pub fn optional<T: Parse>(&mut self, name: &str) -> Option<T> {
        let value = self.fields.get(name).filter(|value| !value.is_null())?;
        self.field(name, |faults| T::parse(value, faults))
    }

    /// A field whose absence keeps what is there, and whose null removes it.
    pub fn removable<T: Parse>(&mut self, name: &str) -> Option<Option<T>> {
        match self.fields.get(name)? {
            Value::Null => Some(None),
            value => self.field(name, |faults| T::parse(value, faults)).map(Some),
        }
    }

    /// A field that may be absent, but not null: there is nothing to remove.
    pub fn kept<T: Parse>(&mut self, name: &str) -> Option<T> {
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
    fn parse(_: &Value, _: &mut Faults) -> Option<Self> {
        Some(Self)
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
    fn what_fits_is_read_and_the_unknown_ignored() {
        let value = json!({"name": "Ana", "links": ["/a"], "picture": null, "again": {"name": "Ben"}, "more": 1});
        let sample = parse::<Sample>(&value).unwrap();
        assert_eq!((sample.links.len(), sample.picture), (1, Some(None)));
        assert_eq!(sample.again.unwrap().picture, None);
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

//! JSON in which every field of an object stands once.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::{
    cell::RefCell,
    fmt::{self, Display, Write as _},
};

/// What a text says.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value; of a field that stands twice, the last.
    pub value: Value,
    /// The path of the first field that stands twice in its object: `attachments[0].fileUrl`.
    pub repeated: Option<String>,
}

/// Why a text cannot be read, to be said of it: `is not JSON: …`.
#[derive(Debug)]
pub struct NotJson(serde_json::Error);

/// How serde_json words that one half of a pair of surrogates stands alone.
const LONE_SURROGATE: [&str; 2] = ["unexpected end of hex escape", "lone leading surrogate in hex escape"];

impl Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        let fault = error.to_string();
        if LONE_SURROGATE.iter().any(|words| fault.starts_with(words)) {
            let (line, column) = (error.line(), error.column());
            return write!(f, "has a lone surrogate, which is no character, at line {line} column {column}");
        }
        write!(f, "is not JSON: {error}")
    }
}

/// Reads a text that is JSON.
///
/// # Errors
/// Where and why it is none.
pub fn document(text: &str) -> Result<Document, NotJson> {
    let noted = RefCell::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Reading(&noted).deserialize(&mut reader).map_err(NotJson)?;
    reader.end().map_err(NotJson)?;
    Ok(Document { value, repeated: noted.into_inner().repeated })
}

/// Where the reader stands, and the first field that stands twice.
#[derive(Default)]
struct Noted {
    path: String,
    repeated: Option<String>,
}

/// Reads a value, and notes the first field that stands twice.
#[derive(Clone, Copy)]
struct Reading<'r>(&'r RefCell<Noted>);

impl Reading<'_> {
    /// Goes into a field or an item. Answers how long the path was.
    fn enter(self, segment: impl Display) -> usize {
        let path = &mut self.0.borrow_mut().path;
        let before = path.len();
        // Writing to a text does not fail.
        let _ = write!(path, "{segment}");
        before
    }

    fn leave(self, before: usize) {
        self.0.borrow_mut().path.truncate(before);
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        loop {
            let before = self.enter(format_args!("[{}]", read.len()));
            let item = items.next_element_seed(self)?;
            self.leave(before);
            match item {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let dot = if self.0.borrow().path.is_empty() { "" } else { "." };
            let before = self.enter(format_args!("{dot}{name}"));
            let value = fields.next_value_seed(self)?;
            if read.contains_key(&name) {
                let mut noted = self.0.borrow_mut();
                if noted.repeated.is_none() {
                    noted.repeated = Some(noted.path.clone());
                }
            }
            self.leave(before);
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::from_str;

    #[test]
    fn it_reads_what_json_is() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "1.5e3",
            r#""a\u00e9\n""#,
            r#"[1,[],{}]"#,
            r#" {"a":{"b":[{"c":null}]},"b":"x"} "#,
        ] {
            let read = document(text).unwrap();
            assert_eq!((read.value, read.repeated), (from_str(text).unwrap(), None), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        for text in ["", "{", "nonsense", "{} {}", "[1,]", r#"{"a" 1}"#, "1e999", &deep] {
            assert!(document(text).is_err() && from_str::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_field_that_stands_twice_is_noticed() {
        for (text, path) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"b":[0,{"a":1,"\u0061":2}]}"#, "b[1].a"),
            (r#"{"a":{"x":1},"b":2,"a":null,"b":1}"#, "a"),
            (r#"[[],[{"a":{"b":{},"b":1}}]]"#, "[1][0].a.b"),
        ] {
            assert_eq!(document(text).unwrap().repeated.as_deref(), Some(path), "{text}");
        }
        assert_eq!(document(r#"{"a":{"a":[{"a":1},{"a":1}]}}"#).unwrap().repeated, None);
    }

    #[test]
    fn a_lone_surrogate_is_called_so() {
        for text in [r#""\ud800""#, r#"{"a":"x\ud800y"}"#, r#"["\ud83d\u0041"]"#, r#""\udc00""#, r#""\ud800\n""#] {
            let fault = document(text).unwrap_err().to_string();
            assert!(
                fault.starts_with("has a lone surrogate, which is no character, at line 1 column "),
                "{text}: {fault}"
            );
        }
        for text in [r#""\u12""#, r#""\uzzzz""#, "{"] {
            let fault = document(text).unwrap_err().to_string();
            assert!(fault.starts_with("is not JSON: "), "{text}: {fault}");
        }
        assert_eq!(document(r#""\ud83d\ude00""#).unwrap().value, "😀");
    }
}

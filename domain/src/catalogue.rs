//! The catalogue of events: each event type is declared once. Everything else that is known of a type derives from it.

use crate::{AggregateType, Tier};
use serde_json::{Map, Value};

/// The receivers of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The audience of its scope, and its recipients.
    Scope,
    /// Its recipients only.
    Named,
}

/// Converts a payload of one version to the next.
pub(crate) type Upcaster = fn(&mut Map<String, Value>);

/// For a version that added optional fields: a payload without them is one of the next version.
pub(crate) const fn optional_fields(_: &mut Map<String, Value>) {}

/// An event type: the stored name, and the properties that all its events share.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    /// The aggregate whose streams hold it.
    pub aggregate: AggregateType,
    /// The stored name, such as `message.sent`.
    pub name: &'static str,
    /// The version that this build writes; the first is 1.
    pub version: u16,
    /// Its urgency.
    pub tier: Tier,
    /// Its receivers.
    pub audience: Audience,
    /// The name of its push; `None`: it is not pushed.
    pub push: Option<&'static str>,
    /// True if it counts as a message of its scope, that is, raises `scope_seq`.
    pub counts: bool,
    /// From version 1 to 2, from 2 to 3, and so on.
    upcasters: &'static [Upcaster],
}

impl EventType {
    pub(crate) const fn new(
        aggregate: AggregateType,
        name: &'static str,
        version: &str,
        tier: Tier,
        audience: Audience,
    ) -> Self {
        let version = number(version);
        Self { aggregate, name, version, tier, audience, push: None, counts: false, upcasters: &[] }
    }

    /// Pushes it under its stored name.
    pub(crate) const fn pushed(self) -> Self {
        self.pushed_as(self.name)
    }

    /// Pushes it under another name.
    pub(crate) const fn pushed_as(mut self, name: &'static str) -> Self {
        self.push = Some(name);
        self
    }

    /// Counts it as a message.
    pub(crate) const fn counts(mut self) -> Self {
        self.counts = true;
        self
    }

    /// Upcasts its older versions.
    pub(crate) const fn upcast(mut self, upcasters: &'static [Upcaster]) -> Self {
        self.upcasters = upcasters;
        self
    }

    /// Fails to compile unless every older version has an upcaster.
    pub(crate) const fn checked(self) -> Self {
        assert!(self.upcasters.len() + 1 == self.version as usize, "each version but the last has one upcaster");
        self
    }

    /// The type of a stored name, if this build knows it.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|known| known.name == name)
    }

    /// The type of a stored name, for constants: an unknown name does not compile.
    ///
    /// # Panics
    /// If no event type has the name.
    #[must_use]
    pub const fn named(name: &str) -> &'static Self {
        let mut of = 0;
        while of < crate::event::CATALOGUE.len() {
            if let Some(known) = Self::of(crate::event::CATALOGUE[of], name) {
                return known;
            }
            of += 1;
        }
        panic!("no event has this name")
    }

    /// All event types, by aggregate.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        crate::event::CATALOGUE.iter().copied().flatten()
    }

    /// True if everybody who receives the scope receives it.
    #[must_use]
    pub const fn is_scope_wide(&self) -> bool {
        matches!(self.audience, Audience::Scope)
    }

    /// Converts a payload of `version` to the current one, one version at a time.
    pub(crate) fn upcast_from(&self, version: u16, payload: &mut Value) {
        let Value::Object(fields) = payload else { return };
        for upcast in self.upcasters.iter().skip(usize::from(version.saturating_sub(1))) {
            upcast(fields);
        }
    }

    /// The type of that name among these.
    pub(crate) const fn of(types: &'static [Self], name: &str) -> Option<&'static Self> {
        let mut n = 0;
        while n < types.len() {
            if same(types[n].name, name) {
                return Some(&types[n]);
            }
            n += 1;
        }
        None
    }
}

/// Equality of texts, for constants.
pub(crate) const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut n = 0;
    while n < one.len() {
        if one[n] != other[n] {
            return false;
        }
        n += 1;
    }
    true
}

/// The number in `v1`.
const fn number(version: &str) -> u16 {
    let digits = version.as_bytes();
    assert!(digits.len() > 1 && digits[0] == b'v', "a version is written as v1");
    let (mut number, mut n) = (0, 1);
    while n < digits.len() {
        assert!(digits[n].is_ascii_digit(), "a version is written as v1");
        number = 10 * number + (digits[n] - b'0') as u16;
        n += 1;
    }
    number
}

/// Declares the events of an aggregate: a table of their types, then the shape of each, in the order of the table.
///
/// A row is `Variant => "stored.name" version tier audience` and further properties: `pushed` or `pushed_as("name")`,
/// `counts`, `upcast(&[from_1, from_2])`. These are functions of [`EventType`].
macro_rules! events {
    (
        $(#[$meta:meta])*
        $Event:ident of $Aggregate:ident {
            $($Row:ident => $name:literal $version:ident $tier:ident $audience:ident
                $($fact:ident $(($($value:tt)*))?)*),+ $(,)?
        }
        $($(#[$of_variant:meta])* $Variant:ident $({ $($fields:tt)* })?),+ $(,)?
    ) => {
        $(#[$meta])*
        #[derive(::serde::Serialize, ::serde::Deserialize)]
        #[serde(tag = "type", rename_all_fields = "camelCase")]
        pub enum $Event {
            $($(#[$of_variant])* #[serde(rename = $name)] $Variant $({ $($fields)* })?),+
        }

        impl $Event {
            /// The types of its events.
            pub const TYPES: &'static [$crate::catalogue::EventType] = {
                use $crate::{AggregateType, Tier, catalogue::{Audience, EventType}};
                $(assert!(
                    $crate::catalogue::same(stringify!($Row), stringify!($Variant)),
                    concat!("the shapes stand in the order of the table, where ", stringify!($Row), " comes"),
                );)+
                &[$(
                    EventType::new(AggregateType::$Aggregate, $name, stringify!($version), Tier::$tier, Audience::$audience)
                        $(.$fact($($($value)*)?))*
                        .checked()
                ),+]
            };

            /// Its type.
            #[must_use]
            pub const fn event_type(&self) -> &'static $crate::catalogue::EventType {
                match self {
                    $(Self::$Row { .. } => const { $crate::catalogue::EventType::named($name) }),+
                }
            }
        }
    };
}
pub(crate) use events;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn count(fields: &mut Map<String, Value>) {
        fields.insert("count".to_owned(), json!(1));
    }

    fn count_twice(fields: &mut Map<String, Value>) {
        let count = fields.remove("count").unwrap();
        fields.insert("counts".to_owned(), json!([count, count]));
    }

    #[test]
    fn an_older_payload_goes_through_every_version_after_its_own() {
        let counted = EventType::new(AggregateType::User, "test.counted", "v3", Tier::Medium, Audience::Named);
        let counted = counted.upcast(&[count, count_twice]).checked();
        for (version, payload) in [(1, json!({})), (2, json!({"count": 1})), (3, json!({"counts": [1, 1]}))] {
            let mut upcast = payload;
            counted.upcast_from(version, &mut upcast);
            assert_eq!(upcast, json!({"counts": [1, 1]}), "from version {version}");
        }
    }

    #[test]
    fn a_version_is_a_number() {
        assert_eq!(["v1", "v2", "v10", "v65535"].map(number), [1, 2, 10, 65_535]);
    }
}

//! What was asked: the parameters of a request, read, and as they are recorded.

use crate::routes::page::Parameters;
use domain::AggregateType;
use event_store::{Moment, Position};
use projections::audit::AuditFilter;
use protocol::Problem;
use std::{collections::BTreeMap, fmt::Display, str::FromStr};
use uuid::Uuid;

/// The longest name of a type.
pub(in crate::routes) const LONGEST_WORD: usize = 64;

/// A filter, and its words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(super) filter: AuditFilter,
    pub(super) words: BTreeMap<String, String>,
}

impl Asked {
    /// From the parameters of a request.
    pub(crate) fn of(parameters: &Parameters) -> Result<Self, Problem> {
        let mut words = BTreeMap::new();
        let mut reader = Reader { parameters, words: &mut words };
        let mut filter = AuditFilter {
            actor: reader.id("actor")?,
            event_type: reader.word("type")?,
            aggregate_type: reader.aggregate()?,
            aggregate_id: reader.id("aggregateId")?,
            scope: reader.id("scope")?,
            correlation_id: reader.id("correlationId")?,
            from_position: reader.position("fromPosition")?,
            to_position: reader.position("toPosition")?,
            ..AuditFilter::default()
        };
        match reader.moment("from")? {
            Some(Moment::Time(time)) => filter.from = Some(time),
            Some(Moment::At(from)) => filter.from_position = filter.from_position.max(Some(from)),
            None => {}
        }
        match reader.moment("to")? {
            Some(Moment::Time(time)) => filter.to = Some(time),
            Some(Moment::At(to)) => filter.to_position = Some(filter.to_position.map_or(to, |other| other.min(to))),
            None => {}
        }
        Ok(Self { filter, words })
    }
}

/// The moment that a request asks for.
pub(super) fn moment(parameters: &Parameters) -> Result<Option<Moment>, Problem> {
    parameters.parsed("at", "a position, or an RFC 3339 time")
}

struct Reader<'p> {
    parameters: &'p Parameters,
    words: &'p mut BTreeMap<String, String>,
}

impl Reader<'_> {
    fn id(&mut self, name: &str) -> Result<Option<Uuid>, Problem> {
        let id = self.parameters.id(name)?;
        self.words.extend(id.map(|id| (name.to_owned(), id.to_string())));
        Ok(id)
    }

    fn position(&mut self, name: &str) -> Result<Option<Position>, Problem> {
        self.read(name, "a position")
    }

    fn moment(&mut self, name: &str) -> Result<Option<Moment>, Problem> {
        self.read(name, "an RFC 3339 time, or a position")
    }

    fn word(&mut self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.read::<Word>(name, "a name such as message.sent")?.map(|Word(word)| word))
    }

    fn aggregate(&mut self) -> Result<Option<String>, Problem> {
        let known: Vec<_> = AggregateType::ALL.iter().map(|kind| (kind.as_str(), kind.as_str())).collect();
        let kind = self.parameters.any_of("aggregateType", &known)?.map(str::to_owned);
        self.words.extend(kind.iter().map(|kind| ("aggregateType".to_owned(), kind.clone())));
        Ok(kind)
    }

    fn read<T: FromStr + Display>(&mut self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        let value: Option<T> = self.parameters.parsed(name, wanted)?;
        self.words.extend(value.as_ref().map(|value| (name.to_owned(), value.to_string())));
        Ok(value)
    }
}

/// The name of a type: nothing that anybody could write into the record of the reading.
struct Word(String);

impl FromStr for Word {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || b"._".contains(&byte);
        let good = (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(plain);
        good.then(|| Self(text.to_owned())).ok_or(())
    }
}

impl Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

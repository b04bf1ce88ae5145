//! The texts that match a search with one closeness: as an expression of an engine's index, and as a condition on the words
//! of a row.

use crate::terms::{Closeness, Condition, Terms};
use domain::ConversationId;
use sql::{Engine, Value};
use words::conversation_word;

/// The texts that match with one closeness and not with a closer one.
#[derive(Clone, Debug)]
pub(crate) struct Matching {
    engine: Engine,
    wanted: Vec<Condition>,
    /// The conditions of the closer matches, which are left out.
    closer: Option<Vec<Condition>>,
}

/// The operators of an engine's index.
struct Syntax {
    and: &'static str,
    or: &'static str,
    and_not: &'static str,
    begun: &'static str,
    quote: char,
}

impl Syntax {
    const fn of(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self { and: " AND ", or: " OR ", and_not: " NOT ", begun: " *", quote: '"' },
            Engine::Postgres => Self { and: " & ", or: " | ", and_not: " & !", begun: ":*", quote: '\'' },
        }
    }

    fn quoted(&self, word: &str) -> String {
        let quote = self.quote;
        format!("{quote}{word}{quote}")
    }

    fn any(&self, words: impl IntoIterator<Item = String>) -> String {
        format!("({})", words.into_iter().collect::<Vec<_>>().join(self.or))
    }

    /// All of some conditions, in one of some conversations or anywhere if there are none.
    fn all<'a>(&self, rooms: &[ConversationId], conditions: impl IntoIterator<Item = &'a Condition>) -> String {
        let within = self.any(rooms.iter().map(|room| self.quoted(&conversation_word(*room))));
        let of = |condition: &Condition| {
            let end = if condition.goes_on { self.begun } else { "" };
            self.any(condition.words.iter().map(|word| self.quoted(word) + end))
        };
        let within = (!rooms.is_empty()).then_some(within);
        within.into_iter().chain(conditions.into_iter().map(of)).collect::<Vec<_>>().join(self.and)
    }
}

impl Matching {
    /// `None` if every text that matches with this closeness matches with a closer one, too.
    pub(crate) fn of(terms: &Terms, closeness: Closeness, engine: Engine) -> Option<Self> {
        let wanted = terms.conditions(closeness);
        let closer = closeness.closer().map(|closer| terms.conditions(closer));
        (closer.as_ref() != Some(&wanted)).then_some(Self { engine, wanted, closer })
    }

    /// Whether words may go on after a term: an index then reads every message with such a word before the first hit.
    pub(crate) fn has_beginnings(&self) -> bool {
        self.wanted.iter().any(|condition| condition.goes_on)
    }

    /// The expression of the index, within some conversations or anywhere if there are none.
    pub(crate) fn expression(&self, rooms: &[ConversationId]) -> String {
        let syntax = Syntax::of(self.engine);
        let within = syntax.all(rooms, &self.wanted);
        match &self.closer {
            Some(closer) => format!("({within}){}({})", syntax.and_not, syntax.all(&[], closer)),
            None => within,
        }
    }

    /// The expression of the index for the whole words and the conversations alone; `None` if there are neither. More texts
    /// match.
    pub(crate) fn whole_words(&self, rooms: &[ConversationId]) -> Option<String> {
        let whole = self.wanted.iter().filter(|condition| !condition.goes_on);
        let expression = Syntax::of(self.engine).all(rooms, whole);
        (!expression.is_empty()).then_some(expression)
    }

    /// The condition on the words of the row `e`, with its values: the placeholder of the first is `$first`.
    pub(crate) fn condition(&self, first: usize) -> (String, Vec<Value>) {
        let position_of = match self.engine {
            Engine::Sqlite => "instr",
            Engine::Postgres => "strpos",
        };
        let mut values: Vec<Value> = Vec::new();
        let mut all = |conditions: &[Condition]| {
            let mut parts = Vec::with_capacity(conditions.len());
            for condition in conditions {
                let mut ways = Vec::with_capacity(condition.words.len());
                let (words, end) = if condition.goes_on { ("e.words", "") } else { ("e.words || ' '", " ") };
                for word in &condition.words {
                    ways.push(format!("{position_of}({words}, ${}) > 0", first + values.len()));
                    values.push(format!(" {word}{end}").into());
                }
                parts.push(format!("({})", ways.join(" OR ")));
            }
            parts.join(" AND ")
        };
        let wanted = all(&self.wanted);
        let sql = match &self.closer {
            Some(closer) => format!("{wanted} AND NOT ({})", all(closer)),
            None => wanted,
        };
        (sql, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(text: &str, closeness: Closeness, engine: Engine) -> Option<Matching> {
        Matching::of(&Terms::of(text), closeness, engine)
    }

    #[test]
    fn a_closer_match_is_left_out() {
        let begun = matching("red tôi", Closeness::Begun, Engine::Postgres).unwrap();
        assert_eq!(begun.expression(&[]), "(('red') & ('toi':*)) & !(('red') & ('toi'))");
        assert_eq!(begun.whole_words(&[]).as_deref(), Some("('red')"));
        assert!(begun.has_beginnings());
        let whole = matching("red tôi", Closeness::Whole, Engine::Sqlite).unwrap();
        assert_eq!(whole.expression(&[]), "((\"red\") AND (\"toi\")) NOT ((\"red\") AND (\"¶tôi\"))");
        assert!(!whole.has_beginnings());
        assert!(matching("red tea", Closeness::Whole, Engine::Sqlite).is_none(), "nothing has marks");
        let written = matching("red tôi", Closeness::Written, Engine::Postgres).unwrap();
        assert_eq!(written.expression(&[]), "('red') & ('¶tôi')");
    }

    #[test]
    fn the_condition_on_a_row_says_the_same() {
        let begun = matching("red te", Closeness::Begun, Engine::Sqlite).unwrap();
        let has = |n: usize| format!("(instr(e.words || ' ', ${n}) > 0)");
        let want = format!("{} AND (instr(e.words, $7) > 0) AND NOT ({} AND {})", has(6), has(8), has(9));
        let values = [" red ", " te", " red ", " te "].map(Value::from).to_vec();
        assert_eq!(begun.condition(6), (want, values));
    }

    #[test]
    fn a_search_for_one_unfinished_word_has_no_whole_words() {
        let begun = matching("te", Closeness::Begun, Engine::Postgres).unwrap();
        assert_eq!(begun.whole_words(&[]), None);
        let room = ConversationId(uuid::Uuid::nil());
        assert_eq!(begun.whole_words(&[room]).as_deref(), Some("('§00000000000000000000000000000000')"));
    }
}

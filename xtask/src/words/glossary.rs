//! The words that `docs/GLOSSARY.md` retires.

use anyhow::{Result, ensure};

const WORDS: &str = "## Retired words";
const IDENTIFIERS: &str = "## Retired identifiers";
/// The second column of an identifier that is retired in every file.
const ANYWHERE: &str = "*";

/// A word or identifier that is not to be used any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Retired {
    pub(super) text: String,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// Found in any case, in code and prose; `_` separates words.
    Word,
    /// Found as it is spelled, in code under one of these paths.
    Identifier(Vec<String>),
}

/// Reads both tables of the glossary.
pub(super) fn read(glossary: &str) -> Result<Vec<Retired>> {
    let mut retired = Vec::new();
    for [words, _] in rows(glossary, WORDS) {
        retired.extend(words.split(',').map(|word| Retired { text: word.trim().to_owned(), kind: Kind::Word }));
    }
    for [names, places] in rows(glossary, IDENTIFIERS) {
        let places: Vec<_> = places.split(',').map(|place| place.trim().trim_matches('`').to_owned()).collect();
        let named = identifiers(names).map(|text| Retired { text, kind: Kind::Identifier(places.clone()) });
        retired.extend(named);
    }
    ensure!(!retired.is_empty(), "docs/GLOSSARY.md has no table under {WORDS:?} or {IDENTIFIERS:?}");
    Ok(retired)
}

/// The first two columns of the table under a heading, without its head.
fn rows<'g>(glossary: &'g str, heading: &str) -> impl Iterator<Item = [&'g str; 2]> {
    let under = glossary.lines().skip_while(move |line| *line != heading).skip(1);
    let table = under.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| "));
    table.skip(1).filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        Some([cells.next()?, cells.next()?])
    })
}

/// The identifiers of a cell: what is between backticks, unless `its` stands before it. `A::{B, C}` is `A::B` and `A::C`.
fn identifiers(cell: &str) -> impl Iterator<Item = String> {
    let parts: Vec<_> = cell.split('`').collect();
    let named = parts.chunks(2).filter_map(|pair| match pair {
        [before, name] if !before.trim_end().ends_with("its") => Some((*name).to_owned()),
        _ => None,
    });
    let expanded = named.flat_map(|name| match name.trim_end_matches('}').split_once("::{") {
        Some((path, names)) => names.split(',').map(|name| format!("{path}::{}", name.trim())).collect(),
        None => vec![name],
    });
    expanded.collect::<Vec<_>>().into_iter()
}

impl Retired {
    /// Whether a file may not use it.
    pub(super) fn concerns(&self, path: &str) -> bool {
        match &self.kind {
            Kind::Word => true,
            Kind::Identifier(places) => {
                let is_here = |place: &String| place == ANYWHERE || path.starts_with(place.as_str());
                path.ends_with(".rs") && places.iter().any(is_here)
            }
        }
    }

    /// The offsets in a line at which it stands as a whole.
    pub(super) fn find(&self, line: &str) -> Vec<usize> {
        let is_word = self.kind == Kind::Word;
        let lower = if is_word { line.to_ascii_lowercase() } else { line.to_owned() };
        let continues = |c: char| c.is_alphabetic() || (!is_word && (c.is_numeric() || c == '_'));
        let is_whole = |at: &usize| {
            let (before, after) = (&lower[..*at], &lower[at + self.text.len()..]);
            !before.ends_with(continues) && !after.starts_with(continues)
        };
        lower.match_indices(&self.text).map(|(at, _)| at).filter(is_whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    const GLOSSARY: &str = "# Glossary\n\n## Retired words\n\n| retired | now |\n|---|---|\n| whilom, quoth he | said |\n\n\
         ## Retired identifiers\n\n| retired | where | now |\n|---|---|---|\n\
         | `Crowd`, its `Place` | `gateway/src/`, jobs | `Limiter` |\n| `Presence::{Enters, Leaves}` | * | `Join` |\n";

    #[test]
    fn both_tables_are_read() {
        let retired = read(GLOSSARY).unwrap();
        let texts: Vec<_> = retired.iter().map(|retired| retired.text.as_str()).collect();
        assert_eq!(texts, ["whilom", "quoth he", "Crowd", "Presence::Enters", "Presence::Leaves"]);
        assert!(read("# Glossary").is_err());
    }

    #[test]
    fn a_word_is_found_in_any_case_and_an_identifier_in_its_place_alone() {
        let retired = read(GLOSSARY).unwrap();
        let [whilom, _, crowd, enters, _] = &retired[..] else { panic!("{retired:?}") };
        assert_eq!(whilom.find("Whilom once, is_whilom twice; unwhilom, whiloms"), [0, 16]);
        assert!(whilom.concerns("docs/tour.md") && whilom.concerns("domain/src/lib.rs"));
        assert_eq!(crowd.find("Crowd, Crowds, a_Crowd and Crowd::enter"), [0, 27]);
        assert!(crowd.concerns("gateway/src/app.rs") && crowd.concerns("jobs/src/lib.rs"));
        assert!(!crowd.concerns("loadgen/src/main.rs") && !crowd.concerns("gateway/src/notes.md"));
        assert!(enters.concerns("domain/src/event.rs"));
    }
}

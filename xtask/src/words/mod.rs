//! Retired words in code and documents: refused, beyond what is left of them in each crate.

mod ceilings;
mod glossary;

use crate::shell::{say, workspace_root};
use anyhow::{Context, Result, bail};
use ceilings::CEILINGS;
use glossary::Retired;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const GLOSSARY: &str = "docs/GLOSSARY.md";
/// The crate that files outside of all crates count for.
const DOCUMENTS: &str = "docs";
/// Folders without files of ours.
const FOREIGN: [&str; 2] = ["target", "node_modules"];

/// A retired word in a file.
struct Use {
    place: String,
    word: String,
}

/// The uses in each crate, by the crate's folder.
type Uses = BTreeMap<String, Vec<Use>>;

/// Fails if a crate uses retired words more often than its ceiling allows. A ceiling that is too high is only reported.
pub(crate) fn check() -> Result<()> {
    let uses = read(&workspace_root())?;
    let mut faults = Vec::new();
    for (folder, uses) in &uses {
        let ceiling = CEILINGS.iter().find(|(known, _)| known == folder).map_or(0, |(_, ceiling)| *ceiling);
        if uses.len() > ceiling {
            faults.push(format!("{folder}: {} uses, at most {ceiling} may be: {}", uses.len(), by_word(uses)));
        }
    }
    for (folder, ceiling) in CEILINGS {
        let count = uses.get(*folder).map_or(0, Vec::len);
        if count < *ceiling {
            say(format_args!("{folder} uses {count} retired words: its ceiling of {ceiling} can be lowered"));
        }
    }
    if faults.is_empty() {
        say("no crate uses more retired words than are left of old ones");
        return Ok(());
    }
    bail!("{GLOSSARY} retires these words (`cargo xtask words <crate>` names the lines):\n  {}", faults.join("\n  "))
}

/// Prints each line of a crate that uses a retired word.
#[expect(clippy::print_stdout, reason = "the output is the result")]
pub(crate) fn show(folder: &str) -> Result<()> {
    let uses = read(&workspace_root())?.remove(folder).unwrap_or_default();
    for Use { place, word } in &uses {
        println!("{place}: {word}");
    }
    println!("{folder}: {} uses: {}", uses.len(), by_word(&uses));
    Ok(())
}

fn by_word(uses: &[Use]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for Use { word, .. } in uses {
        *counts.entry(word).or_default() += 1;
    }
    counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}

fn read(root: &Path) -> Result<Uses> {
    let glossary = fs::read_to_string(root.join(GLOSSARY)).with_context(|| format!("cannot read {GLOSSARY}"))?;
    let retired = glossary::read(&glossary)?;
    let mut uses = Uses::new();
    visit(root, root, DOCUMENTS, &retired, &mut uses)?;
    Ok(uses)
}

/// Reads the files of a folder that belongs to a crate, and of all folders in it.
fn visit(root: &Path, folder: &Path, owner: &str, retired: &[Retired], uses: &mut Uses) -> Result<()> {
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let is_crate = folder != root && folder.join("Cargo.toml").is_file();
    let own = relative(folder);
    let owner = if is_crate { &own } else { owner };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_foreign = name.starts_with('.') || FOREIGN.contains(&name.as_str()) || path.is_symlink();
        if path.is_dir() && !is_foreign {
            visit(root, &path, owner, retired, uses)?;
        } else if [".rs", ".md"].iter().any(|ending| name.ends_with(ending)) && relative(&path) != GLOSSARY {
            let found = uses_in(&relative(&path), &fs::read_to_string(&path)?, retired);
            uses.entry(owner.to_owned()).or_default().extend(found);
        }
    }
    Ok(())
}

fn uses_in(path: &str, text: &str, retired: &[Retired]) -> Vec<Use> {
    let retired: Vec<_> = retired.iter().filter(|retired| retired.concerns(path)).collect();
    let mut uses = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        // `Crowd::enter` is one use, not two.
        let mut seen = BTreeSet::new();
        for retired in &retired {
            let found = retired.find(line).into_iter().filter(|at| seen.insert(*at));
            uses.extend(found.map(|_| Use { place: format!("{path}:{number}"), word: retired.text.clone() }));
        }
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::{by_word, read};
    use std::fs;

    #[test]
    fn uses_are_counted_for_the_crate_of_their_file() {
        let root = tempfile::tempdir().unwrap();
        let glossary = "## Retired words\n| retired | now |\n|---|---|\n| whilom, yclept | said |\n";
        for (file, text) in [
            ("docs/GLOSSARY.md", glossary),
            ("README.md", "You are whilom."),
            ("gateway/Cargo.toml", ""),
            ("gateway/src/lib.rs", "//! Whilom and yclept.\nfn is_whilom() {}\n"),
            ("gateway/config/Cargo.toml", ""),
            ("gateway/config/src/lib.rs", "// yclept"),
            ("gateway/target/old.rs", "// yclept"),
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let uses = read(root.path()).unwrap();
        let counted: Vec<_> = uses.iter().map(|(folder, uses)| (folder.as_str(), by_word(uses))).collect();
        let expected = [("docs", "whilom 1"), ("gateway", "whilom 2, yclept 1"), ("gateway/config", "yclept 1")];
        assert_eq!(counted, expected.map(|(folder, words)| (folder, words.to_owned())));
    }
}

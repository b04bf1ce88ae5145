//! Where settings come from: the environment, `.env.local`, `.env`, `chatchit.toml`; the first that has one wins.

use super::variables::VARIABLES;
use std::{collections::HashMap, fs, io, path::Path};

/// Names and values, in the order of a file.
type Pairs = Vec<(String, String)>;

/// The raw settings, and what was wrong with the places they come from.
#[derive(Debug, Default)]
pub struct Sources {
    values: HashMap<String, String>,
    /// What could not be read, one sentence each.
    pub faults: Vec<String>,
}

impl Sources {
    /// Reads the files of `folder` below the given environment.
    #[must_use]
    pub fn read(environment: impl Iterator<Item = (String, String)>, folder: &Path) -> Self {
        let known = |(name, _): &(String, String)| VARIABLES.iter().any(|variable| variable.name == name);
        let mut sources = Self { values: environment.filter(known).collect(), faults: Vec::new() };
        for name in [".env.local", ".env"] {
            sources.file(folder, name, dotenv);
        }
        sources.file(folder, "chatchit.toml", from_toml);
        sources
    }

    /// The setting, unless it is unset or blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn file(&mut self, folder: &Path, name: &str, parse: fn(&str) -> Result<Pairs, String>) {
        let text = match fs::read_to_string(folder.join(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.faults.push(format!("{name} cannot be read: {error}")),
        };
        match parse(&text) {
            Ok(settings) => {
                for (name, value) in settings {
                    self.values.entry(name).or_insert(value);
                }
            }
            Err(fault) => self.faults.push(format!("{name}: {fault}")),
        }
    }
}

/// `NAME=value` lines; `#` comments, `export` and quotes as in a shell. Other programs' settings may stand there too.
fn dotenv(text: &str) -> Result<Pairs, String> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=').ok_or_else(|| format!("line {number} is not NAME=value"))?;
            Ok((name.trim().to_owned(), unquoted(value.trim()).to_owned()))
        })
        .collect()
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value.split_once(" #").map_or(value, |(value, _)| value.trim_end())
}

/// One flat table; a list is the same as its items with commas between.
fn from_toml(text: &str) -> Result<Pairs, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    table
        .into_iter()
        .map(|(name, value)| {
            let name = name.to_uppercase();
            if !VARIABLES.iter().any(|variable| variable.name == name) {
                return Err(format!("{name} is not a setting"));
            }
            let value = plain(&value).ok_or_else(|| format!("{name} must be text, a number, or a list of them"))?;
            Ok((name, value))
        })
        .collect()
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => Some(items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(",")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_first_place_that_has_a_setting_wins() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".env.local"), "PORT=2\nHOST='::1'\n").unwrap();
        fs::write(folder.path().join(".env"), "# comment\nexport HOST=0.0.0.0\nAPP_ENV=\"production\" \nX=1").unwrap();
        fs::write(folder.path().join("chatchit.toml"), "port = 4\nallowed_origins = [\"a\", \"b\"]").unwrap();
        let sources = Sources::read(pairs(&[("PORT", "1")]).into_iter(), folder.path());
        let seen = ["PORT", "HOST", "APP_ENV", "ALLOWED_ORIGINS", "REDIS_URL"].map(|name| sources.get(name));
        assert_eq!(seen, [Some("1"), Some("::1"), Some("production"), Some("a,b"), None]);
        assert!(sources.faults.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".env"), "PORT 8080").unwrap();
        fs::write(folder.path().join("chatchit.toml"), "prot = 1").unwrap();
        let sources = Sources::read(std::iter::empty(), folder.path());
        assert_eq!(sources.faults, [".env: line 1 is not NAME=value", "chatchit.toml: PROT is not a setting"]);
    }
}

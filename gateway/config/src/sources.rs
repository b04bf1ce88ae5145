//! Where settings come from: the environment, `.env.local`, `.env`, `chatchit.toml`; the first that has one wins. A secret may
//! also be in a file of its own, which `<NAME>_FILE` names.

use super::{
    secrets::without_password,
    variables::{Secrecy, VARIABLES, Variable, is_known, nearest},
};
use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// Names and values, in the order of a file.
type Pairs = Vec<(String, String)>;

/// The names of this program. Others that begin so are misspelt, except those of its tests.
const OWN: &str = "CHATCHIT_";
const OF_TESTS: &str = "CHATCHIT_TEST_";
/// The most bytes of a file with a secret.
const LONGEST_SECRET: u64 = 64 * 1_024;

/// The raw settings, and what is wrong with the places they come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    values: HashMap<String, Given>,
    /// Faults of these places, one sentence each.
    pub faults: Vec<String>,
    /// What is probably not meant, one sentence each.
    pub warnings: Vec<String>,
}

/// A value, and where it was found. It may be a secret: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
struct Given {
    value: String,
    origin: Origin,
}

/// Where a value was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the default holds.
    #[default]
    Default,
    /// In the environment.
    Environment,
    /// In a file of the working folder.
    File(&'static str),
    /// In a file that holds a secret alone.
    SecretFile(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment => f.write_str("environment"),
            Self::File(name) => f.write_str(name),
            Self::SecretFile(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A setting in force, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Its name.
    pub name: &'static str,
    /// Its value, without secrets; the text of its default when it is not set.
    pub value: String,
    /// Where it was found.
    pub origin: Origin,
}

impl Sources {
    /// Reads the environment, and the files of the working folder.
    #[must_use]
    pub fn here() -> Self {
        Self::read(std::env::vars_os(), Path::new("."))
    }

    /// Reads the files of `folder` below the given environment.
    #[must_use]
    pub fn read(environment: impl Iterator<Item = (OsString, OsString)>, folder: &Path) -> Self {
        let mut sources = Self::default();
        let mut pairs = Pairs::new();
        for (name, value) in environment {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => pairs.push((name, value)),
                Err(_) if is_known(&name) => sources.faults.push(format!("{name} is not valid UTF-8")),
                Err(_) => (),
            }
        }
        pairs.sort();
        sources.take(pairs, &Origin::Environment);
        for name in [".env.local", ".env"] {
            sources.file(folder, name, dotenv);
        }
        sources.file(folder, "chatchit.toml", from_toml);
        for variable in VARIABLES {
            sources.secret_file(variable, folder);
        }
        sources
    }

    /// The setting, unless it is unset or blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|given| given.value.trim()).filter(|value| !value.is_empty())
    }

    /// All settings, without secrets, in the order of [`VARIABLES`].
    pub fn in_force(&self) -> impl Iterator<Item = InForce> {
        VARIABLES.iter().map(|variable| {
            let Some(value) = self.get(variable.name) else {
                return InForce { name: variable.name, value: variable.default.to_owned(), origin: Origin::Default };
            };
            let value = match variable.secrecy {
                Secrecy::Public => value.to_owned(),
                Secrecy::Url => without_password(value),
                Secrecy::Secret => "(hidden)".to_owned(),
            };
            let origin = self.values.get(variable.name).map(|given| given.origin.clone()).unwrap_or_default();
            InForce { name: variable.name, value, origin }
        })
    }

    /// The settings whose values differ from those of `other`.
    pub fn changed<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = &'static Variable> + 's {
        VARIABLES.iter().filter(|variable| self.get(variable.name) != other.get(variable.name))
    }

    fn file(&mut self, folder: &Path, name: &'static str, parse: fn(&str) -> Result<Pairs, String>) {
        let text = match fs::read_to_string(folder.join(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.faults.push(format!("{name} cannot be read: {error}")),
        };
        match parse(&text) {
            Ok(settings) => self.take(settings, &Origin::File(name)),
            Err(fault) => self.faults.push(format!("{name}: {fault}")),
        }
    }

    /// Takes what earlier places do not have, and checks the names.
    fn take(&mut self, pairs: Pairs, origin: &Origin) {
        let mut unknown = BTreeSet::new();
        for (name, value) in pairs {
            if is_known(&name) {
                self.values.entry(name).or_insert_with(|| Given { value, origin: origin.clone() });
            } else {
                unknown.insert(name);
            }
        }
        for name in unknown {
            if name.starts_with(OWN) && !name.starts_with(OF_TESTS) {
                self.faults.push(not_a_setting(&name));
            } else if nearest(&name).is_some_and(|meant| self.get(meant).is_none()) {
                self.warnings.push(not_a_setting(&name));
            }
        }
    }

    /// Reads the secret that is in a file of its own, if there is one.
    fn secret_file(&mut self, variable: &Variable, folder: &Path) {
        let Some(name) = variable.file_name() else { return };
        let Some(path) = self.get(&name).map(|path| folder.join(path)) else { return };
        if self.get(variable.name).is_some() {
            return self.faults.push(format!("{} and {name} are both set: keep one of them", variable.name));
        }
        match secret_in(&path) {
            Ok(value) if value.trim().is_empty() => self.faults.push(format!("{name}: {} is empty", path.display())),
            Ok(value) => {
                let given = Given { value, origin: Origin::SecretFile(path) };
                self.values.insert(variable.name.to_owned(), given);
            }
            Err(error) => self.faults.push(format!("{name}: {} cannot be read: {error}", path.display())),
        }
    }
}

fn secret_in(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > LONGEST_SECRET {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large for a secret"));
    }
    fs::read_to_string(path)
}

fn not_a_setting(name: &str) -> String {
    match nearest(name) {
        Some(meant) => format!("{name} is not a setting; did you mean {meant}?"),
        None => format!("{name} is not a setting; `chatchit --help` lists them"),
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
            if !is_known(&name) {
                return Err(not_a_setting(&name));
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

    fn environment(pairs: &[(&str, &str)]) -> impl Iterator<Item = (OsString, OsString)> {
        pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect::<Vec<_>>().into_iter()
    }

    fn read(pairs: &[(&str, &str)]) -> Sources {
        Sources::read(environment(pairs), tempfile::tempdir().unwrap().path())
    }

    #[test]
    fn the_first_place_that_has_a_setting_wins() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".env.local"), "PORT=2\nHOST='::1'\n").unwrap();
        fs::write(folder.path().join(".env"), "# comment\nexport HOST=0.0.0.0\nAPP_ENV=\"production\" \nX=1").unwrap();
        fs::write(folder.path().join("chatchit.toml"), "port = 4\nallowed_origins = [\"a\", \"b\"]").unwrap();
        let sources = Sources::read(environment(&[("PORT", "1")]), folder.path());
        let seen = ["PORT", "HOST", "APP_ENV", "ALLOWED_ORIGINS", "REDIS_URL"].map(|name| sources.get(name));
        assert_eq!(seen, [Some("1"), Some("::1"), Some("production"), Some("a,b"), None]);
        assert!(sources.faults.is_empty() && sources.warnings.is_empty(), "{sources:?}");
        let origin = |name| sources.in_force().find(|setting| setting.name == name).unwrap().origin;
        let origins = ["PORT", "HOST", "ALLOWED_ORIGINS", "REDIS_URL"].map(origin);
        assert_eq!(
            origins,
            [Origin::Environment, Origin::File(".env.local"), Origin::File("chatchit.toml"), Origin::Default]
        );
    }

    #[test]
    fn an_unreadable_setting_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".env"), "PORT 8080").unwrap();
        fs::write(folder.path().join("chatchit.toml"), "prot = 1").unwrap();
        let sources = Sources::read(std::iter::empty(), folder.path());
        let faults = [".env: line 1 is not NAME=value", "chatchit.toml: PROT is not a setting; did you mean PORT?"];
        assert_eq!(sources.faults, faults);
    }

    #[test]
    fn an_unknown_name_of_this_program_is_a_fault_and_one_that_is_alike_a_warning() {
        let names = [
            ("CHATCHIT_ADVERTISED_ADDRESS", "x"),
            ("CHATCHIT_MASTERKEY", "x"),
            ("CHATCHIT_TEST_DATABASE_URL", "x"),
            ("PROT", "1"),
            ("HOME", "/root"),
            ("RABBITMQ_URI", "amqp://h"),
            ("RABBITMQ_URL", "amqp://h"),
        ];
        let sources = read(&names);
        let faults = [
            "CHATCHIT_ADVERTISED_ADDRESS is not a setting; `chatchit --help` lists them",
            "CHATCHIT_MASTERKEY is not a setting; did you mean CHATCHIT_MASTER_KEY?",
        ];
        assert_eq!(sources.faults, faults);
        assert_eq!(sources.warnings, ["PROT is not a setting; did you mean PORT?"], "RABBITMQ_URL is set");
    }

    #[test]
    fn a_secret_may_be_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "north wind\n").unwrap();
        let path = path.to_str().unwrap();
        let sources = Sources::read(environment(&[("TURN_SECRET_FILE", "secret")]), folder.path());
        assert_eq!((sources.get("TURN_SECRET"), sources.faults.len()), (Some("north wind"), 0));
        let shown = sources.in_force().find(|setting| setting.name == "TURN_SECRET").unwrap();
        assert_eq!((shown.value.as_str(), shown.origin), ("(hidden)", Origin::SecretFile(path.into())));
        let both = read(&[("TURN_SECRET_FILE", path), ("TURN_SECRET", "x")]);
        assert_eq!(both.faults, ["TURN_SECRET and TURN_SECRET_FILE are both set: keep one of them"]);
        let absent = read(&[("METRICS_TOKEN_FILE", "/nowhere/token")]);
        assert!(absent.faults[0].starts_with("METRICS_TOKEN_FILE: /nowhere/token cannot be read: "), "{absent:?}");
        fs::write(path, " \n").unwrap();
        assert_eq!(read(&[("TURN_SECRET_FILE", path)]).faults, [format!("TURN_SECRET_FILE: {path} is empty")]);
    }

    #[test]
    fn what_differs_is_found_and_passwords_are_not_shown() {
        let before = read(&[("RUST_LOG", "info"), ("REDIS_URL", "redis://:wind@h:1/0")]);
        let after = read(&[("RUST_LOG", "debug"), ("REDIS_URL", "redis://:wind@h:1/0"), ("PORT", "1")]);
        let changed: Vec<_> = after.changed(&before).map(|variable| variable.name).collect();
        assert_eq!(changed, ["PORT", "RUST_LOG"]);
        let shown: Vec<_> = after.in_force().map(|setting| setting.value).collect();
        assert!(shown.contains(&"redis://:***@h:1/0".to_owned()), "{shown:?}");
        assert!(!format!("{shown:?} {after:?}").contains("wind"));
    }
}

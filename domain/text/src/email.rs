//! E-mail addresses and their equality: NFKC and case folding before the `@` (as RFC 8265's UsernameCaseMapped
//! intends), IDNA (UTS 46) after it.

use crate::{Invalid, limits::EMAIL as MAX, rules::one_line, value::text, visible::is_ignorable};
use email_address::{EmailAddress as Syntax, Options};
use icu_casemap::CaseMapper;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization as _;

text!(
    /// An e-mail address of at most [`limits::EMAIL`](crate::limits::EMAIL) characters; one `@` with something on both
    /// sides.
    EmailAddress,
    |text| parse(text)
);

impl EmailAddress {
    /// An address that may have been registered under earlier rules: only a text that never was an address is refused.
    ///
    /// # Errors
    /// [`Invalid`]: `empty`, `too_long`, `malformed`.
    pub fn claimed(text: &str) -> Result<Self, Invalid> {
        if text.trim().is_empty() {
            return Err(Invalid::new("empty", "must not be empty"));
        }
        if text.len() > 4 * MAX {
            return Err(Invalid::new("too_long", format!("must be at most {} bytes in UTF-8", 4 * MAX)));
        }
        parts(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The form under which an address is unique.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self.0.rsplit_once('@') {
            Some((local, host)) => format!("{}@{}", folded(local), ascii(host).unwrap_or_else(|| folded(host))),
            None => folded(&self.0),
        }
    }

    /// Every form under which the address may be claimed, without repetition, in the order to search. Addresses used to
    /// be unique by the lower case of their spelling. The order is: the lower case of this spelling, the canonical
    /// form, the lower case of other common spellings. For most addresses all of these are equal.
    #[must_use]
    pub fn forms(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut forms = vec![self.0.to_lowercase(), self.canonical()];
        if let Some((local, host)) = self.0.rsplit_once('@') {
            let (unicode, _) = Uts46::new().to_unicode(host.as_bytes(), AsciiDenyList::URL, Hyphens::Allow);
            let hosts = [composed(host), ascii(host).unwrap_or_default(), composed(&unicode), decomposed(&unicode)];
            for local in [composed(local), decomposed(local), local.nfkc().collect()] {
                forms.extend(hosts.iter().map(|host| format!("{local}@{host}").to_lowercase()));
            }
        }
        forms.retain(|form| seen.insert(form.clone()));
        forms
    }
}

fn parse(text: &str) -> Result<String, Invalid> {
    let text = one_line(text, MAX)?;
    let (local, host) = parts(&text)?;
    let host = ascii(host).filter(|host| is_host(host)).ok_or_else(malformed)?;
    let known = Options::default().without_display_text().without_domain_literal();
    // A quoted string or a comment would be another spelling of the same address.
    let is_plain = |local: &str| !local.contains(['"', '(', ')', '<', '>', '[', ']', ':', ';', '\\', ',']);
    let is_address =
        |local: &str| is_plain(local) && Syntax::parse_with_options(&format!("{local}@{host}"), known).is_ok();
    // What it is compared by must be an address as well: a compatible form can have a space.
    if [local, &folded(local)].into_iter().all(is_address) { Ok(text) } else { Err(malformed()) }
}

/// True unless a label begins or ends with `-`, or the last one is a number, as in an IP address.
fn is_host(host: &str) -> bool {
    let is_number = |label: &str| label.bytes().all(|digit| digit.is_ascii_digit());
    let is_label = |label: &str| !label.starts_with('-') && !label.ends_with('-');
    host.split('.').all(is_label) && !host.rsplit('.').next().is_some_and(is_number)
}

fn malformed() -> Invalid {
    Invalid::new("malformed", "must be an e-mail address")
}

fn parts(text: &str) -> Result<(&str, &str), Invalid> {
    let (local, host) = text.split_once('@').ok_or_else(malformed)?;
    let is_spaced = text.chars().any(char::is_whitespace);
    let is_wrong = local.is_empty()
        || host.is_empty()
        || host.contains('@')
        || host.starts_with('.')
        || host.ends_with('.')
        || is_spaced;
    if is_wrong { Err(malformed()) } else { Ok((local, host)) }
}

/// The host's name in the DNS.
fn ascii(host: &str) -> Option<String> {
    let ascii = Uts46::new().to_ascii(host.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Verify);
    ascii.ok().map(|host| host.to_ascii_lowercase())
}

/// Unicode's toNFKC_Casefold: letters that people take for equal become equal.
pub(crate) fn folded(text: &str) -> String {
    let fold = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    let shown: String = text.chars().filter(|c| !is_ignorable(*c)).collect();
    let once: String = fold(&decomposed(&shown)).nfkd().collect();
    fold(&once).nfkc().filter(|c| !is_ignorable(*c)).collect()
}

fn composed(text: &str) -> String {
    text.nfc().collect()
}

fn decomposed(text: &str) -> String {
    text.nfd().collect()
}

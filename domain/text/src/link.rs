//! Links, and the hosts they may name besides this server. Clients load pictures unasked, so that the host of a picture
//! learns its viewers.

use crate::{
    Invalid, limits,
    rules::{not_blank, plain},
    value::text,
    visible::is_hidden,
};
use std::collections::BTreeSet;

text!(
    /// A link: `http(s)://…`, or a path of this server (`/…`), at most [`limits::LINK`] bytes.
    Link,
    |text| parse(text).map(str::to_owned)
);

fn parse(text: &str) -> Result<&str, Invalid> {
    not_blank(text)?;
    plain(text, limits::LINK)?;
    let web =
        ["http://", "https://"].iter().any(|scheme| after_scheme(text, scheme).is_some_and(|rest| !rest.is_empty()));
    let local = text.starts_with('/') && !text.starts_with("//");
    if (web || local) && !text.chars().any(char::is_whitespace) {
        Ok(text)
    } else {
        Err(Invalid::new(
            "malformed",
            "must be a path of this server, or an https address at a host that this server allows",
        ))
    }
}

/// What follows a scheme, whose letters may have any case (RFC 3986, 3.1).
fn after_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (begin, rest) = text.split_at_checked(scheme.len())?;
    begin.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The hosts, with their port unless it is 443, that links may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkHosts(BTreeSet<String>);

impl LinkHosts {
    /// Parses a host of the settings: `cdn.example`, or `cdn.example:8443`.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn host(text: &str) -> Result<String, Invalid> {
        let malformed = || Invalid::new("malformed", "must be a host, such as cdn.example or cdn.example:8443");
        let (host, port) = text.split_once(':').unwrap_or((text, "443"));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let is_host = !host.is_empty() && host.chars().all(plain) && !host.starts_with(['.', '-']);
        if is_host && port.parse::<u16>().is_ok_and(|port| port > 0) {
            Ok(text.strip_suffix(":443").unwrap_or(text).to_ascii_lowercase())
        } else {
            Err(malformed())
        }
    }

    /// True if the link names one of them, by `https`, and every client resolves it alike: no segment is `.` or `..`, and
    /// there is no character that is invisible or ends an attribute of HTML.
    #[must_use]
    pub fn permit(&self, link: &Link) -> bool {
        let text = link.as_str();
        let Some(rest) = after_scheme(text, "https://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let path = rest[authority.len()..].split(['?', '#']).next().unwrap_or_default();
        let is_dots = |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
        !rest.chars().any(is_unsafe)
            && !path.split('/').any(is_dots)
            && self.0.contains(authority.strip_suffix(":443").unwrap_or(&authority))
    }
}

impl Link {
    /// True for a path of this server that every client resolves alike: no segment is empty, begins with a dot or holds
    /// `%`; there is no `\`, which browsers read as `/`, and no character that is invisible or ends an attribute of HTML.
    #[must_use]
    pub fn is_path(&self) -> bool {
        let Some(rest) = self.as_str().strip_prefix('/') else { return false };
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_plain = |segment: &str| !segment.is_empty() && !segment.starts_with('.') && !segment.contains('%');
        !rest.chars().any(is_unsafe) && (rest.is_empty() || path.split('/').all(is_plain))
    }
}

/// True for what ends an attribute of HTML, for `\`, which browsers read as `/`, and for what is invisible.
fn is_unsafe(c: char) -> bool {
    matches!(c, '\\' | '"' | '\'' | '<' | '>') || is_hidden(c)
}

impl FromIterator<String> for LinkHosts {
    /// Of hosts that were [checked](Self::host).
    fn from_iter<I: IntoIterator<Item = String>>(hosts: I) -> Self {
        Self(hosts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_plainly() {
        for (text, want) in [("CDN.example", "cdn.example"), ("a.b:8443", "a.b:8443"), ("a.b:443", "a.b")] {
            assert_eq!(LinkHosts::host(text).unwrap(), want);
        }
        for wrong in ["", "https://a.b", "a.b/c", "a b", "a@b", "a.b:", "a.b:0", "a.b:99999", ".a", "*.a", "a\\b"] {
            assert_eq!(LinkHosts::host(wrong).unwrap_err().code, "malformed", "{wrong}");
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in ["/pictures/1", "/", "/a/", "/a/b.png?c=%20&d=../e", "/a#b", "/é"] {
            assert!(Link::parse(path).unwrap().is_path(), "{path}");
        }
        for other in [
            "/\\evil.example/x",
            "/a\\b",
            "/a?b\\c",
            "/./files/1",
            "/files/../files/1",
            "/files/.",
            "/files//1",
            "//",
            "/a//",
            "/%66iles/1",
            "/.hidden",
            "/\u{202e}gnp.exe",
            "/a\u{200b}",
            "/\"onerror=alert(1)",
            "/<img>",
            "https://a.b/c",
        ] {
            assert!(!Link::parse(other).is_ok_and(|link| link.is_path()), "{other}");
        }
    }

    #[test]
    fn links_lead_to_named_hosts_by_https_alone() {
        let hosts: LinkHosts = ["cdn.example".to_owned(), "a.b:8443".to_owned()].into_iter().collect();
        let permitted = |hosts: &LinkHosts, link: &str| hosts.permit(&Link::parse(link).unwrap());
        for link in [
            "https://cdn.example",
            "https://CDN.example/x.png",
            "HTTPS://cdn.example/x",
            "Https://cdn.example",
            "https://cdn.example:443/x",
            "https://cdn.example?x",
            "https://a.b:8443/x#y",
            "https://cdn.example/a%20b/...//c.d?e=../f",
        ] {
            assert!(permitted(&hosts, link), "{link}");
            assert!(!permitted(&LinkHosts::default(), link), "{link}");
        }
        for link in [
            "http://cdn.example/x",
            "HTTP://cdn.example/x",
            "https://tracker.example/x",
            "https://cdn.example.evil.example/x",
            "https://evil.example/cdn.example",
            "https://cdn.example@evil.example/x",
            "https://cdn.example:8443/x",
            "https://evil.example\\@cdn.example/x",
            "https://cdn.example\\.evil.example/x",
            "https://a.b/x",
            "/files/1",
            "/\\cdn.example/x",
            "https://cdn.example/\u{202e}x",
            "https://cdn.example/a?b\u{200b}",
            "https://cdn.example/x<script>",
            "https://cdn.example/\"onerror=1",
            "https://cdn.example/'onerror=1",
            "https://cdn.example/..//x",
            "https://cdn.example/a/.",
            "https://cdn.example/%2e%2E/x",
            "https://cdn.example/a/.%2e",
        ] {
            assert!(!permitted(&hosts, link), "{link}");
        }
    }
}

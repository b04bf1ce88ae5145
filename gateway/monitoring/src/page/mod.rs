//! The pages: the first one and the dashboard. Script and style are files of their own, so that the policy of the pages
//! needs no `unsafe-inline`; nothing comes from another host.

/// What these pages may do: run and show the files here, and ask this server.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page of the dashboard.
pub const DASHBOARD: &str = include_str!("dashboard.html");
/// Its script.
pub const SCRIPT: &str = include_str!("dashboard.js");
/// The style of both pages.
pub const STYLE: &str = include_str!("page.css");
const FIRST: &str = include_str!("first.html");

/// The first page.
#[must_use]
pub fn first(version: &str, status: &str, links: &[(&str, &str)]) -> String {
    let links =
        links.iter().map(|(name, path)| format!("<li><a href=\"{}\">{}</a></li>", escaped(path), escaped(name)));
    FIRST
        .replace("{version}", &escaped(version))
        .replace("{status}", &escaped(status))
        .replace("{links}", &links.collect::<String>())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_no_script_or_style_in_line_and_nothing_from_another_host() {
        let first = first("1.0", "<ok>", &[("API", "/api-docs/")]);
        assert!(first.contains("&lt;ok&gt;") && first.contains("<a href=\"/api-docs/\">API</a>"), "{first}");
        for page in [DASHBOARD, &first] {
            for inline in [" style=", "<style", " onclick=", " onload=", "javascript:", "http:", "https:", "<script>"] {
                assert!(!page.contains(inline), "{inline}");
            }
            assert!(!page.contains('{'), "all places are filled");
        }
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("localStorage"));
    }
}

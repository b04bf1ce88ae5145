//! Text as HTML, for clients that ask for it: CommonMark, with line breaks kept, no raw HTML, and sanitised.
//!
//! What it costs grows with the length of the text and with nothing else: what nests deeper than [`DEEPEST`] is shown as
//! text within the last level, and a text whose HTML would be out of proportion is shown as it was written.

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, html::push_html};
use std::{collections::HashSet, sync::LazyLock};

/// The most elements within each other. The sanitiser's work grows with the depth at every element.
const DEEPEST: usize = 32;
/// The most cells of the tables of a text: a line of 1,000 columns makes as many of each line after it.
const CELLS: usize = 2_048;
/// The most elements, pieces of text and line breaks.
const EVENTS: usize = 32_768;
/// The largest HTML of a text, in bytes.
const LARGEST: usize = 128 * 1024;

/// What may stand in it. No pictures: fetching one tells a stranger who reads, and when.
const TAGS: [&str; 23] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
];
const MORE_TAGS: [&str; 2] = ["thead", "ul"];
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().chain(MORE_TAGS).collect())
        .tag_attributes([("a", HashSet::from(["href"])), ("ol", HashSet::from(["start"]))].into())
        .url_schemes(SCHEMES.into())
        .url_relative(UrlRelative::Deny)
        .attribute_filter(|_, attribute, value| (attribute != "href" || leads_away(value)).then_some(value.into()))
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// Whether a link leads to a host, or to a person's mail. `https:account` leads to where the page is.
fn leads_away(href: &str) -> bool {
    let rest = href.split_once(':').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    match rest {
        Some((scheme, rest)) if scheme == "mailto" => !rest.is_empty(),
        Some((_, rest)) => {
            rest.strip_prefix("//").is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '\\']))
        }
        None => false,
    }
}

/// The HTML of a text. Whatever looks like HTML in it is shown as it was written.
pub(super) fn html(text: &str) -> String {
    rendered(text).map_or_else(|| plain(text), |rendered| SANITISER.clean(&rendered).to_string())
}

/// `None` when it would be too much.
fn rendered(text: &str) -> Option<String> {
    if text.len() > LARGEST {
        return None;
    }
    let mut depth = 0_usize;
    let mut events = Vec::new();
    for event in Parser::new_ext(text, options(text)) {
        let event = match event {
            Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
            Event::SoftBreak => Event::HardBreak,
            event => event,
        };
        let is_shown = match event {
            Event::Start(_) => {
                depth += 1;
                depth <= DEEPEST
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                depth < DEEPEST
            }
            _ => true,
        };
        if is_shown {
            events.push(event);
        }
        if events.len() > EVENTS {
            return None;
        }
    }
    let mut rendered = String::with_capacity(text.len() + text.len() / 2);
    push_html(&mut rendered, events.into_iter());
    (rendered.len() <= LARGEST).then_some(rendered)
}

/// Tables are made unless they may have too many cells.
fn options(text: &str) -> Options {
    let columns = text.lines().map(|line| line.bytes().filter(|byte| *byte == b'|').count() + 1).max().unwrap_or(1);
    let has_tables = columns > 1 && columns.saturating_mul(text.lines().count()) <= CELLS;
    let mut options = Options::ENABLE_STRIKETHROUGH;
    options.set(Options::ENABLE_TABLES, has_tables);
    options
}

/// The text as it was written, in one paragraph.
fn plain(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8 + 8);
    html.push_str("<p>");
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br>\n"),
            c => html.push(c),
        }
    }
    html.push_str("</p>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements() {
        assert_eq!(html("hello\nthere"), "<p>hello<br>\nthere</p>\n");
        assert_eq!(html("**a** *b* ~~c~~ `d`"), "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>\n");
        assert_eq!(
            html("[x](https://a.example/?b=1&c=2)"),
            "<p><a href=\"https://a.example/?b=1&amp;c=2\" rel=\"noopener noreferrer nofollow\">x</a></p>\n"
        );
        for (href, leads) in [
            ("https:account/close", false),
            ("HTTPS:/account", false),
            ("http:///account", false),
            ("https://", false),
            ("HTTPS://a.example", true),
            ("mailto:ana@a.example", true),
        ] {
            assert_eq!(html(&format!("[x]({href})")).contains("href"), leads, "{href}");
        }
        assert_eq!(html(""), "");
        assert_eq!(html("xin chào, Đặng"), "<p>xin chào, Đặng</p>\n");
    }

    #[test]
    fn nothing_that_runs_comes_out() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](\u{1}javascript:alert(1))",
            "[x](vbscript:x)",
            "![x](https://tracker.example/pixel.png)",
            "![x](x\" onerror=\"alert(1))",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<javascript:alert(1)>",
            "[x](/relative)",
            "[x]: javascript:alert(1)\n\n[x]",
            "`</code><script>alert(1)</script>`",
            "```html\n</code></pre><script>alert(1)</script>\n```",
            "<!-- --><script>alert(1)</script>",
            "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
            "a\n<div onclick=alert(1)>\nb",
        ] {
            let html = html(text);
            let shown = html.to_lowercase();
            for bad in ["<script", "<img", "<svg", "<math", "<iframe", "<style", "<div", "<!--"] {
                assert!(!shown.contains(bad), "{text}: {html}");
            }
            for tag in shown.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
                for bad in [" on", "script:", "data:", "href=\"/"] {
                    assert!(!tag.contains(bad), "{text}: {html}");
                }
            }
        }
    }

    /// How deep elements stand within each other.
    fn depth(html: &str) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        for tag in html.split('<').skip(1) {
            if tag.starts_with('/') {
                depth -= 1;
            } else if !["br", "hr"].iter().any(|void| tag.starts_with(void)) {
                depth += 1;
                deepest = deepest.max(depth);
            }
        }
        deepest
    }

    #[test]
    fn however_it_nests_the_html_is_shallow_and_its_text_is_there() {
        for text in [
            ">".repeat(8_180) + "end",
            "[".repeat(8_180) + "end",
            "*a ".repeat(2_700) + "end",
            "**a*".repeat(2_048) + "end",
            "- ".repeat(4_000) + "end",
            "1. ".repeat(2_700) + "end",
            "> - ".repeat(2_000) + "end",
            "a".to_owned() + &"`".repeat(8_180) + "end",
            "![".repeat(2_700) + &"](x)".repeat(1_000) + "end",
            "*a _b ".repeat(1_300) + "end" + &"_ *".repeat(100),
        ] {
            let html = html(&text);
            assert!(depth(&html) <= DEEPEST, "{} deep: {}", depth(&html), &text[..8]);
            assert!(html.len() <= LARGEST && html.contains("end"), "{} bytes: {}", html.len(), &text[..8]);
        }
        assert_eq!(depth(&html(&("> ".repeat(8) + "x"))), 9);
    }

    #[test]
    fn a_table_has_so_many_cells_or_is_text() {
        assert!(html("a|b\n-|-\n1|2").contains("<td>1</td>"));
        let wide = format!("{}\n{}\n{}", "a|".repeat(1_000), "-|".repeat(1_000), "a\n".repeat(2_000));
        let html = html(&wide);
        assert!(!html.contains("<table") && html.len() <= LARGEST, "{} bytes", html.len());
    }

    #[test]
    fn what_is_out_of_proportion_is_shown_as_it_was_written() {
        let long = "<b>&\n".repeat(LARGEST / 4);
        assert!(rendered(&long).is_none());
        assert!(html(&long).starts_with("<p>&lt;b&gt;&amp;<br>\n&lt;b"));
    }
}

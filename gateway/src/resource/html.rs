//! Text as HTML, for clients that ask for it: CommonMark, with line breaks kept, no raw HTML, and sanitised.

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, html::push_html};
use std::{collections::HashSet, sync::LazyLock};

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
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// The HTML of a text. Whatever looks like HTML in it is shown as it was written.
pub(crate) fn html(text: &str) -> String {
    let parser = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES);
    let events = parser.map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::SoftBreak => Event::HardBreak,
        event => event,
    });
    let mut rendered = String::with_capacity(text.len() + text.len() / 2);
    push_html(&mut rendered, events);
    SANITISER.clean(&rendered).to_string()
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

    #[test]
    fn however_deep_it_nests_it_ends() {
        for text in [">".repeat(8_192), "[".repeat(8_192), "*a ".repeat(2_700), "- ".repeat(4_000), "`".repeat(8_192)] {
            assert!(html(&text).len() < 1_000_000);
        }
    }
}

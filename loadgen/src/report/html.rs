//! A report as one HTML page that needs nothing else: no network, no script.

use super::{
    chart::{Chart, escaped},
    part::{Part, Table},
};
use serde_json::Value;

const STYLE: &str = "\
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1rem;margin:1.6rem 0 .3rem}
table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}
.grid{stroke:#8884;fill:none}polyline{stroke-width:1.6}
.legend span{margin-right:1rem;white-space:nowrap}
.legend i{display:inline-block;width:1.4em;height:.25em;margin-right:.4em;vertical-align:middle}
.ok::before{content:'ok ';color:#009e73}.miss::before{content:'MISS ';color:#d55e00}.fault{color:#d55e00}
.host{opacity:.75;overflow-wrap:anywhere}
";

/// The page. `host` describes the machine and the command.
pub(super) fn page(title: &str, parts: &[Part], host: &Value, is_clean: bool) -> String {
    let body: String = parts.iter().map(part).collect();
    let found =
        if is_clean { "<p class=\"ok\">everything held</p>" } else { "<p class=\"miss\">not everything held</p>" };
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n<style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n{found}\n{body}{}</body></html>\n",
        host_table(host)
    )
}

fn part(part: &Part) -> String {
    match part {
        Part::Line(line) => format!("<p>{}</p>\n", escaped(line)),
        Part::Table(one) => table(one),
        Part::Check(what, true) => format!("<p class=\"ok\">{}</p>\n", escaped(what)),
        Part::Check(what, false) => format!("<p class=\"miss\">{}</p>\n", escaped(what)),
        Part::Fault(fault) => format!("<p class=\"fault\">FAULT: {}</p>\n", escaped(fault)),
        Part::Chart(one) => chart(one),
    }
}

fn table(Table { head, rows }: &Table) -> String {
    let row = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("<{name}>{}</{name}>", escaped(cell.trim()))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(|cells| row("td", cells)).collect();
    format!("<table><thead>{}</thead><tbody>{rows}</tbody></table>\n", row("th", head))
}

fn chart(chart: &Chart) -> String {
    format!("<h2>{}</h2><div class=\"legend\">{}</div>{}\n", escaped(&chart.title), chart.legend(), chart.svg())
}

fn host_table(host: &Value) -> String {
    let entries = host.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let lines = entries.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}: {}", escaped(name), escaped(&value))
    });
    format!("<p class=\"host\">{}</p>\n", lines.collect::<Vec<_>>().join("<br>"))
}

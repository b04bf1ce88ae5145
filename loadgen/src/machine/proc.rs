//! What Linux says of processes in `/proc`.

use super::usage::{Kind, Programs, Source, Usage};
use anyhow::Result;
use std::{collections::HashSet, fs};

/// `USER_HZ`, the unit of `/proc/<pid>/stat`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// All processes at one moment.
pub(super) struct Table(Vec<Row>);

#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: u32,
    parent: u32,
    name: String,
    /// Processor seconds, with those of ended children.
    seconds: f64,
}

impl Table {
    pub(super) fn read() -> Result<Self> {
        let ids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        Ok(Self(ids.filter_map(row).collect()))
    }

    /// The usage of a source. `with_shared`: the memory of Postgres, too.
    pub(super) fn usage(&self, source: &Source, with_shared: bool) -> Usage {
        let (rows, earlier) = match &source.programs {
            Programs::One(running) => (self.one(running.id()), running.earlier()),
            Programs::Named(name) => (self.0.iter().filter(|row| row.name == *name).collect(), 0.0),
            Programs::Tree(root) => (self.tree(*root), 0.0),
        };
        let memory: fn(u32) -> Option<u64> = match source.kind {
            Kind::Postgres if with_shared => share_of,
            Kind::Postgres => |_| None,
            _ => resident_of,
        };
        let resident: Vec<_> = rows.iter().filter_map(|row| memory(row.id)).collect();
        Usage {
            name: source.name.clone(),
            kind: source.kind,
            seconds: earlier + rows.iter().map(|row| row.seconds).sum::<f64>(),
            resident_kib: (!resident.is_empty()).then(|| resident.iter().sum()),
        }
    }

    fn one(&self, id: Option<u32>) -> Vec<&Row> {
        self.0.iter().filter(|row| Some(row.id) == id).collect()
    }

    fn tree(&self, root: u32) -> Vec<&Row> {
        let mut ids = HashSet::from([root]);
        loop {
            let known = ids.len();
            let children: Vec<_> = self.0.iter().filter(|row| ids.contains(&row.parent)).map(|row| row.id).collect();
            ids.extend(children);
            if ids.len() == known {
                return self.0.iter().filter(|row| ids.contains(&row.id)).collect();
            }
        }
    }
}

/// The processor seconds of a process and its ended children.
pub(crate) fn seconds_of(id: u32) -> Option<f64> {
    row(id).map(|row| row.seconds)
}

/// The memory of a process (KiB).
pub(crate) fn resident_of(id: u32) -> Option<u64> {
    kib(&format!("/proc/{id}/status"), "VmRSS:")
}

/// The memory of a process, with its share of what it has in common with others (KiB).
fn share_of(id: u32) -> Option<u64> {
    kib(&format!("/proc/{id}/smaps_rollup"), "Pss:")
}

fn kib(file: &str, field: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn row(id: u32) -> Option<Row> {
    parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

fn parse(id: u32, stat: &str) -> Option<Row> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<_> = tail.split_whitespace().collect();
    let ticks: u64 = fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Row { id, parent: fields.get(1)?.parse().ok()?, name, seconds: ticks as f64 / TICKS })
}

#[cfg(test)]
mod tests {
    use super::{Kind, Programs, Row, Source, Table, parse};

    #[test]
    fn a_stat_line_gives_parent_name_and_seconds() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 1 0 100 0 0";
        assert_eq!(parse(42, stat), Some(Row { id: 42, parent: 1, name: "a (b) c".to_owned(), seconds: 2.5 }));
    }

    #[test]
    fn a_tree_is_a_process_with_all_its_descendants_and_no_stranger_of_its_name() {
        let row = |id, parent| Row { id, parent, name: "postgres".to_owned(), seconds: 1.0 };
        let table = Table(vec![row(30, 20), row(10, 1), row(20, 10), row(99, 1)]);
        let usage = |programs| {
            let source = Source { name: "postgres".to_owned(), kind: Kind::Postgres, programs };
            table.usage(&source, false).seconds
        };
        assert_eq!((usage(Programs::Tree(10)), usage(Programs::Named("postgres"))), (3.0, 4.0));
    }
}

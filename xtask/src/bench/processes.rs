//! Processor time and memory of the processes of a system, by `/proc`.

use std::fs;

/// `USER_HZ`, the unit of `/proc/<pid>/stat`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// The processes of a part of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// One process, without its children.
    Alone(u32),
    /// One process and its descendants.
    Tree(u32),
    /// The descendants of one process.
    Below(u32),
}

/// A part of a system, by name: `server`, `postgres`.
pub(super) type Part = (&'static str, Root);

/// The parts whose cost is not that of a server.
pub(super) const CLIENT: &str = "client";

/// The use of a part so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Processor seconds.
    pub(super) cpu: f64,
    /// MiB. Of shared memory each process has its share.
    pub(super) memory: f64,
}

/// The cost of a part between two moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    pub(super) part: &'static str,
    /// Processor seconds.
    pub(super) cpu: f64,
    /// MiB at the first moment.
    pub(super) memory_before: f64,
    /// MiB at the second.
    pub(super) memory: f64,
}

/// A line of `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    id: u32,
    parent: u32,
    /// Its own ticks.
    own: u64,
    /// Those of its children that have ended.
    ended: u64,
}

/// The use of each part now. What a part's processes used counts also after they have ended.
pub(super) fn usage(parts: &[Part]) -> Vec<Usage> {
    let all = all();
    parts.iter().map(|(_, root)| root.usage(&all)).collect()
}

/// The cost of each part between two uses.
pub(super) fn costs(parts: &[Part], before: &[Usage], after: &[Usage]) -> Vec<Cost> {
    let cost = |((part, _), (before, after)): (&Part, (&Usage, &Usage))| Cost {
        part,
        cpu: (after.cpu - before.cpu).max(0.0),
        memory_before: before.memory,
        memory: after.memory,
    };
    parts.iter().zip(before.iter().zip(after)).map(cost).collect()
}

impl Root {
    fn usage(self, all: &[Stat]) -> Usage {
        let members = self.members(all);
        let memory: u64 = members.iter().map(|stat| memory_of(stat.id)).sum();
        Usage { cpu: self.ticks(&members) as f64 / TICKS, memory: memory as f64 / 1024.0 }
    }

    fn ticks(self, members: &[Stat]) -> u64 {
        let with_ended = !matches!(self, Self::Alone(_));
        members.iter().map(|stat| stat.own + if with_ended { stat.ended } else { 0 }).sum()
    }

    fn members(self, all: &[Stat]) -> Vec<Stat> {
        let (Self::Alone(id) | Self::Tree(id) | Self::Below(id)) = self;
        let mut members: Vec<Stat> = all.iter().filter(|stat| stat.id == id).copied().collect();
        if matches!(self, Self::Alone(_)) {
            return members;
        }
        let mut next = 0;
        while let Some(parent) = members.get(next).map(|stat| stat.id) {
            members.extend(all.iter().filter(|stat| stat.parent == parent));
            next += 1;
        }
        if matches!(self, Self::Below(_)) {
            members.retain(|stat| stat.id != id);
        }
        members
    }
}

/// All processes.
fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)).collect()
}

fn parse(id: u32, stat: &str) -> Option<Stat> {
    // Fields are numbered from 1; the third follows the name, which may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |field: usize| -> Option<u64> { fields.get(field - 3)?.parse().ok() };
    let parent = u32::try_from(number(4)?).ok()?;
    Some(Stat { id, parent, own: number(14)? + number(15)?, ended: number(16)? + number(17)? })
}

/// KiB of a process: its proportional share where it can be read, else its resident set.
fn memory_of(id: u32) -> u64 {
    let read = |file: &str, name: &str| kib(&fs::read_to_string(format!("/proc/{id}/{file}")).ok()?, name);
    read("smaps_rollup", "Pss:").or_else(|| read("status", "VmRSS:")).unwrap_or_default()
}

/// The value of a line such as `Pss:  12 kB`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Cost, Root, Stat, Usage, costs, kib, parse, usage};

    fn stat(id: u32, parent: u32, own: u64, ended: u64) -> Stat {
        Stat { id, parent, own, ended }
    }

    #[test]
    fn a_line_is_read_whatever_the_process_is_called() {
        let line = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 1 0 100 0 0";
        assert_eq!(parse(42, line), Some(stat(42, 7, 200, 50)));
        assert_eq!(parse(42, "42 (a) S 7"), None);
    }

    #[test]
    fn a_tree_has_all_its_descendants_and_those_that_ended() {
        let all = [stat(1, 0, 9, 9), stat(5, 1, 10, 3), stat(6, 5, 20, 0), stat(7, 6, 40, 1), stat(8, 1, 80, 0)];
        let ids = |root: Root| root.members(&all).iter().map(|stat| stat.id).collect::<Vec<_>>();
        let ticks = |root: Root| root.ticks(&root.members(&all));
        assert_eq!((ids(Root::Tree(5)), ticks(Root::Tree(5))), (vec![5, 6, 7], 74));
        assert_eq!((ids(Root::Below(5)), ticks(Root::Below(5))), (vec![6, 7], 61));
        assert_eq!((ids(Root::Alone(5)), ticks(Root::Alone(5))), (vec![5], 10));
        assert!(ids(Root::Below(99)).is_empty());
    }

    #[test]
    fn a_cost_is_what_was_added() {
        let parts = [("server", Root::Tree(1)), ("client", Root::Alone(2))];
        let before = [Usage { cpu: 1.0, memory: 10.0 }, Usage { cpu: 5.0, memory: 1.0 }];
        let after = [Usage { cpu: 3.5, memory: 12.0 }, Usage { cpu: 0.0, memory: 0.0 }];
        let costs = costs(&parts, &before, &after);
        assert_eq!(costs[0], Cost { part: "server", cpu: 2.5, memory_before: 10.0, memory: 12.0 });
        assert_eq!((costs[1].part, costs[1].cpu), ("client", 0.0));
    }

    #[test]
    fn memory_is_the_proportional_share() {
        let rollup = "5581-7ffd ---p 00000000 00:00 0 [rollup]\nRss:   900 kB\nPss:   123 kB\nPss_Dirty:  1 kB\n";
        assert_eq!((kib(rollup, "Pss:"), kib(rollup, "VmRSS:")), (Some(123), None));
    }

    #[test]
    fn this_process_uses_memory() {
        let used = usage(&[("client", Root::Alone(std::process::id()))]);
        assert!(used[0].memory > 0.5, "{used:?}");
    }
}

//! A graph of dependencies, and its circles.

use std::collections::{BTreeMap, BTreeSet};

/// Nodes by name; for each the nodes it depends on, with the names it uses from them.
#[derive(Default)]
pub(super) struct Graph(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Graph {
    pub(super) fn node(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_default();
    }

    /// Notes that `from` uses `name` of `to`. A node does not depend on itself.
    pub(super) fn arrow(&mut self, from: &str, to: &str, name: &str) {
        self.node(to);
        let targets = self.0.entry(from.to_owned()).or_default();
        if from != to {
            targets.entry(to.to_owned()).or_default().insert(name.to_owned());
        }
    }

    /// The same with the files of each module below the root as one node.
    pub(super) fn by_module(&self) -> Self {
        let mut modules = Self::default();
        for (from, targets) in &self.0 {
            modules.node(module(from));
            for (to, names) in targets {
                names.iter().for_each(|name| modules.arrow(module(from), module(to), name));
            }
        }
        modules
    }

    pub(super) fn summary(&self) -> String {
        let arrows: usize = self.0.values().map(BTreeMap::len).sum();
        let sizes: Vec<_> = self.circles().iter().map(|circle| circle.len().to_string()).collect();
        format!("{} nodes, {arrows} arrows, circles of [{}]", self.0.len(), sizes.join(", "))
    }

    /// The arrows among these nodes, with the used names.
    pub(super) fn arrows_within(&self, nodes: &[String]) -> Vec<(&str, &str, Vec<&str>)> {
        let mut arrows = Vec::new();
        for (from, targets) in self.0.iter().filter(|(from, _)| nodes.contains(from)) {
            for (to, names) in targets.iter().filter(|(to, _)| nodes.contains(to)) {
                arrows.push((from.as_str(), to.as_str(), names.iter().map(String::as_str).collect()));
            }
        }
        arrows
    }

    /// Each set of two nodes or more that all reach each other, the largest first (Tarjan 1972).
    pub(super) fn circles(&self) -> Vec<Vec<String>> {
        let mut search = Search { graph: self, numbers: BTreeMap::new(), path: Vec::new(), circles: Vec::new() };
        for node in self.0.keys() {
            if !search.numbers.contains_key(node.as_str()) {
                search.visit(node);
            }
        }
        let mut circles = search.circles;
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }
}

/// The module below the root that a file belongs to.
fn module(file: &str) -> &str {
    let inner = file.strip_prefix("src/").unwrap_or(file);
    inner.split_once('/').map_or(inner, |(folder, _)| folder).trim_end_matches(".rs")
}

struct Search<'g> {
    graph: &'g Graph,
    /// The order in which nodes were found.
    numbers: BTreeMap<&'g str, usize>,
    path: Vec<&'g str>,
    circles: Vec<Vec<String>>,
}

impl<'g> Search<'g> {
    fn visit(&mut self, node: &'g str) -> usize {
        let number = self.numbers.len();
        self.numbers.insert(node, number);
        self.path.push(node);
        let mut least = number;
        for to in self.graph.0.get(node).into_iter().flat_map(BTreeMap::keys) {
            match self.numbers.get(to.as_str()) {
                None => least = least.min(self.visit(to)),
                Some(number) if self.path.contains(&to.as_str()) => least = least.min(*number),
                Some(_) => (),
            }
        }
        if least == number {
            let begin = self.path.iter().position(|on_path| *on_path == node).unwrap_or_default();
            let mut circle: Vec<_> = self.path.drain(begin..).map(str::to_owned).collect();
            circle.sort();
            if circle.len() > 1 {
                self.circles.push(circle);
            }
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    fn graph(arrows: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        arrows.iter().for_each(|(from, to)| graph.arrow(from, to, "Name"));
        graph
    }

    #[test]
    fn a_circle_is_all_that_reach_each_other() {
        let graph =
            graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("f", "a"), ("g", "g")]);
        assert_eq!(graph.circles(), [vec!["a", "b", "c"], vec!["d", "e"]]);
    }

    #[test]
    fn files_of_a_folder_are_one_module() {
        let graph = graph(&[("src/a/mod.rs", "src/b.rs"), ("src/b.rs", "src/a/x.rs"), ("src/a/x.rs", "src/a/mod.rs")]);
        assert_eq!(graph.circles().concat().len(), 3);
        assert_eq!(graph.by_module().circles(), [vec!["a", "b"]]);
    }
}

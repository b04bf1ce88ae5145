//! The modules of a crate as its files declare them, and the names each uses.

use super::graph::Graph;
use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, Item, ItemUse, Macro, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

/// How many re-exports of re-exports are followed: some go round.
const DEPTH: usize = 12;

/// The modules of a crate; the first is its root.
pub(super) struct Modules(Vec<Module>);

struct Module {
    file: PathBuf,
    parent: Option<usize>,
    names: HashMap<String, Name>,
    globs: Vec<Words>,
    /// Paths in the code and in imports.
    taken: Vec<Words>,
}

/// A path: `crate`, `hub`, `Hub`.
type Words = Vec<String>;

/// The meaning of a name in a module.
enum Name {
    Declared,
    Module(usize),
    Import(Words),
}

#[derive(Clone, Copy)]
enum Found {
    Module(usize),
    /// Something that is declared in a module.
    Item(usize),
}

/// Reads the crate whose root is a file.
pub(super) fn read(root: &Path) -> Result<Modules> {
    let mut modules = Modules(Vec::new());
    modules.file(root.to_owned(), root.parent().unwrap_or(Path::new(".")).to_owned(), None)?;
    Ok(modules)
}

impl Modules {
    /// Adds the module of a file, whose own modules are in `folder`.
    fn file(&mut self, file: PathBuf, folder: PathBuf, parent: Option<usize>) -> Result<usize> {
        let text = fs::read_to_string(&file).with_context(|| format!("{} is not read", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("{} is not Rust", file.display()))?;
        self.module(file, folder, parent, &parsed.items)
    }

    fn module(&mut self, file: PathBuf, folder: PathBuf, parent: Option<usize>, items: &[Item]) -> Result<usize> {
        let own = self.0.len();
        let (names, globs, taken) = Default::default();
        self.0.push(Module { file: file.clone(), parent, names, globs, taken });
        for item in items {
            let mut code = Code::default();
            match item {
                Item::Mod(child) if !is_for_tests(&child.attrs) => {
                    let name = child.ident.to_string();
                    let inner = folder.join(&name);
                    let module = match &child.content {
                        Some((_, items)) => self.module(file.clone(), inner, Some(own), items)?,
                        None => {
                            let beside = folder.join(format!("{name}.rs"));
                            let file = if beside.exists() { beside } else { inner.join("mod.rs") };
                            self.file(file, inner, Some(own))?
                        }
                    };
                    self.0[own].names.insert(name, Name::Module(module));
                }
                Item::Use(import) if !is_for_tests(&import.attrs) => self.0[own].import(import),
                item => {
                    code.visit_item(item);
                    self.0[own].names.extend(declared(item).map(|name| (name, Name::Declared)));
                }
            }
            self.0[own].taken.append(&mut code.0);
        }
        Ok(own)
    }

    /// The files, and the names that each uses of others.
    pub(super) fn graph(&self, folder: &Path) -> Graph {
        let name = |module: usize| {
            let file = &self.0[module].file;
            file.strip_prefix(folder).unwrap_or(file).display().to_string()
        };
        let mut graph = Graph::default();
        for (number, module) in self.0.iter().enumerate() {
            graph.node(&name(number));
            for words in &module.taken {
                if let Some(Found::Item(declares)) = self.find(number, words, DEPTH) {
                    let last = words.iter().rev().find(|word| self.0[declares].names.contains_key(*word));
                    graph.arrow(&name(number), &name(declares), last.or(words.last()).map_or("", String::as_str));
                }
            }
        }
        graph
    }

    fn find(&self, module: usize, words: &[String], depth: usize) -> Option<Found> {
        let mut found = None;
        for word in words {
            found = Some(match (found, word.as_str()) {
                (Some(Found::Item(_)), _) => break,
                (None, "crate") => Found::Module(0),
                (None, "self") => Found::Module(module),
                (None, "super") => Found::Module(self.0[module].parent?),
                (Some(Found::Module(at)), "super") => Found::Module(self.0[at].parent?),
                (Some(Found::Module(at)), word) => self.look_up(at, word, depth)?,
                (None, word) => self.look_up(module, word, depth)?,
            });
        }
        found
    }

    fn look_up(&self, module: usize, name: &str, depth: usize) -> Option<Found> {
        let depth = depth.checked_sub(1)?;
        match self.0[module].names.get(name) {
            Some(Name::Declared) => Some(Found::Item(module)),
            Some(Name::Module(child)) => Some(Found::Module(*child)),
            Some(Name::Import(words)) => self.find(module, words, depth),
            None => self.0[module].globs.iter().find_map(|glob| match self.find(module, glob, depth)? {
                Found::Module(other) if other != module => self.look_up(other, name, depth),
                _ => None,
            }),
        }
    }
}

impl Module {
    /// An import that is passed on depends on nothing; any other is for the code of this file.
    fn import(&mut self, import: &ItemUse) {
        if import.leading_colon.is_some() {
            return;
        }
        let mut leaves = Vec::new();
        flatten(&import.tree, &mut Vec::new(), &mut leaves);
        for (words, name) in leaves {
            let Some(name) = name else {
                self.globs.push(words);
                continue;
            };
            if matches!(import.vis, Visibility::Inherited) {
                self.taken.push(words.clone());
            }
            self.names.entry(name).or_insert(Name::Import(words));
        }
    }
}

/// The paths of an import, and the name that each gets here; `None` for all names of a module.
fn flatten(tree: &UseTree, before: &mut Words, leaves: &mut Vec<(Words, Option<String>)>) {
    let with = |before: &Words, word: String| before.iter().cloned().chain([word]).collect::<Words>();
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => leaves.push((before.clone(), before.last().cloned())),
        UseTree::Name(name) => leaves.push((with(before, name.ident.to_string()), Some(name.ident.to_string()))),
        UseTree::Rename(rename) if rename.ident == "self" => {
            leaves.push((before.clone(), Some(rename.rename.to_string())));
        }
        UseTree::Rename(rename) => {
            leaves.push((with(before, rename.ident.to_string()), Some(rename.rename.to_string())));
        }
        UseTree::Glob(_) => leaves.push((before.clone(), None)),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, leaves)),
    }
}

fn declared(item: &Item) -> impl Iterator<Item = String> + use<> {
    let ident = match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    };
    ident.map(ToString::to_string).into_iter()
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let words = list.tokens.to_string();
            words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test") && !words.contains("not")
        }
        _ => false,
    })
}

/// All paths that code names, in macros and attributes too.
#[derive(Default)]
struct Code(Vec<Words>);

impl Code {
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut words, mut colons, mut after_dot) = (Words::new(), 0, false);
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.end(&mut words);
                    }
                    if !after_dot {
                        words.push(word.to_string());
                    }
                    (colons, after_dot) = (0, false);
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.end(&mut words);
                    (colons, after_dot) = (0, matches!(&other, TokenTree::Punct(mark) if mark.as_char() == '.'));
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end(&mut words);
    }

    fn end(&mut self, words: &mut Words) {
        if !words.is_empty() {
            self.0.push(std::mem::take(words));
        }
    }
}

impl<'ast> Visit<'ast> for Code {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        let mut leaves = Vec::new();
        flatten(&import.tree, &mut Vec::new(), &mut leaves);
        self.0.extend(leaves.into_iter().map(|(words, _)| words));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::fs;

    #[test]
    fn a_file_depends_on_where_a_name_is_declared() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("src");
        fs::create_dir_all(source.join("hub")).unwrap();
        for (file, text) in [
            ("lib.rs", "mod app; pub mod hub; mod words; pub use app::App;"),
            ("app.rs", "use crate::hub::{self, Hub}; pub struct App(Hub); fn f() { hub::start() }"),
            ("hub/mod.rs", "mod state; pub use state::{Hub, start}; #[cfg(test)] mod tests { use crate::App; }"),
            ("hub/state.rs", "pub struct Hub; pub fn start() { println!(\"{}\", crate::words::HELLO) }"),
            ("words.rs", "pub const HELLO: &str = \"\"; #[tool(body = super::App)] fn f() {}"),
        ] {
            fs::write(source.join(file), text).unwrap();
        }
        let graph = read(&source.join("lib.rs")).unwrap().graph(folder.path());
        let circles = graph.circles();
        assert_eq!(circles, [["src/app.rs", "src/hub/state.rs", "src/words.rs"]]);
        let arrows = graph.arrows_within(&circles[0]);
        assert_eq!(
            arrows,
            [
                ("src/app.rs", "src/hub/state.rs", vec!["Hub", "start"]),
                ("src/hub/state.rs", "src/words.rs", vec!["HELLO"]),
                ("src/words.rs", "src/app.rs", vec!["App"]),
            ]
        );
    }
}

//! The house: rooms stand one on the other, and whatever a file imports stands below it. What documents say of where
//! things are is so.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::Visit;

/// The rooms, bottom up.
const STACK: &[&str] = &[
    "base",
    "error",
    "format",
    "place",
    "statistic",
    "question",
    "log",
    "source",
    "tally",
    "estimate",
    "inference",
    "job",
    "policy",
    "simulate",
    "coverage",
    "replay",
    "audit",
    "study_file",
    "sensitivity",
    "decompose",
    "findings",
    "report",
    "evidence",
    "guide",
    "prelude",
];

/// A module by its path; the root has none.
type Name = Vec<String>;

/// What a file says of names.
#[derive(Default)]
struct File {
    /// Names that it defines.
    items: BTreeSet<String>,
    /// Names that it takes from elsewhere, and where they are said to be.
    uses: Vec<(String, Vec<String>)>,
    /// Other paths that begin at the root or go up.
    paths: Vec<Vec<String>>,
}

impl File {
    fn uses(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        let (path, name) = match tree {
            syn::UseTree::Path(path) => return self.uses(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.uses(before, tree));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned().unwrap_or_default())
            }
            syn::UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(its) => (with(&its.ident), its.rename.to_string()),
            syn::UseTree::Glob(_) => (before.to_vec(), "*".to_owned()),
        };
        self.uses.push((name, path));
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|its| {
        its.path().is_ident("cfg")
            && its.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'a> Visit<'a> for File {
    fn visit_item(&mut self, item: &'a syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Use(its) if !is_of_tests(&its.attrs) => return self.uses(&[], &its.tree),
            syn::Item::Const(its) => (&its.attrs, &its.ident),
            syn::Item::Enum(its) => (&its.attrs, &its.ident),
            syn::Item::Fn(its) => (&its.attrs, &its.sig.ident),
            syn::Item::Mod(its) => (&its.attrs, &its.ident),
            syn::Item::Static(its) => (&its.attrs, &its.ident),
            syn::Item::Struct(its) => (&its.attrs, &its.ident),
            syn::Item::Trait(its) => (&its.attrs, &its.ident),
            syn::Item::Type(its) => (&its.attrs, &its.ident),
            _ => return syn::visit::visit_item(self, item),
        };
        if !is_of_tests(attributes) {
            self.items.insert(name.to_string());
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_macro(&mut self, its: &'a syn::Macro) {
        self.paths.extend(paths_in(&its.tokens.to_string()));
        syn::visit::visit_macro(self, its);
    }

    fn visit_attribute(&mut self, its: &'a syn::Attribute) {
        if let syn::Meta::List(list) = &its.meta {
            self.paths.extend(paths_in(&list.tokens.to_string()));
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|its| its.ident.to_string()).collect();
        if ["crate", "super"].contains(&&*segments[0]) {
            self.paths.push(segments);
        }
        syn::visit::visit_path(self, path);
    }
}

/// The paths from the root that stand among the tokens of a macro.
fn paths_in(tokens: &str) -> Vec<Vec<String>> {
    let starts = tokens.match_indices("crate :: ").map(|(at, _)| &tokens[at..]);
    let is_of_path =
        |word: &&str| *word == "::" || word.chars().all(|c| c.is_alphanumeric() || c == '_');
    let words = starts.map(|path| path.split(' ').take_while(is_of_path));
    words.map(|words| words.filter(|word| *word != "::").map(str::to_owned).collect()).collect()
}

/// All files of the library.
struct House(BTreeMap<Name, File>);

impl House {
    fn read() -> Self {
        let mut house = Self(BTreeMap::new());
        house.enter(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &[]);
        house
    }

    fn enter(&mut self, folder: &Path, name: &[String]) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let inside = [name, std::slice::from_ref(&stem)].concat();
            if path.is_dir() {
                self.enter(&path, &inside);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let mut file = File::default();
                file.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
                let is_face = stem == "mod" || stem == "lib";
                self.0.insert(if is_face { name.to_vec() } else { inside }, file);
            }
        }
    }

    /// The file that defines what a path leads to, as far as that is of the library.
    fn file_of(&self, path: &[String], from: &Name, most: usize) -> Option<Name> {
        let (mut at, mut rest) = (from.clone(), path);
        match &*path[0] {
            "crate" => (at, rest) = (Name::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            _ => {}
        }
        let begins_here = rest.len() == path.len();
        while let Some((name, after)) = rest.split_first() {
            let inside = [&at[..], std::slice::from_ref(name)].concat();
            if self.0.contains_key(&inside) {
                (at, rest) = (inside, after);
                continue;
            }
            let file = &self.0[&at];
            if file.items.contains(name) {
                return Some(at);
            }
            let used = file.uses.iter().find(|(its, path)| its == name && most > 0 && path != rest);
            return match used {
                Some((_, path)) => self.file_of(path, &at, most - 1),
                // A crate, or a name of the language.
                None if begins_here => None,
                None => Some(at),
            };
        }
        Some(at)
    }

    /// Each file with those that it imports from.
    fn arrows(&self) -> BTreeSet<(&Name, Name)> {
        let mut arrows = BTreeSet::new();
        for (name, file) in &self.0 {
            let paths = file.uses.iter().map(|(_, path)| path).chain(&file.paths);
            let to = paths.filter_map(|path| self.file_of(path, name, 8));
            arrows.extend(to.filter(|to| to != name).map(|to| (name, to)));
        }
        arrows.retain(|(from, to)| !from.is_empty() && !to.is_empty());
        arrows
    }
}

#[test]
fn imports_point_down() {
    let house = House::read();
    let place = |name: &Name| STACK.iter().position(|room| *room == name[0]);
    for name in house.0.keys().filter(|name| !name.is_empty()) {
        assert!(place(name).is_some(), "{} is in no room of the stack", name[0]);
    }
    let arrows = house.arrows();
    let up = arrows.iter().filter(|(from, to)| place(from) < place(to));
    let up: Vec<_> =
        up.map(|(from, to)| format!("{} → {}", from.join("/"), to.join("/"))).collect();
    assert!(up.is_empty(), "these run up the stack: {up:#?}");
}

/// Files that import from each other are one file in pieces: whoever reads one must read all. A module and those
/// within it may.
#[test]
fn no_circle_of_files() {
    let house = House::read();
    let arrows = house.arrows();
    let mut above: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
    for (from, to) in &arrows {
        if !from.starts_with(to) && !to.starts_with(from) {
            above.entry(from).or_default().insert(to);
        }
    }
    // What imports from no file that is left, or is imported by none, is in no circle.
    while let Some(next) = above.iter().find_map(|(from, to)| {
        let to_none = to.iter().all(|to| !above.contains_key(to));
        (to_none || !above.values().any(|to| to.contains(from))).then_some(*from)
    }) {
        above.remove(next);
    }
    let left: Vec<_> = above
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
        .filter(|(_, to)| above.contains_key(**to))
        .map(|(from, to)| format!("{} → {}", from.join("/"), to.join("/")))
        .collect();
    assert!(left.is_empty(), "files in circles: {left:#?}");
}

/// Documents that say where things are.
const DOCUMENTS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "TERMINOLOGY.md"];

/// What is beside the library in its repository, and not in its package.
const BESIDE: [&str; 7] = [".ci", "benches", "cli", "deny.toml", "fuzz", "reference", "studies"];

/// What stands between backticks outside of blocks of code, and looks like a file or a folder.
fn paths_named(document: &str) -> Vec<String> {
    let mut in_block = false;
    let mut prose = String::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    let pieces: Vec<&str> = prose.split('`').collect();
    assert!(pieces.len() % 2 == 1, "a backtick without another");
    let is_path = |text: &&str| {
        let ends = [".rs", ".md", ".toml", ".py", ".json"].iter().any(|end| text.ends_with(end));
        let of_path = |c: char| c.is_ascii_alphanumeric() || "_-./*".contains(c);
        (ends || text.contains('/')) && text.chars().all(of_path)
    };
    pieces.into_iter().skip(1).step_by(2).filter(is_path).map(str::to_owned).collect()
}

/// The names of all files and folders below one, but for what is hidden or built.
fn names_below(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap().to_owned();
        if name == "target" || name.starts_with('.') {
            continue;
        }
        names.insert(name);
        if entry.file_type().unwrap().is_dir() {
            names_below(&entry.path(), names);
        }
    }
}

/// A path of several parts is one from the root or from `src`; a single name is that of a file or folder anywhere. Of
/// a pattern its folder is looked for.
#[test]
fn documents_name_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    names_below(root, &mut names);
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let named = paths_named(&fs::read_to_string(root.join(document)).unwrap());
        assert!(!named.is_empty(), "{document} names no file");
        for path in named {
            let parts = path.split('/').filter(|part| !part.is_empty());
            let parts: Vec<&str> = parts.take_while(|part| !part.contains('*')).collect();
            let is_there = match parts[..] {
                [first, ..] if BESIDE.contains(&first) && !root.join(first).exists() => true,
                [name] => names.contains(name),
                _ => [root, &root.join("src")].iter().any(|at| at.join(parts.join("/")).exists()),
            };
            if !is_there {
                missing.push(format!("{path} in {document}"));
            }
        }
    }
    assert!(missing.is_empty(), "not there: {missing:#?}");
}

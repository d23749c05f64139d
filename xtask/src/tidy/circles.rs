//! No circle between the top-level modules of a crate: each can be understood after those it uses.
//!
//! The graph is read from paths that start at the crate's root (`crate::`, or as many `super::` as the file is deep); a name
//! that the root exports again counts as the module it comes from.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::code::{code, group_heads, names_after};
use super::tree::{Finding, Source, Tree};

/// Each module with those it uses, and for each of those a file that shows it.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &tree.crates {
        let root = format!("{}/src", member.folder);
        let graph = graph(tree, &root);
        for circle in circles(&graph) {
            let edges = edges(&graph, &circle).join("; ");
            let what = format!("these know each other ({edges})");
            findings.push(Finding::new("circles", format!("{root}: {}", circle.join(", ")), what));
        }
    }
    findings
}

/// What within a circle uses what, and where: the one to cut is among them.
fn edges(graph: &Graph, circle: &[String]) -> Vec<String> {
    let mut edges = Vec::new();
    for from in circle {
        let used = graph.get(from).into_iter().flatten().filter(|(to, _)| circle.contains(to));
        edges.extend(used.map(|(to, place)| format!("{from} → {to} in {place}")));
    }
    edges
}

fn graph(tree: &Tree, root: &str) -> Graph {
    let inside = |file: &&Source| !file.is_test() && !is_root(root, &file.path);
    let files: Vec<&Source> = tree.rust_below(root).filter(inside).collect();
    let place = |file: &Source| parts(root, &file.path);
    let modules: BTreeSet<String> = files.iter().filter_map(|file| place(file).into_iter().next()).collect();
    let exported = exports(tree, root, &modules);
    let mut graph = Graph::new();
    for file in files {
        let parts = place(file);
        let Some(from) = parts.first() else { continue };
        let code = code(&file.text);
        let mut named = names_after(&code, "crate::");
        named.extend(names_after(&code, &"super::".repeat(parts.len())));
        let modules = named.into_iter().filter_map(|name| {
            if modules.contains(&name) { Some(name) } else { exported.get(&name).cloned() }
        });
        let shown = file.path.strip_prefix(root).unwrap_or(&file.path).trim_start_matches('/');
        let used = graph.entry(from.clone()).or_default();
        for to in modules.filter(|to| to != from) {
            used.entry(to).or_insert_with(|| shown.to_owned());
        }
    }
    graph
}

fn is_root(root: &str, path: &str) -> bool {
    matches!(path.strip_prefix(root), Some("/lib.rs" | "/main.rs"))
        || path.starts_with(&format!("{root}/bin/"))
}

/// The path of a file's module: `a/b.rs` is `[a, b]`, `a/mod.rs` is `[a]`.
fn parts(root: &str, path: &str) -> Vec<String> {
    let inner = path.strip_prefix(root).unwrap_or(path).trim_start_matches('/').trim_end_matches(".rs");
    inner.split('/').filter(|part| *part != "mod").map(str::to_owned).collect()
}

/// What the crate's root exports again, by name, with the module it comes from.
fn exports(tree: &Tree, root: &str, modules: &BTreeSet<String>) -> BTreeMap<String, String> {
    let text = tree.file(&format!("{root}/lib.rs")).map(|file| code(&file.text)).unwrap_or_default();
    let Ok(export) = Regex::new(r"use (?:self::|crate::)?(\w+)::([^;]*);") else { return BTreeMap::new() };
    let mut exported = BTreeMap::new();
    for found in export.captures_iter(&text) {
        let (Some(module), Some(names)) = (found.get(1), found.get(2)) else { continue };
        if !modules.contains(module.as_str()) {
            continue;
        }
        let names = match names.as_str().split_once('{') {
            Some((_, group)) => group_heads(group),
            None => names.as_str().rsplit("::").next().map(str::to_owned).into_iter().collect(),
        };
        exported.extend(names.into_iter().map(|name| (name, module.as_str().to_owned())));
    }
    exported
}

/// Groups of modules each of which reaches all the others.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|from| (from, reach(graph, from))).collect();
    let meets = |one: &String, other: &String| reached.get(one).is_some_and(|far| far.contains(other));
    let mut found: Vec<Vec<String>> = Vec::new();
    for from in graph.keys() {
        if found.iter().flatten().any(|seen| seen == from) {
            continue;
        }
        let group: Vec<String> =
            graph.keys().filter(|other| meets(from, other) && meets(other, from)).cloned().collect();
        if group.len() > 1 {
            found.push(group);
        }
    }
    found
}

fn reach(graph: &Graph, from: &String) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for next in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::super::tree::{member, tree};
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = tree(files);
        tree.crates = vec![member("denrei-actors", &[])];
        check(&tree).into_iter().map(|finding| format!("{}: {}", finding.path, finding.what)).collect()
    }

    #[test]
    fn two_modules_that_use_each_other_are_found() {
        let files = [
            ("crates/actors/src/a.rs", "use crate::{c, b::X};"),
            ("crates/actors/src/b/deep.rs", "use super::super::a::Y;"),
            ("crates/actors/src/c.rs", ""),
        ];
        let told = "crates/actors/src: a, b: these know each other (a → b in a.rs; b → a in b/deep.rs)";
        assert_eq!(found(&files), [told]);
    }

    #[test]
    fn a_circle_through_a_name_that_the_root_exports_is_found() {
        let files = [
            ("crates/actors/src/lib.rs", "pub use a::{X, Z};"),
            ("crates/actors/src/a.rs", "use crate::b::Y;"),
            ("crates/actors/src/b.rs", "use crate::X;"),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn tests_and_comments_make_no_circle() {
        let files = [
            ("crates/actors/src/a.rs", "use crate::b::X;"),
            ("crates/actors/src/b.rs", "/// See [`crate::a`].\n#[cfg(test)]\nmod tests {\nuse crate::a;\n}"),
            ("crates/actors/src/b/tests.rs", "use crate::a;"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }
}

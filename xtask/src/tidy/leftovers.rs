//! Nothing unfinished stays behind.

use regex::Regex;

use super::tree::{Finding, Tree};

/// Written in pieces, so that this file does not find itself.
const MARKS: &str = concat!(r"\b(TO", "DO|FIX", "ME|XX", r"X)\b");
const MACROS: &str = concat!(r"\b(to", "do|unimpl", r"emented|db", r"g)!\s*[(\[{]");

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let (Ok(marks), Ok(macros)) = (Regex::new(MARKS), Regex::new(MACROS)) else { return Vec::new() };
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.ends_with(".lock")) {
        let rust = file.path.ends_with(".rs");
        for (number, line) in (1..).zip(file.text.lines()) {
            let found = marks.find(line).or_else(|| macros.find(line).filter(|_| rust));
            findings.extend(found.map(|found| {
                Finding::new("leftovers", &file.path, format!("line {number}: `{}`", found.as_str()))
            }));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    #[test]
    fn marks_in_any_file_and_unfinished_code_are_found() {
        let mark = concat!("see FIX", "ME");
        let unfinished = concat!("fn f() { unimpl", "emented!() }");
        let tree =
            tree(&[("a.md", mark), ("b.rs", unfinished), ("c.rs", "let todos = 1;"), ("d.md", unfinished)]);
        assert_eq!(faults(&check(&tree)), ["a.md", "b.rs"]);
    }
}

//! Every problem code that a client can see has its page in `docs/problems/`, and no page is without its code.

use regex::Regex;

use super::tree::{Finding, Tree};

const CODES: &str = "crates/gateway/src/problem/code.rs";
const FOLDER: &str = "docs/problems/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let codes = codes(tree);
    let mut findings = Vec::new();
    if codes.is_empty() {
        findings.push(Finding::new("pages", CODES, "no `Variant = \"code\"` is found here"));
    }
    for code in &codes {
        let page = format!("{FOLDER}{code}.md");
        if tree.file(&page).is_none() {
            findings.push(Finding::new("pages", CODES, format!("`{code}` has no page {page}")));
        }
    }
    for file in &tree.files {
        let named = file.path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".md"));
        if named.is_some_and(|name| name != "README" && !codes.iter().any(|code| code == name)) {
            findings.push(Finding::new("pages", &file.path, "no problem has this code"));
        }
    }
    findings
}

fn codes(tree: &Tree) -> Vec<String> {
    let text = tree.file(CODES).map(|file| file.text.as_str()).unwrap_or_default();
    let Ok(line) = Regex::new(r#"(?m)^\s*[A-Z]\w* = "([a-z0-9_]+)""#) else { return Vec::new() };
    line.captures_iter(text).filter_map(|found| found.get(1)).map(|word| word.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    const TABLE: &str =
        "codes! {\n    NotFound = \"not_found\" NOT_FOUND \"Nothing\";\n    Gone = \"gone\" GONE \"x\";\n}";

    #[test]
    fn a_code_without_a_page_and_a_page_without_a_code_are_found() {
        let tree = tree(&[(CODES, TABLE), ("docs/problems/not_found.md", ""), ("docs/problems/old.md", "")]);
        assert_eq!(faults(&check(&tree)), [CODES, "docs/problems/old.md"]);
    }

    #[test]
    fn a_table_in_which_no_code_is_recognised_is_found() {
        assert_eq!(faults(&check(&tree(&[(CODES, "enum Code {}")]))), [CODES]);
    }
}

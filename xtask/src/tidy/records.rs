//! Every decision in `docs/adr/` is listed in its index, and the index lists nothing else.

use regex::Regex;

use super::tree::{Finding, Tree};

const FOLDER: &str = "docs/adr/";
const INDEX: &str = "docs/adr/README.md";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(index) = tree.file(INDEX) else {
        return vec![Finding::new("records", INDEX, "is not there")];
    };
    let mut findings = Vec::new();
    let names = tree.files.iter().filter_map(|file| file.path.strip_prefix(FOLDER));
    let names: Vec<&str> = names.filter(|name| name.ends_with(".md") && *name != "README.md").collect();
    let Ok(form) = Regex::new(r"^\d{4}-[a-z0-9-]+\.md$") else { return Vec::new() };
    for name in &names {
        if !form.is_match(name) {
            findings.push(Finding::new(
                "records",
                format!("{FOLDER}{name}"),
                "is not named NNNN-its-subject.md",
            ));
        }
        if !index.text.contains(&format!("({name})")) {
            findings.push(Finding::new("records", INDEX, format!("does not list {name}")));
        }
    }
    let Ok(link) = Regex::new(r"\((\d{4}-[^)]*\.md)\)") else { return Vec::new() };
    let linked = link.captures_iter(&index.text).filter_map(|found| found.get(1)).map(|name| name.as_str());
    for name in linked.filter(|name| !names.contains(name)) {
        findings.push(Finding::new("records", INDEX, format!("lists {name}, which is not there")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    #[test]
    fn a_decision_that_is_not_listed_and_one_that_is_only_listed_are_found() {
        let index = "- [One](0001-one.md)\n- [Three](0003-three.md)\n";
        let tree = tree(&[(INDEX, index), ("docs/adr/0001-one.md", ""), ("docs/adr/0002-two.md", "")]);
        let words: Vec<String> = check(&tree).into_iter().map(|finding| finding.what).collect();
        assert_eq!(words, ["does not list 0002-two.md", "lists 0003-three.md, which is not there"]);
    }

    #[test]
    fn a_missing_index_and_a_number_that_is_none_are_found() {
        assert_eq!(faults(&check(&tree(&[]))), [INDEX]);
        let tree = tree(&[(INDEX, "[a](fsync.md)"), ("docs/adr/fsync.md", "")]);
        assert_eq!(faults(&check(&tree)), ["docs/adr/fsync.md"]);
    }
}

//! Folders and modules are nouns of the domain: a name that fits everything says nothing.

use super::code::names_after;
use super::tree::{Finding, Tree};

const EMPTY: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
        let of_path = parts.filter(|part| EMPTY.contains(part)).map(str::to_owned);
        let code = super::code::code(&file.text);
        let of_module = names_after(&code, "mod ").into_iter().filter(|name| EMPTY.contains(&name.as_str()));
        let found = of_path.chain(of_module);
        findings.extend(
            found.map(|name| Finding::new("names", &file.path, format!("`{name}` is no noun of the domain"))),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    #[test]
    fn a_module_or_a_file_that_could_hold_anything_is_found() {
        let tree = tree(&[
            ("src/lib.rs", "pub mod helpers;\nmod shard;\n"),
            ("src/utils/a.rs", ""),
            ("src/b.rs", ""),
        ]);
        assert_eq!(faults(&check(&tree)), ["src/lib.rs", "src/utils/a.rs"]);
    }
}

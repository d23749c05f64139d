//! The tree speaks of itself: no path of one machine, no host of a package registry.

use regex::Regex;

use super::tree::{Finding, Tree};

/// Written in pieces, so that this file does not find itself.
const FOREIGN: [&str; 3] = [
    concat!(r"(^|[^\w.])/wo", r"rk/"),
    concat!(
        r"\b(crates\.",
        r"io|registry\.npm",
        r"js|npmjs\.",
        r"com|pypi\.",
        r"org|pythonhosted\.",
        r"org)\b"
    ),
    concat!(r"\b(repo1\.", r"maven|repo\.maven|proxy\.gol", r"ang|deb\.deb", r"ian)\b|//docs\.", r"rs\b"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Ok(foreign) = Regex::new(&FOREIGN.join("|")) else { return Vec::new() };
    let mut findings = Vec::new();
    // Cargo writes the lock file, and names its registry there.
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in (1..).zip(file.text.lines()) {
            let found = foreign.find(line);
            findings.extend(found.map(|found| {
                Finding::new("hosts", &file.path, format!("line {number}: `{}`", found.as_str().trim()))
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
    fn a_path_of_one_machine_and_a_registry_are_found() {
        let tree = tree(&[
            ("a.md", concat!("see /wo", "rk/main")),
            ("b.toml", concat!("url = \"https://docs.", "rs/serde\"")),
            ("c.sh", concat!("curl https://repo1.", "maven.org")),
            ("d.rs", "mod docs; // src/docs.rs, /home/work/x\n"),
            ("Cargo.lock", concat!("crates.", "io")),
        ]);
        assert_eq!(faults(&check(&tree)), ["a.md", "b.toml", "c.sh"]);
    }
}

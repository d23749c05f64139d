//! Every Rust file opens with `//!`: the folder reads without opening a function.

use super::tree::{Finding, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust().filter(|file| {
        let first = file.text.lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|words| words.trim().is_empty())
    });
    silent
        .map(|file| Finding::new("headers", &file.path, "opens without a `//!` that says what it is for"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    #[test]
    fn a_file_without_a_first_sentence_is_found() {
        let tree =
            tree(&[("a.rs", "//! What it is.\n"), ("b.rs", "use x;\n"), ("c.rs", "//!\n"), ("d.md", "")]);
        assert_eq!(faults(&check(&tree)), ["b.rs", "c.rs"]);
    }
}

//! A file is read in one sitting.

use super::tree::{Finding, Tree};

/// More lines than this need a reason.
const MOST: usize = 400;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let counted = tree.rust().map(|file| (file, file.text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > MOST);
    long.map(|(file, lines)| {
        Finding::new("budget", &file.path, format!("{lines} lines, {MOST} are the most"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, tree};
    use super::*;

    #[test]
    fn a_file_one_line_over_the_budget_is_found() {
        let tree = tree(&[("full.rs", &"\n".repeat(MOST)), ("over.rs", &"\n".repeat(MOST + 1))]);
        assert_eq!(faults(&check(&tree)), ["over.rs"]);
    }
}

//! Runs every rule, takes away what is excepted, and reports the rest.

use anyhow::Result;

use super::exceptions::Exceptions;
use super::tree::{Finding, Tree};
use super::{
    ambient, backends, budget, circles, directions, headers, hosts, leftovers, names, pages, records,
};
use crate::surroundings::say;
use crate::workspace::Workspace;

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [Rule; 11] = [
    headers::check,
    budget::check,
    directions::check,
    backends::check,
    ambient::check,
    pages::check,
    leftovers::check,
    hosts::check,
    names::check,
    circles::check,
    records::check,
];

/// Prints what is not as it must be; `true` if nothing is.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let findings = findings(workspace)?;
    for finding in &findings {
        say(finding);
    }
    say(match findings.len() {
        0 => "tidy: nothing to say".to_owned(),
        some => format!("tidy: {some} to mend, or to except with a reason in xtask/tidy.toml"),
    });
    Ok(findings.is_empty())
}

fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let tree = Tree::read(workspace)?;
    let exceptions = Exceptions::read(&workspace.root().join("xtask/tidy.toml"))?;
    Ok(exceptions.apply(RULES.iter().flat_map(|rule| rule(&tree)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_tree_is_tidy() {
        let findings = findings(&Workspace::find().unwrap()).unwrap();
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}

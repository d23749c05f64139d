//! Who may know whom: `node → gateway → actors → storage → model`, `queue, lake → storage`, `node → client → model`.

use super::tree::{Finding, Tree};

/// Each crate with the crates of the house that it may depend on.
const MAY_KNOW: [(&str, &[&str]); 10] = [
    ("denrei-model", &[]),
    ("denrei-storage", &["denrei-model"]),
    ("denrei-queue", &["denrei-storage", "denrei-model"]),
    ("denrei-lake", &["denrei-storage", "denrei-model"]),
    ("denrei-actors", &["denrei-storage", "denrei-model"]),
    ("denrei-gateway", &["denrei-actors", "denrei-storage", "denrei-model"]),
    ("denrei-client", &["denrei-model"]),
    (
        "denrei",
        &[
            "denrei-gateway",
            "denrei-actors",
            "denrei-queue",
            "denrei-storage",
            "denrei-client",
            "denrei-model",
        ],
    ),
    (
        "denrei-tests",
        &[
            "denrei",
            "denrei-gateway",
            "denrei-actors",
            "denrei-queue",
            "denrei-lake",
            "denrei-storage",
            "denrei-client",
            "denrei-model",
        ],
    ),
    ("xtask", &[]),
];

/// Foreign crates, by the start of their name, that a crate must do without.
const MUST_NOT_KNOW: [(&str, &[&str]); 2] = [
    (
        "denrei-model",
        &["tokio", "actix", "async", "futures", "hyper", "h2", "http", "fjall", "rdkafka", "scylla", "redis"],
    ),
    ("denrei-storage", &["actix", "http", "hyper", "h2", "reqwest", "axum", "tower"]),
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &tree.crates {
        let manifest = format!("{}/Cargo.toml", member.folder);
        let mut say = |what: String| findings.push(Finding::new("directions", &manifest, what));
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == member.name) else {
            say(format!("{} is not on the map of crates in xtask/src/tidy/directions.rs", member.name));
            continue;
        };
        let house = |name: &str| MAY_KNOW.iter().any(|(of, _)| *of == name);
        let refused =
            MUST_NOT_KNOW.iter().filter(|(name, _)| *name == member.name).flat_map(|(_, foreign)| *foreign);
        let refused: Vec<&&str> = refused.collect();
        for known in &member.dependencies {
            if house(known) && !allowed.contains(&known.as_str()) {
                say(format!("{} may not know {known}", member.name));
            }
            if refused.iter().any(|foreign| known.starts_with(**foreign)) {
                say(format!("{} must do without {known}", member.name));
            }
        }
    }
    findings.extend(asynchronous_model(tree));
    findings
}

/// `model` does no I/O and knows no future.
fn asynchronous_model(tree: &Tree) -> Vec<Finding> {
    const FOREIGN: [&str; 5] = ["async fn", "async move", ".await", "std::fs", "std::net"];
    let mut findings = Vec::new();
    for file in tree.rust_below("crates/model/src") {
        let code = super::code::code(&file.text);
        let named = FOREIGN.iter().filter(|word| code.contains(**word));
        findings.extend(named.map(|word| {
            Finding::new("directions", &file.path, format!("`{word}` in the model, which does no I/O"))
        }));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::{member, tree};
    use super::*;

    fn findings(name: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = Tree { files: Vec::new(), crates: vec![member(name, dependencies)] };
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_crate_may_know_those_below_it() {
        assert_eq!(findings("denrei-gateway", &["denrei-actors", "denrei-model", "actix-web"]), [""; 0]);
    }

    #[test]
    fn a_crate_that_knows_one_above_it_is_found() {
        assert_eq!(
            findings("denrei-storage", &["denrei-actors"]),
            ["denrei-storage may not know denrei-actors"]
        );
        assert_eq!(
            findings("denrei-client", &["denrei-storage"]),
            ["denrei-client may not know denrei-storage"]
        );
    }

    #[test]
    fn a_model_with_a_runtime_and_a_storage_with_http_are_found() {
        assert_eq!(findings("denrei-model", &["tokio"]), ["denrei-model must do without tokio"]);
        assert_eq!(findings("denrei-storage", &["actix-web"]), ["denrei-storage must do without actix-web"]);
    }

    #[test]
    fn a_crate_that_is_not_on_the_map_is_found() {
        assert_eq!(findings("denrei-new", &[]).len(), 1);
    }

    #[test]
    fn an_async_function_in_the_model_is_found_and_a_comment_about_one_is_not() {
        let files = [
            ("crates/model/src/a.rs", "async fn f() {}\n"),
            ("crates/model/src/b.rs", "// no async fn here\n"),
        ];
        assert_eq!(super::super::tree::faults(&check(&tree(&files))), ["crates/model/src/a.rs"]);
    }
}

//! `actors`, `queue` and `gateway` name no backend: they know the traits of `storage` only.

use super::code::code;
use super::tree::{Finding, Tree};

const BLIND: [&str; 3] = ["denrei-actors", "denrei-queue", "denrei-gateway"];
const DRIVERS: [&str; 4] = ["fjall", "scylla", "rdkafka", "redis"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in tree.crates.iter().filter(|member| BLIND.contains(&member.name.as_str())) {
        let drivers = member.dependencies.iter().filter(|known| DRIVERS.contains(&known.as_str()));
        let manifest = format!("{}/Cargo.toml", member.folder);
        findings.extend(
            drivers.map(|driver| Finding::new("backends", &manifest, format!("depends on {driver}"))),
        );
        for file in tree.rust_below(&format!("{}/src", member.folder)) {
            let code = code(&file.text);
            let named = DRIVERS.iter().filter(|driver| names(&code, driver));
            findings
                .extend(named.map(|driver| Finding::new("backends", &file.path, format!("names {driver}"))));
        }
    }
    findings
}

/// Whether the code has a path that starts with the driver.
fn names(code: &str, driver: &str) -> bool {
    code.match_indices(&format!("{driver}::")).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default();
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::{faults, member, tree};
    use super::*;

    #[test]
    fn a_driver_in_a_manifest_or_in_a_path_is_found() {
        let mut tree = tree(&[
            ("crates/actors/src/a.rs", "use fjall::Keyspace;\n"),
            ("crates/actors/src/b.rs", "// as fjall::Keyspace does\nuse my_redis::X;\n"),
            ("crates/storage/src/c.rs", "use fjall::Keyspace;\n"),
        ]);
        tree.crates = vec![member("denrei-actors", &["rdkafka"]), member("denrei-storage", &["fjall"])];
        assert_eq!(faults(&check(&tree)), ["crates/actors/Cargo.toml", "crates/actors/src/a.rs"]);
    }
}

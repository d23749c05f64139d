//! The configuration says all that is wrong, and the commented example is the default.

use super::*;

#[test]
fn all_faults_are_said_at_once() {
    let faults = Config::parse(
        r#"
        [store]
        durabilty = "sync"
        reader_threads = 0
        journal_bytes = 1
        [http]
        listen = "not a list"
        [gateway]
        heartbeat_ms = 60000
        [colour]
        "#,
    )
    .unwrap_err();
    for part in ["durabilty", "reader_threads", "journal_bytes", "listen", "heartbeat_ms", "colour"] {
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part} is not among {faults:#?}");
    }
    assert_eq!(faults.len(), 6, "{faults:#?}");
}

#[test]
fn files_of_tls_that_cannot_be_used_are_a_fault_among_the_others() {
    for (tls, said) in [
        ("certificates = \"no/chain.pem\"\nkey = \"no/key.pem\"", "tls: cannot read no/chain.pem"),
        ("certificates = \"no/chain.pem\"", "tls: `certificates` and `key` go together"),
    ] {
        let text = format!("[http]\ntls_listen = [\"127.0.0.1:0\"]\n[tls]\n{tls}\n[colour]\n");
        let faults = Config::parse(&text).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:#?}");
        assert!(faults.iter().any(|fault| fault.starts_with(said)), "{faults:#?}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_place() {
    let faults = Config::parse("[store\n").unwrap_err();
    assert!(faults[0].contains("line 1"), "{faults:?}");
}

/// Every option of the example, uncommented, has the default's value.
#[test]
fn the_commented_example_is_complete_and_says_the_defaults() {
    let text = include_str!("../../../../config/single-node.toml");
    let uncommented: String = text
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains(" = ") && !rest.contains(". "))
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let example = Config::parse(&uncommented).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{:#?}", Config::default()));
    Config::parse(text).unwrap();
}

/// Every option there is stands in the example, with its default or without one.
#[test]
fn the_commented_example_leaves_no_option_out() {
    let text = include_str!("../../../../config/single-node.toml");
    let shown = format!("{:#?}", Config::default());
    let names = shown.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
    // Made from the certificate files, not read.
    for name in names.filter(|name| *name != "tls" && !name.contains(' ')) {
        let there = text.lines().any(|line| {
            let option = line.trim_start_matches(['#', ' ']);
            option.starts_with(&format!("{name} =")) || line.ends_with(&format!("{name}]"))
        });
        assert!(there || matches!(name, "per_minute" | "burst"), "{name} is not in the example");
    }
}

#[test]
fn the_example_of_rules_for_connecting_can_be_used() {
    let text = include_str!("../../../../config/connection.toml");
    let rules: denrei_gateway::connection::ConnectionRules = toml::from_str(text).unwrap();
    assert_eq!(rules.rule.len(), 1);
}

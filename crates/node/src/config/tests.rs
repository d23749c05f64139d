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
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ") && !rest.contains(". ")).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let example = Config::parse(&uncommented).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{:#?}", Config::default()));
    Config::parse(text).unwrap();
}

//! The configuration says all that is wrong, and the commented example is the default.

use super::*;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, |_| {})
}

/// The faults of a text, each beginning as is expected, and no other.
fn check(text: &str, beginnings: &[&str]) {
    let faults = parse(text).err().unwrap_or_default();
    for beginning in beginnings {
        assert!(
            faults.iter().any(|fault| fault.starts_with(beginning)),
            "{beginning} is not among {faults:#?}"
        );
    }
    assert_eq!(faults.len(), beginnings.len(), "{faults:#?}");
}

#[test]
fn all_faults_are_said_at_once() {
    let faults = parse(
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
        let faults = parse(&text).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:#?}");
        assert!(faults.iter().any(|fault| fault.starts_with(said)), "{faults:#?}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_place() {
    let faults = parse("[store\n").unwrap_err();
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
    let example = parse(&uncommented).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{:#?}", Config::default()));
    parse(text).unwrap();
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

#[test]
fn what_a_node_would_not_start_with_is_said_at_once_each_by_its_key() {
    check(
        r#"
        [http]
        listen = []
        [runtime.shard]
        max_queued_commands = 0
        max_active = 0
        [gateway.registration]
        mode = "jwt"
        [gateway.registration.jwt]
        hs256_secret = "short"
        rs256_public_key = "no key"
        jwks_file = "no/jwks.json"
        [gateway.cors]
        origins = ["", "nonsense", "https://a.example", "https://a.example/", "*"]
        [connection]
        rules_file = "no/connection.toml"
        [admin]
        token_file = "no/admin.token"
        [log]
        level = "inffo,denrei=foo,denrei_actors=debug"
        "#,
        &[
            "http.listen: there is no address",
            "runtime.shard.max_queued_commands: must be at least 1",
            "runtime.shard.max_active: must be at least 1",
            "gateway.registration.jwt.hs256_secret: must have",
            "gateway.registration.jwt.rs256_public_key: no RSA key",
            "gateway.registration.jwt.jwks_file: no/jwks.json: No such file",
            "gateway.cors.origins: \"\" is no origin",
            "gateway.cors.origins: \"nonsense\" is no origin",
            "gateway.cors.origins: \"https://a.example/\" is no origin",
            "connection.rules_file: no/connection.toml: No such file",
            "admin.token_file: no/admin.token: there is no directory no",
            "log.level: \"inffo\": \"inffo\" is no level",
            "log.level: \"denrei=foo\": \"foo\" is no level",
        ],
    );
    check(
        "[gateway.registration]\nmode = \"jwt\"",
        &["gateway.registration.mode: \"jwt\" needs jwt.hs256_secret"],
    );
}

#[test]
fn files_that_are_there_and_cannot_be_used_are_faults() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (rules, jwks) = (file("rules.toml", "transprot = 1"), file("jwks.json", "{\"keys\": []}"));
    let text = format!(
        "[connection]\nrules_file = {rules:?}\n[gateway.registration.jwt]\njwks_file = {jwks:?}\n[admin]\ntoken_file = {:?}",
        directory.path()
    );
    check(
        &text,
        &[
            &format!("connection.rules_file: {}: TOML parse error", rules.display()),
            "gateway.registration.jwt.jwks_file: the key set holds no RSA key",
            &format!("admin.token_file: {}: Is a directory", directory.path().display()),
        ],
    );
}

#[test]
fn what_will_do_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("made.at.the.first.start");
    check(&format!("[admin]\ntoken_file = {token:?}"), &[]);
    check("[runtime]\nshards = 65535", &[]);
    check("[gateway.cors]\norigins = [\"*\", \"https://chat.example\"]", &[]);
    for level in ["", "WARN", "off", "info,denrei_actors::shard=debug", "info,[turn{shard=1}]=trace"] {
        check(&format!("[log]\nlevel = {level:?}"), &[]);
    }
}

#[test]
fn a_fault_brings_no_others_with_it() {
    check(
        "[gateway.limits]\ndevice = { per_minute = 10, burst = 0 }",
        &["gateway.limits.device.burst: invalid value"],
    );
    check(
        "[gateway.limits]\ndevice = { per_minute = 10 }",
        &["gateway.limits.device: missing field `burst`"],
    );
    check(
        "[http]\nlisten = [\"here\", \"127.0.0.1:1\", \"there\"]\ntls_listen = [\"\"]\n[tls]\ncertificates = 1\nkey = \"key.pem\"",
        &[
            "http.listen: \"here\": invalid socket address syntax",
            "http.listen: \"there\": invalid socket address syntax",
            "http.tls_listen: \"\": invalid socket address syntax",
            "tls.certificates: invalid type",
        ],
    );
    check(
        "[store]\nqueue_bytes = \"many\"\ngroup_bytes = 100000000",
        &["store.queue_bytes: invalid type: string \"many\""],
    );
    check(
        "[gateway.registration]\nmode = \"jwt\"\njwt = { hs256_secret = 1 }",
        &["gateway.registration.jwt.hs256_secret: invalid type"],
    );
    check("[store]\nreader_queue = -1", &["store.reader_queue: invalid"]);
    check("[tls]\nmin_version = \"1.1\"", &["tls.min_version: \"1.1\": must be \"1.2\" or \"1.3\""]);
    check(
        "[tls]\nmin_version = 1.2",
        &["tls.min_version: invalid type: floating point `1.2`, expected a string"],
    );
}

#[test]
fn what_is_said_on_the_command_line_stands_in_for_what_the_file_lacks() {
    let listen = |config: &mut Config| config.http.listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    assert!(Config::parse("[http]\nlisten = []", listen).is_ok());
}

#[test]
fn a_certificate_that_has_ended_is_warned_of() {
    let made = tls::self_signed(&["localhost"], tls::MinVersion::default()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("chain.pem");
    std::fs::write(&file, made.certificate_pem).unwrap();
    let mut config = Config::default();
    config.tls.certificates = Some(file);
    let at = |yyyymmdd| {
        let day = denrei_model::clock::Day::from_yyyymmdd(yyyymmdd).unwrap().number();
        Timestamp::from_millis(u64::from(day) * 86_400_000)
    };
    assert_eq!(config.warnings(at(20_261_124)), [""; 0]);
    let warnings = config.warnings(at(99_991_231));
    assert!(warnings[0].contains("a certificate ended at 4096-01-01T00:00:00Z"), "{warnings:?}");
}

//! Apache Cassandra: one node, in the way of a developer's machine (no gossip to settle, no rings to wait for).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::jars::{self, Bill};

const BILL: Bill =
    Bill { name: "cassandra-5.0.5", artifacts: &[("org.apache.cassandra", "cassandra-all", "5.0.5")] };

const SETTINGS: &str = "\
commitlog_sync: periodic
commitlog_sync_period: 10000ms
cluster_name: denrei
num_tokens: 16
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
native_transport_port: 29042
storage_port: 27000
ssl_storage_port: 27001
start_native_transport: true
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: \"127.0.0.1:27000\"
";

/// Packages of the JDK that Cassandra reaches into.
const EXPORTS: [&str; 7] = [
    "java.base/jdk.internal.misc",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
];
const OPENS: [&str; 15] = [
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
];

pub(crate) fn prepare(folder: &Path) -> Result<Command> {
    let config = folder.join("cassandra.yaml");
    fs::write(&config, settings(folder))?;
    let mut start = jars::java(&BILL, folder, "1g")?;
    start.args(EXPORTS.iter().map(|package| format!("--add-exports={package}=ALL-UNNAMED")));
    start.args(OPENS.iter().map(|package| format!("--add-opens={package}=ALL-UNNAMED")));
    start.args(["-Djava.security.manager=allow", "-Dcassandra.jmx.local.port=27199"]);
    start.args(["-Dcassandra.skip_wait_for_gossip_to_settle=0", "-Dcassandra.ring_delay_ms=0"]);
    start.arg("-Dcassandra.superuser_setup_delay_ms=0");
    start.arg(format!("-Dcassandra.config=file://{}", config.display()));
    start.arg(format!("-Dcassandra.storagedir={}", folder.display()));
    start.arg("org.apache.cassandra.service.CassandraDaemon");
    Ok(start)
}

fn settings(folder: &Path) -> String {
    let place = |name: &str| folder.join("data").join(name).display().to_string();
    let mut settings = SETTINGS.to_owned();
    settings.push_str(&format!("data_file_directories:\n  - {}\n", place("tables")));
    for (setting, name) in [
        ("commitlog_directory", "commitlog"),
        ("saved_caches_directory", "saved_caches"),
        ("hints_directory", "hints"),
        ("cdc_raw_directory", "cdc_raw"),
    ] {
        settings.push_str(&format!("{setting}: {}\n", place(name)));
    }
    settings
}

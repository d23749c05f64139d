//! Central Dogma: one server without replication.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::jars::{self, Bill};

const BILL: Bill = Bill {
    name: "centraldogma-0.61.0",
    artifacts: &[
        ("com.linecorp.centraldogma", "centraldogma-server", "0.61.0"),
        ("com.beust", "jcommander", "1.82"),
        ("ch.qos.logback", "logback-classic", "1.2.13"),
        ("ch.qos.logback", "logback-core", "1.2.13"),
        ("org.slf4j", "jul-to-slf4j", "1.7.36"),
    ],
};

const CONFIG: &str = r#"{
  "dataDir": "data",
  "ports": [{"localAddress": {"host": "127.0.0.1", "port": 36462}, "protocols": ["http"]}],
  "webAppEnabled": false,
  "gracefulShutdownTimeout": {"quietPeriodMillis": 1000, "timeoutMillis": 10000},
  "replication": {"method": "NONE"}
}
"#;

pub(crate) fn prepare(folder: &Path) -> Result<Command> {
    fs::write(folder.join("dogma.json"), CONFIG)?;
    let mut start = jars::java(&BILL, folder, "512m")?;
    start.args(["com.linecorp.centraldogma.server.Main", "-config", "dogma.json"]);
    Ok(start)
}

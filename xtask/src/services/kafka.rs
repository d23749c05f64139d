//! Apache Kafka: one broker that is its own controller.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::jars::{self, Bill};
use crate::child;

const BILL: Bill = Bill {
    name: "kafka-4.1.0",
    artifacts: &[
        ("org.apache.kafka", "kafka_2.13", "4.1.0"),
        ("org.apache.kafka", "kafka-tools", "4.1.0"),
        ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
    ],
};

/// Any 22 letters of base64 that make a UUID.
const CLUSTER: &str = "ZGVucmVpLWRlbnJlaS1kZQ";

/// What it is told, by the port that it listens on; the controller has the next one.
fn properties(port: u16) -> String {
    let controller = port + 1;
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"
    )
}

pub(crate) fn prepare(folder: &Path, port: u16) -> Result<Command> {
    fs::write(folder.join("server.properties"), properties(port))?;
    if !folder.join("data/meta.properties").exists() {
        let mut format = jars::java(&BILL, folder, "256m")?;
        format.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", "server.properties"]);
        child::output(format.current_dir(folder))?;
    }
    let mut start = jars::java(&BILL, folder, "512m")?;
    start.args(["kafka.Kafka", "server.properties"]);
    Ok(start)
}

//! Redis: a program of the system, installed where we may.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::child;
use crate::surroundings::{self, say};

const PROGRAM: &str = "redis-server";

pub(crate) fn prepare(_folder: &Path) -> Result<Command> {
    if !surroundings::has_program(PROGRAM) {
        install()?;
    }
    let mut start = Command::new(PROGRAM);
    start.args(["--port", "26399", "--bind", "127.0.0.1", "--dir", ".", "--appendonly", "yes", "--save", ""]);
    Ok(start)
}

/// By Debian's packages, as root, and without the service that the package would start.
fn install() -> Result<()> {
    if !surroundings::has_program("apt-get") {
        bail!("there is no {PROGRAM} on the path");
    }
    if child::output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("there is no {PROGRAM} on the path, and only root may install it");
    }
    say("redis: installing the package redis-server");
    let mut apt = Command::new("sh");
    apt.args([
        "-c",
        "apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server",
    ]);
    child::output(&mut apt)?;
    Ok(())
}

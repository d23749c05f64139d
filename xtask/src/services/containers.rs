//! The same services as containers, where an engine answers.

use std::process::Command;

use anyhow::Result;

use super::service::Service;
use crate::{child, surroundings, workspace};

/// A container engine with Compose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Engine(&'static str);

/// The first engine that answers; its command alone is no engine.
pub(crate) fn engine() -> Option<Engine> {
    ["docker", "podman"]
        .into_iter()
        .find(|program| {
            surroundings::has_program(program)
                && child::answers(Command::new(program).arg("info"))
                && child::answers(Command::new(program).args(["compose", "version"]))
        })
        .map(Engine)
}

fn compose(engine: Engine) -> Command {
    let file = workspace::home().join("services/compose.yaml");
    let mut command = Command::new(engine.0);
    command.args(["compose", "--project-name", "denrei", "--file"]).arg(file);
    command
}

/// Starts it and waits until its health check is content.
pub(crate) fn up(engine: Engine, service: Service) -> Result<()> {
    child::run(compose(engine).args(["up", "--detach", "--wait", service.name()]))
}

/// Removes its container; whether there was one.
pub(crate) fn down(engine: Engine, service: Service) -> Result<bool> {
    let running = child::output(compose(engine).args(["ps", "--quiet", service.name()]))?;
    if running.trim().is_empty() {
        return Ok(false);
    }
    child::run(compose(engine).args(["rm", "--stop", "--force", "--volumes", service.name()]))?;
    Ok(true)
}

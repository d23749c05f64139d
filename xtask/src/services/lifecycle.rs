//! Up, down, status: each may be asked again and changes nothing then.

use std::path::Path;

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use super::service::Service;
use super::{containers, process};
use crate::surroundings::say;

/// What can be asked of services.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Action {
    /// Starts them, downloading what they need once
    Up,
    /// Stops those that were started from here
    Down,
    /// Says which are there
    Status,
}

/// How a service came to be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The environment gave its address.
    Given,
    /// Something answered already.
    Found,
    /// It was started just now.
    Started,
}

/// Does one action for each service named, or for all.
pub(crate) fn run(action: Action, asked: &[Service], state: &Path) -> Result<bool> {
    let asked = if asked.is_empty() { &Service::ALL } else { asked };
    let mut all_well = true;
    for &service in asked {
        let outcome = match action {
            Action::Up => up(service, state).map(|origin| say(brought_up(service, origin, state))),
            Action::Down => down(service, state).map(|stopped| {
                say(format_args!(
                    "{}: {}",
                    service.name(),
                    if stopped { "stopped" } else { "was not started from here" }
                ));
            }),
            Action::Status => {
                say(status(service, state));
                Ok(())
            }
        };
        if let Err(error) = outcome {
            all_well = false;
            say(format_args!("{}: not to be had: {error:#}", service.name()));
        }
    }
    Ok(all_well)
}

/// Sees to it that the service answers.
pub(crate) fn up(service: Service, state: &Path) -> Result<Origin> {
    if let Some(address) = service.given() {
        let answers = Service::answers(&address);
        return if answers {
            Ok(Origin::Given)
        } else {
            Err(anyhow!("{} = {address} does not answer", service.variable()))
        };
    }
    let folder = state.join(service.name());
    if process::is_running(&folder) {
        process::wait_until_ready(&folder, service.own_address())?;
        return Ok(Origin::Found);
    }
    if Service::answers(service.own_address()) {
        return Ok(Origin::Found);
    }
    if let Some(engine) = engine_for(service) {
        match containers::up(engine, service) {
            Ok(()) => return Ok(Origin::Started),
            Err(error) => say(format_args!("{}: no container ({error:#}), trying without", service.name())),
        }
    }
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let mut command = service.prepare(&folder)?;
    process::start(&mut command, &folder)?;
    process::wait_until_ready(&folder, service.own_address())?;
    Ok(Origin::Started)
}

/// Stops the service if it was started from here; whether it was.
pub(crate) fn down(service: Service, state: &Path) -> Result<bool> {
    if process::stop(&state.join(service.name()))? {
        return Ok(true);
    }
    match engine_for(service) {
        Some(engine) => containers::down(engine, service),
        None => Ok(false),
    }
}

/// The engine that holds the service, if there is one. What tests may kill is a process: they have no say over containers.
fn engine_for(service: Service) -> Option<containers::Engine> {
    if service.folder_variable().is_some() { None } else { containers::engine() }
}

/// What the tests are told of a service: where it is; and its folder, if they may kill it and it was started from here.
pub(crate) fn variables(service: Service, state: &Path) -> Vec<(&'static str, String)> {
    let folder = state.join(service.name());
    let theirs = service.folder_variable().filter(|_| process::is_running(&folder));
    let folder = theirs.and_then(|name| Some((name, folder.canonicalize().ok()?.display().to_string())));
    std::iter::once((service.variable(), service.address())).chain(folder).collect()
}

fn brought_up(service: Service, origin: Origin, state: &Path) -> String {
    let how = match origin {
        Origin::Given => "given by the environment",
        Origin::Found => "was there already",
        Origin::Started => "started",
    };
    let told = variables(service, state);
    let told: Vec<String> = told.iter().map(|(name, value)| format!("\n  export {name}={value}")).collect();
    format!("{}: {} ({how}){}", service.name(), service.address(), told.concat())
}

fn status(service: Service, state: &Path) -> String {
    let address = service.address();
    let answers = if Service::answers(&address) { "answers" } else { "does not answer" };
    let owner = match (service.given(), process::pid(&state.join(service.name()))) {
        (Some(_), _) => "given by the environment".to_owned(),
        (None, Some(pid)) => format!("started from here, process {pid}"),
        (None, None) => "not started from here".to_owned(),
    };
    format!("{}: {address} {answers}; {owner}", service.name())
}

//! Which services the tests want, brought up for them, and taken down again if it was we who started them.

use std::path::PathBuf;

use anyhow::Result;

use crate::services::{self, Service};
use crate::surroundings::say;
use crate::workspace::Workspace;

/// The services of one run.
pub(crate) struct Needs {
    state: PathBuf,
    started: Vec<Service>,
    /// For each service that is there: its variable and its address, and its folder if tests may kill it.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// For each service that is not: a line that says why.
    pub(crate) missing: Vec<String>,
}

impl Needs {
    /// None at all.
    pub(crate) fn none(workspace: &Workspace) -> Self {
        let state = workspace.target().join("services");
        Self { state, started: Vec::new(), variables: Vec::new(), missing: Vec::new() }
    }

    /// Brings up what is named in a test, and says so.
    pub(crate) fn bring_up(workspace: &Workspace) -> Result<Self> {
        let mut needs = Self::none(workspace);
        for service in wanted(workspace)? {
            let was_there = Service::answers(&service.address());
            match services::up(service, &needs.state) {
                Ok(_) => {
                    let how = if was_there { "is there" } else { "brought up" };
                    say(format_args!(
                        "{} {how}: {}={}",
                        service.name(),
                        service.variable(),
                        service.address()
                    ));
                    needs.variables.extend(services::variables(service, &needs.state));
                    if !was_there {
                        needs.started.push(service);
                    }
                }
                Err(error) => {
                    say(format_args!("{} is not to be had: {error:#}", service.name()));
                    needs.missing.push(format!("{} is not to be had: {error}", service.name()));
                }
            }
        }
        Ok(needs)
    }
}

impl Drop for Needs {
    fn drop(&mut self) {
        for &service in &self.started {
            match services::down(service, &self.state) {
                Ok(_) => say(format_args!("{} taken down", service.name())),
                Err(error) => say(format_args!("{} not taken down: {error:#}", service.name())),
            }
        }
    }
}

/// The services whose variable a test reads.
fn wanted(workspace: &Workspace) -> Result<Vec<Service>> {
    let files = workspace.files()?;
    let tests = files
        .iter()
        .filter(|path| path.ends_with(".rs") && path.contains("tests") && !path.starts_with("xtask/"));
    let texts: Vec<String> =
        tests.filter_map(|path| std::fs::read_to_string(workspace.root().join(path)).ok()).collect();
    let read = |service: &Service| {
        let quoted = format!("\"{}\"", service.variable());
        texts.iter().any(|text| text.contains(&quoted))
    };
    Ok(Service::ALL.into_iter().filter(read).collect())
}

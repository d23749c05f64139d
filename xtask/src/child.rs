//! Other programs: started, waited for, ended.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::surroundings;

/// The cargo that runs this, or the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(surroundings::variable("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs it with our own output; whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot run {}", named(command)))?;
    Ok(status.success())
}

/// Runs it with our own output; an error if it failed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if succeeds(command)? {
        return Ok(());
    }
    bail!("{} failed", named(command))
}

/// Runs it silently and gives what it printed; an error, with its words, if it failed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", named(command)))?;
    if !done.status.success() {
        bail!("{} failed: {}", named(command), String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Runs it in silence; whether it succeeded, a missing program being a failure.
pub(crate) fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The command as a person would type it.
pub(crate) fn named(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

/// Sends a signal, by name, to a process.
pub(crate) fn signal(pid: u32, name: &str) -> bool {
    answers(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()))
}

/// A process and all that descend from it, parents first.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let told = output(Command::new("ps").args(["-eo", "pid=,ppid="])).unwrap_or_default();
    let pairs: Vec<(u32, u32)> = told
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map_while(|word| word.parse().ok());
            Some((numbers.next()?, numbers.next()?))
        })
        .collect();
    descendants(pid, &pairs)
}

fn descendants(first: u32, pairs: &[(u32, u32)]) -> Vec<u32> {
    let mut family = vec![first];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_process_with_its_children_and_theirs() {
        assert_eq!(descendants(2, &[(3, 2), (4, 1), (5, 3), (6, 2)]), [2, 3, 6, 5]);
    }

    #[test]
    fn a_command_that_fails_is_an_error_that_names_it() {
        let error = output(Command::new("ls").arg("/no/such/folder")).unwrap_err().to_string();
        assert!(error.starts_with("ls /no/such/folder failed: "), "{error}");
    }
}

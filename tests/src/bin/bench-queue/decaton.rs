//! Decaton in a JVM of its own, by the programs of `tests/decaton/`.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};
use denrei_tests::surroundings;

use crate::Options;
use crate::cell::Cell;
use crate::drain::Drained;
use crate::ground::Ground;

/// Virtual threads came with this Java.
const VIRTUAL_THREADS: u32 = 21;

/// Where its classes are, and which Java runs them.
pub(crate) struct Decaton {
    class_path: String,
    java: String,
    version: u32,
}

/// A program of ours that runs; ended when it goes.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Decaton {
    /// None, and said so, where its class path or Java is missing.
    pub(crate) fn find() -> Option<Self> {
        let java = surroundings::variable("JAVA_HOME").map(|home| format!("{home}/bin/java"));
        let java = java.unwrap_or_else(|| "java".to_owned());
        let found =
            surroundings::variable("DENREI_DECATON").ok_or_else(|| "DENREI_DECATON not set".to_owned());
        let found = found.and_then(|class_path| {
            let version = version(&java).map_err(|error| error.to_string())?;
            println!("Decaton on Java {version}");
            if version < VIRTUAL_THREADS {
                let reason =
                    format!("Java {version} has no virtual threads; JAVA_HOME may name one that has");
                surroundings::skip("bench queue, a permit a key, Decaton", &reason);
            }
            Ok(Self { class_path, java, version })
        });
        surroundings::or_skip("bench queue, Decaton", found)
    }

    /// Whether it can run tasks so.
    pub(crate) const fn can(&self, cell: &Cell) -> bool {
        !cell.per_key() || self.version >= VIRTUAL_THREADS
    }

    /// Runs all tasks of the ground.
    pub(crate) async fn drain(
        &self,
        ground: &Ground,
        cell: &Cell,
        options: &Options,
    ) -> anyhow::Result<Drained> {
        let arguments = [
            ground.tasks().to_string(),
            cell.permits.to_string(),
            cell.takes.as_millis().to_string(),
            (options.warm_ups + 1).to_string(),
        ];
        let mut program = self.start("Drain", ground, &arguments)?;
        let (per_second, cpu_per_million) = tokio::task::block_in_place(|| program.figures())?;
        Ok(Drained { per_second, cpu_per_million })
    }

    /// Starts one of the programs on the topic of the ground.
    pub(crate) fn start(
        &self,
        program: &str,
        ground: &Ground,
        arguments: &[String],
    ) -> anyhow::Result<Running> {
        let mut command = Command::new(&self.java);
        // As much heap as its own benchmark gives it, within what a small machine has.
        command.args(["-Xmx2g", "-cp", &self.class_path, program]);
        command.args([&ground.servers()?, ground.topic.as_str(), &ground.fresh_group()]).args(arguments);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let out = child.stdout.take().context("the program has no output")?;
        Ok(Running { child, lines: BufReader::new(out).lines() })
    }
}

impl Running {
    /// The next line that it prints; waits for it.
    pub(crate) fn line(&mut self) -> anyhow::Result<String> {
        self.lines.next().context("Decaton ended without a word")?.map_err(Into::into)
    }

    /// The two figures of the next line.
    pub(crate) fn figures(&mut self) -> anyhow::Result<(f64, f64)> {
        let line = self.line()?;
        match line.split_once(' ') {
            Some((first, second)) => Ok((first.parse()?, second.parse()?)),
            None => bail!("not two figures: {line}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The feature release of this Java: 21 of `java.specification.version = 21`.
fn version(java: &str) -> anyhow::Result<u32> {
    let told = Command::new(java).args(["-XshowSettings:properties", "-version"]).output()?;
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    let line = told.lines().find_map(|line| line.trim().strip_prefix("java.specification.version = "));
    Ok(line.context("Java does not tell its version")?.trim().parse()?)
}

//! Jars by Maven, downloaded once and kept for the next checkout too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::child;
use crate::surroundings::{self, say};

const POM: &str = "pom.xml";
/// Written last: a folder without it holds half a download.
const COMPLETE: &str = "complete";

/// What a service is made of.
pub(crate) struct Bill {
    /// Names the folder.
    pub(crate) name: &'static str,
    /// Group, artifact, version.
    pub(crate) artifacts: &'static [(&'static str, &'static str, &'static str)],
}

/// Java with these jars on its class path, and with at most this heap (`512m` for instance).
pub(crate) fn java(bill: &Bill, folder: &Path, heap: &str) -> Result<Command> {
    if !surroundings::has_program("java") {
        bail!("there is no java on the path");
    }
    let jars = fetch(bill, folder)?;
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}")).arg("-cp").arg(jars.join("*"));
    Ok(command)
}

/// The folder with the jars, filled if it is not yet: in the user's cache, or in `folder` where there is none.
pub(crate) fn fetch(bill: &Bill, folder: &Path) -> Result<PathBuf> {
    let kept = surroundings::cache().map(|cache| cache.join("jars").join(bill.name));
    let place = kept.filter(|kept| fs::create_dir_all(kept).is_ok()).unwrap_or_else(|| folder.join("jars"));
    let (pom, jars) = (pom(bill), place.join("lib"));
    if place.join(COMPLETE).exists() && fs::read_to_string(place.join(POM)).is_ok_and(|kept| kept == pom) {
        return Ok(jars);
    }
    if !surroundings::has_program("mvn") {
        bail!("its jars are not here, and there is no mvn on the path to fetch them");
    }
    say(format_args!("{}: fetching its jars", bill.name));
    for stale in [&place, &jars] {
        if stale.exists() {
            fs::remove_dir_all(stale)?;
        }
    }
    fs::create_dir_all(&place)?;
    fs::write(place.join(POM), pom)?;
    let mut maven = Command::new("mvn");
    maven.args([
        "-q",
        "-B",
        "dependency:copy-dependencies",
        "-DoutputDirectory=lib",
        "-DincludeScope=runtime",
    ]);
    child::output(maven.current_dir(&place)).context("Maven could not fetch its jars")?;
    fs::write(place.join(COMPLETE), "")?;
    Ok(jars)
}

fn pom(bill: &Bill) -> String {
    let dependencies = bill.artifacts.iter().map(|(group, artifact, version)| {
        format!(
            "    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    });
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>denrei</groupId><artifactId>{}</artifactId><version>1</version>\n  \
         <dependencies>\n{}  </dependencies>\n</project>\n",
        bill.name,
        dependencies.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pom_names_every_artifact_with_its_version() {
        let pom = pom(&Bill { name: "x", artifacts: &[("org.a", "b", "1.2"), ("org.c", "d", "3")] });
        assert_eq!(pom.matches("<dependency>").count(), 2);
        assert!(pom.contains("<artifactId>b</artifactId><version>1.2</version>"), "{pom}");
    }
}

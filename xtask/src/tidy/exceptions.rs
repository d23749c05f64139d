//! Exceptions from the rules, each with its reason. One that is not needed any more is itself a finding.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::tree::Finding;

const FILE: &str = "xtask/tidy.toml";

/// What `xtask/tidy.toml` says.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exceptions {
    #[serde(default)]
    exception: Vec<Exception>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Exception {
    rule: String,
    path: String,
    reason: String,
}

impl Exceptions {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {FILE}"))?;
        toml::from_str(&text).with_context(|| format!("{FILE} is malformed"))
    }

    /// Takes away what is excepted; adds the exceptions that excepted nothing, or give no reason.
    pub(crate) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let covers = |exception: &Exception, finding: &Finding| {
            exception.rule == finding.rule && exception.path == finding.path
        };
        let idle = self.exception.iter().filter_map(|exception| {
            let named = format!("the exception of {} from {}", exception.path, exception.rule);
            if exception.reason.trim().is_empty() {
                return Some(Finding::new("exceptions", FILE, format!("{named} gives no reason")));
            }
            let needed = findings.iter().any(|finding| covers(exception, finding));
            (!needed).then(|| Finding::new("exceptions", FILE, format!("{named} is not needed any more")))
        });
        let idle: Vec<Finding> = idle.collect();
        let excepted = |finding: &Finding| self.exception.iter().any(|exception| covers(exception, finding));
        findings.into_iter().filter(|finding| !excepted(finding)).chain(idle).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &str, findings: Vec<Finding>) -> Vec<String> {
        let exceptions: Exceptions = toml::from_str(text).unwrap();
        exceptions.apply(findings).iter().map(ToString::to_string).collect()
    }

    fn long() -> Vec<Finding> {
        vec![Finding::new("budget", "a.rs", "long")]
    }

    const EXCEPTION: &str = "[[exception]]\nrule = \"budget\"\npath = \"a.rs\"\nreason = \"one table\"\n";

    #[test]
    fn an_exception_takes_its_finding_away_and_no_other() {
        assert_eq!(apply(EXCEPTION, long()), [""; 0]);
        let other = vec![Finding::new("names", "a.rs", "bad"), Finding::new("budget", "a.rs", "long")];
        assert_eq!(apply(EXCEPTION, other), ["names: a.rs: bad"]);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_a_finding() {
        let left = apply(EXCEPTION, Vec::new());
        assert!(matches!(left.as_slice(), [one] if one.contains("not needed any more")), "{left:?}");
    }

    #[test]
    fn an_exception_without_a_reason_is_a_finding() {
        let left = apply(&EXCEPTION.replace("one table", " "), long());
        assert!(matches!(left.as_slice(), [one] if one.contains("gives no reason")), "{left:?}");
    }
}

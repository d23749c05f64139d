//! How devices are told to connect: rules per platform and version, which the operator changes while the node runs.

use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

/// A way to follow one's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// `GET /v1/stream`.
    #[default]
    Stream,
    /// `GET /v1/operations?wait=…`.
    LongPoll,
}

/// Of a client: compared number by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Version([u32; 3]);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a version such as `12.3.4`, got `{text}`");
        let mut version = [0; 3];
        let mut numbers = text.split('.');
        for (place, number) in version.iter_mut().zip(&mut numbers) {
            *place = number.parse().map_err(|_| wrong())?;
        }
        if numbers.next().is_some() { Err(wrong()) } else { Ok(Self(version)) }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Who is told what. The first rule that fits decides.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Of this platform. Default: any.
    #[serde(default)]
    pub platform: Option<String>,
    /// Of this version on. Default: any.
    #[serde(default)]
    pub from: Option<Version>,
    /// Below this version. Default: any.
    #[serde(default)]
    pub below: Option<Version>,
    /// Is told to connect this way.
    pub transport: Transport,
}

/// All rules.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionRules {
    /// What those are told whom no rule fits. Default `stream`.
    pub transport: Transport,
    /// Seconds after which a device asks again. Default 86,400.
    pub ask_again_s: NonZeroU64,
    /// From the first to the last. Default none.
    pub rule: Vec<Rule>,
}

impl Default for ConnectionRules {
    fn default() -> Self {
        let day = NonZeroU64::MIN.saturating_add(86_399);
        Self { transport: Transport::Stream, ask_again_s: day, rule: Vec::new() }
    }
}

impl ConnectionRules {
    /// What this device is told. One that does not say its version is taken for an old one.
    #[must_use]
    pub fn transport(&self, platform: Option<&str>, version: Option<Version>) -> Transport {
        let version = version.unwrap_or_default();
        let fits = |rule: &&Rule| {
            rule.platform.as_deref().is_none_or(|wanted| platform == Some(wanted))
                && rule.from.is_none_or(|from| version >= from)
                && rule.below.is_none_or(|below| version < below)
        };
        self.rule.iter().find(fits).map_or(self.transport, |rule| rule.transport)
    }
}

/// The rules that are in force; replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Connection(Arc<RwLock<Arc<ConnectionRules>>>);

impl Connection {
    /// Puts other rules in force.
    pub fn replace(&self, rules: ConnectionRules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// Those in force.
    #[must_use]
    pub fn rules(&self) -> Arc<ConnectionRules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rule = |platform: &str, below: &str, transport| Rule {
            platform: Some(platform.to_owned()),
            from: None,
            below: below.parse().ok(),
            transport,
        };
        let rules = ConnectionRules {
            rule: vec![rule("ios", "12.3", Transport::LongPoll), rule("ios", "13", Transport::Stream)],
            transport: Transport::LongPoll,
            ..ConnectionRules::default()
        };
        let told = |platform, version: &str| rules.transport(platform, version.parse().ok());
        assert_eq!(told(Some("ios"), "12.2.9"), Transport::LongPoll);
        assert_eq!(told(Some("ios"), "12.3"), Transport::Stream);
        assert_eq!(told(Some("ios"), "13.0.1"), Transport::LongPoll);
        assert_eq!(told(Some("web"), "12.3"), Transport::LongPoll);
        assert_eq!(rules.transport(Some("ios"), None), Transport::LongPoll);
    }

    #[test]
    fn a_version_has_up_to_three_numbers() {
        assert!("1".parse::<Version>().unwrap() < "1.0.1".parse().unwrap());
        for wrong in ["", "1.2.3.4", "1.x", "-1"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}

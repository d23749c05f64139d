//! Files that are read again when they change: the rules for connecting, and the keys of the operator's login.
//!
//! Looked at every two seconds. What cannot be used is reported, and the last good value stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use denrei_gateway::connection::ConnectionRules;
use denrei_gateway::registration::RegistrationOptions;
use denrei_gateway::state::Gateway;

use crate::causes::causes;
use crate::config::Config;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The key set, where the configuration names one.
pub(super) fn key_set(options: &RegistrationOptions) -> anyhow::Result<Option<String>> {
    options.jwt.jwks_file.as_deref().map(read).transpose()
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

fn rules(text: &str) -> anyhow::Result<ConnectionRules> {
    toml::from_str(text).context("not what rules for connecting look like")
}

/// Puts what the files say in force, and keeps watching them. Those that cannot be used at the start are an error.
pub(super) fn watch(config: &Config, gateway: &Gateway) -> anyhow::Result<()> {
    if let Some(file) = &config.connection.rules_file {
        let text = read(file)?;
        gateway.connection.replace(rules(&text).with_context(|| file.display().to_string())?);
        let connection = gateway.connection.clone();
        follow(file.clone(), text, move |text| {
            connection.replace(rules(text)?);
            Ok(())
        });
    }
    let options = config.gateway.registration.clone();
    if let Some(file) = options.jwt.jwks_file.clone() {
        let text = read(&file)?;
        let registration = gateway.registration.clone();
        follow(file, text, move |text| Ok(registration.replace_keys(&options, text)?));
    }
    Ok(())
}

/// Calls `take` with each new text of a file.
fn follow(file: PathBuf, mut known: String, take: impl Fn(&str) -> anyhow::Result<()> + 'static) {
    actix_rt::spawn(async move {
        loop {
            actix_rt::time::sleep(LOOK).await;
            // A file of a few KiB: reading it on the main arbiter, which does nothing else, is cheaper than a thread.
            match fs::read_to_string(&file) {
                Ok(text) if text != known => {
                    match take(&text) {
                        Ok(()) => tracing::info!(file = %file.display(), "read again"),
                        Err(error) => tracing::warn!(file = %file.display(), "not taken: {}", causes(&error)),
                    }
                    known = text;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(file = %file.display(), %error, "cannot be read"),
            }
        }
    });
}

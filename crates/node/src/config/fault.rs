//! What cannot work although each option by itself may: found before anything is made, all of it.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use denrei_gateway::connection::ConnectionRules;

use super::{AdminConfig, Config, ConnectionConfig};

/// Something that cannot work, and the options that it comes from.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) said: String,
    options: Vec<String>,
}

impl Fault {
    /// A fault of one option.
    fn at(option: &str, what: impl Display) -> Self {
        Self { said: format!("{option}: {what}"), options: vec![option.to_owned()] }
    }

    /// A fault of an option whose name, within this section, stands before the colon.
    fn within(section: &str, said: &str) -> Self {
        let name = said.split(':').next().unwrap_or_default();
        Self { said: format!("{section}.{said}"), options: vec![format!("{section}.{name}")] }
    }

    /// A fault of those options of a section that it names.
    fn naming(section: &str, said: &str) -> Self {
        let words = said.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let options = words.filter(|word| !word.is_empty()).map(|word| format!("{section}.{word}"));
        Self { said: format!("{section}: {said}"), options: options.collect() }
    }

    /// That comes from another option, or section, too.
    fn and(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// Whether it comes from this option or section, among others.
    pub(super) fn comes_from(&self, option: &str) -> bool {
        let lies_in = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.options.iter().any(|own| lies_in(own, option) || lies_in(option, own))
    }
}

impl Config {
    /// What cannot work although each option by itself may. Files that are named are looked at.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> =
            self.store.faults().iter().map(|said| Fault::naming("store", said)).collect();
        faults.extend(self.of_shards());
        faults.extend(self.of_addresses());
        if self.gateway.heartbeat_ms.get() > 25_000 {
            faults.push(Fault::naming("gateway", "`heartbeat_ms` must be at most 25000"));
        }
        faults.extend(self.of_registration());
        faults.extend(self.gateway.cors.faults().iter().map(|said| Fault::within("gateway.cors", said)));
        faults.extend(self.connection.fault());
        if self.gateway.admin_token.is_none() {
            faults.extend(self.admin.fault());
        }
        faults.extend(self.jobs.faults().iter().map(|said| Fault::naming("jobs", said)));
        faults.extend(self.log.faults().iter().map(|said| Fault::within("log", said)));
        faults
    }

    fn of_shards(&self) -> Vec<Fault> {
        let bounds = self.runtime.shard.faults();
        bounds.iter().map(|said| Fault::within("runtime.shard", said)).collect()
    }

    fn of_addresses(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.http.listen.is_empty() && self.http.tls_listen.is_empty() {
            let fault =
                Fault::at("http.listen", "there is no address to listen on, nor in `http.tls_listen`");
            faults.push(fault.and("http.tls_listen"));
        }
        faults.extend(self.tls.fault().map(|said| Fault::at("tls", said)));
        if self.tls.certificates.is_some() && self.http.tls_listen.is_empty() {
            let said = "there is a certificate, but `http.tls_listen` names no address";
            faults.push(Fault::at("tls", said).and("http.tls_listen"));
        }
        faults
    }

    fn of_registration(&self) -> Vec<Fault> {
        let (section, options) = ("gateway.registration", &self.gateway.registration);
        let mut faults = Vec::new();
        let jwks = options.jwt.jwks_file.as_deref().and_then(|file| match read(file) {
            Ok(text) => Some(text),
            Err(why) => {
                faults.push(Fault::at("gateway.registration.jwt.jwks_file", why));
                None
            }
        });
        for said in options.faults(jwks.as_deref()) {
            let fault = Fault::within(section, &said);
            // A mode lacks a key that was given and could not be read, too.
            let of_mode = fault.comes_from("gateway.registration.mode");
            faults.push(if of_mode { fault.and("gateway.registration.jwt") } else { fault });
        }
        faults
    }
}

impl ConnectionConfig {
    fn fault(&self) -> Option<Fault> {
        let file = self.rules_file.as_deref()?;
        let rules = read(file).and_then(|text| {
            let rules: Result<ConnectionRules, _> = toml::from_str(&text);
            rules.map_err(|error| format!("{}: {error}", file.display()))
        });
        rules.err().map(|why| Fault::at("connection.rules_file", why))
    }
}

impl AdminConfig {
    /// The file may be missing, as it is made at the first start: but not the directory that it is to be made in.
    fn fault(&self) -> Option<Fault> {
        let file = self.token_file.as_deref()?;
        let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
        let why = match directory {
            Some(directory) if !directory.is_dir() => {
                Some(format!("{}: there is no directory {}", file.display(), directory.display()))
            }
            _ if file.exists() => read(file).err(),
            _ => None,
        };
        why.map(|why| Fault::at("admin.token_file", why))
    }
}

/// The text of a file, or why there is none.
fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

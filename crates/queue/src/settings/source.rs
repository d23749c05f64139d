//! Where settings come from, and how they change. What cannot be used is reported, and the last good value stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Settings, SettingsError};

/// Gives settings, and later ones when they change. Only what passed [`Settings::check`] may be given.
pub trait SettingsSource: Send + Sync + 'static {
    /// The settings as they are now, and as they become.
    fn watch(&self) -> watch::Receiver<Arc<Settings>>;
}

/// Settings set by code.
#[derive(Debug)]
pub struct StaticSettings(watch::Sender<Arc<Settings>>);

impl StaticSettings {
    /// These settings.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self(watch::Sender::new(Arc::new(settings))))
    }

    /// From now on these.
    ///
    /// # Errors
    /// If they cannot be used; then the ones before stay.
    pub fn set(&self, settings: Settings) -> Result<(), SettingsError> {
        settings.check()?;
        self.0.send_replace(Arc::new(settings));
        Ok(())
    }
}

impl SettingsSource for StaticSettings {
    fn watch(&self) -> watch::Receiver<Arc<Settings>> {
        self.0.subscribe()
    }
}

/// Settings in a file that is looked at again and again: TOML, or JSON if it ends in `.json`.
#[derive(Debug)]
pub struct SettingsFile {
    sender: Arc<watch::Sender<Arc<Settings>>>,
    watcher: tokio::task::JoinHandle<()>,
}

impl SettingsFile {
    /// Reads the file now, and every `interval`.
    ///
    /// # Errors
    /// If it cannot be read or used now; later such a state is reported, and the last good settings stay.
    pub async fn open(path: &Path, interval: Duration) -> Result<Self, SettingsError> {
        let text = tokio::task::spawn_blocking({
            let path = path.to_owned();
            move || std::fs::read_to_string(&path)
        });
        let text = text.await.map_err(SettingsError::one)?.map_err(SettingsError::one)?;
        let sender = Arc::new(watch::Sender::new(Arc::new(parse(path, &text)?)));
        let watcher = tokio::spawn(follow(path.to_owned(), text, interval, Arc::clone(&sender)));
        Ok(Self { sender, watcher })
    }
}

impl Drop for SettingsFile {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl SettingsSource for SettingsFile {
    fn watch(&self) -> watch::Receiver<Arc<Settings>> {
        self.sender.subscribe()
    }
}

fn parse(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    let settings: Settings = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(text).map_err(SettingsError::one)?
    } else {
        toml::from_str(text).map_err(SettingsError::one)?
    };
    settings.check()?;
    Ok(settings)
}

async fn follow(
    path: PathBuf,
    mut seen: String,
    interval: Duration,
    sender: Arc<watch::Sender<Arc<Settings>>>,
) {
    loop {
        tokio::time::sleep(interval).await;
        let read = tokio::task::spawn_blocking({
            let path = path.clone();
            move || std::fs::read_to_string(path)
        });
        let Ok(Ok(text)) = read.await else {
            tracing::warn!(path = %path.display(), "settings cannot be read; the last good ones stay");
            continue;
        };
        if text == seen {
            continue;
        }
        match parse(&path, &text) {
            Ok(settings) => {
                tracing::info!(path = %path.display(), "new settings");
                sender.send_replace(Arc::new(settings));
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "settings refused; the last good ones stay");
            }
        }
        seen = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_cannot_be_used_leaves_the_last_good_settings() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queue.toml");
        std::fs::write(&path, "partition_concurrency = 3").unwrap();
        let file = SettingsFile::open(&path, Duration::from_millis(5)).await.unwrap();
        let mut settings = file.watch();
        assert_eq!(settings.borrow_and_update().partition_concurrency, 3);
        std::fs::write(&path, "partition_concurrency = 4\nno_such_thing = 1").unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(!settings.has_changed().unwrap());
        std::fs::write(&path, "partition_concurrency = 5\n[retry]\nattempts = 2").unwrap();
        settings.changed().await.unwrap();
        let now = settings.borrow_and_update();
        assert_eq!((now.partition_concurrency, now.retry.attempts), (5, 2));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_at_the_start_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queue.json");
        std::fs::write(&path, r#"{"max_held": 0}"#).unwrap();
        let error = SettingsFile::open(&path, Duration::from_millis(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "max_held must not be 0");
    }
}

//! Secrets of a node: made once, kept beside the store, readable by their owner only.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use denrei_storage::embedded::EmbeddedStore;
use rand::TryRngCore as _;
use rand::rngs::OsRng;

/// The key under which tokens are made. It comes before its store: a store without it is not given another one, for which no device's
/// token would be known any more.
pub(super) fn of_store(data_dir: &Path) -> anyhow::Result<[u8; 32]> {
    let file = data_dir.join("secret.key");
    if !file.exists() && EmbeddedStore::is_in(data_dir) {
        bail!(
            "{}: it is missing, though there is a store beside it, whose devices have their tokens by this key. Put it back from \
             the backup of the directory. If it is lost, write 64 random hex digits to it: the node starts then, and every device \
             must be registered or linked anew",
            file.display()
        );
    }
    fs::create_dir_all(data_dir).with_context(|| data_dir.display().to_string())?;
    load_or_make(&file)
}

/// 32 random bytes, in a file as hex.
pub(super) fn load_or_make(file: &Path) -> anyhow::Result<[u8; 32]> {
    match fs::read_to_string(file) {
        Ok(text) => {
            decode(text.trim()).with_context(|| format!("{}: expected 64 hex digits", file.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(file).with_context(|| file.display().to_string())?;
            load_or_make(file)
        }
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}

/// Makes the file, unless another process has done so first.
fn make(file: &Path) -> anyhow::Result<()> {
    let mut secret = [0; 32];
    OsRng.try_fill_bytes(&mut secret).context("the system gives no random bytes")?;
    let text: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    // Complete under another name first: a node that dies in between must not leave half a secret behind.
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&draft);
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    if let Some(directory) = file.parent() {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn decode(text: &str) -> anyhow::Result<[u8; 32]> {
    ensure!(text.len() == 64 && text.is_ascii(), "not 64 hex digits");
    let mut secret = [0; 32];
    for (byte, digits) in secret.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
    }
    Ok(secret)
}

/// A secret as the text that its bearer shows.
pub(super) fn text(secret: &[u8; 32]) -> String {
    secret.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use denrei_storage::embedded::EmbeddedOptions;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept_from_others() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret.key");
        let made = load_or_make(&file).unwrap();
        assert_eq!(load_or_make(&file).unwrap(), made);
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_store_without_its_key_is_not_given_another() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("new");
        let key = of_store(&data_dir).unwrap();
        let options = EmbeddedOptions { data_dir: data_dir.clone(), ..EmbeddedOptions::default() };
        drop(EmbeddedStore::open(&options, 1, 1).unwrap());
        assert_eq!(of_store(&data_dir).unwrap(), key);
        fs::remove_file(data_dir.join("secret.key")).unwrap();
        let refusal = of_store(&data_dir).unwrap_err().to_string();
        assert!(refusal.contains("secret.key: it is missing"), "{refusal}");
        assert!(!data_dir.join("secret.key").exists());
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret.key");
        fs::write(&file, "half").unwrap();
        assert!(load_or_make(&file).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "half");
    }
}

//! Errors in words: what went wrong and what it comes from, each once.

/// An error and its causes. Many an error says its cause in its own words already; that one is not said again.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.ends_with(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::Context as _;
    use denrei_storage::embedded::OpenError;

    use super::*;

    #[test]
    fn each_cause_is_said_once() {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "gone");
        let repeats = OpenError::Io { path: "data".into(), source: gone() };
        assert_eq!(causes(&repeats.into()), "data: gone");
        let context = Err::<(), _>(gone()).context("secret.key").context("the node");
        assert_eq!(causes(&context.unwrap_err()), "the node: secret.key: gone");
        assert_eq!(causes(&gone().into()), "gone");
    }
}

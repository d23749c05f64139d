//! Bounds of what people write.

use denrei_model::wire::account::{MAX_HANDLE_BYTES, MIN_HANDLE_BYTES};

use crate::problem::{Code, Problem};

/// A field that is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// Its path in the body.
    pub(crate) field: String,
    /// What it must be.
    pub(crate) expected: String,
}

impl Fault {
    /// This field is not what was expected.
    #[must_use]
    pub(crate) fn new(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { field: field.into(), expected: expected.into() }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::new(Code::InvalidRequest)
            .detail(format!("expected {}", fault.expected))
            .with("field", fault.field)
    }
}

/// Refuses a text with fewer or more characters, or with control characters other than the line feed and tab.
pub(crate) fn text(field: &str, text: &str, min: usize, max: usize) -> Result<(), Fault> {
    let count = text.chars().count();
    if !(min..=max).contains(&count) {
        return Err(Fault::new(field, format!("{min} to {max} characters, got {count}")));
    }
    if min > 0 && text.trim().is_empty() {
        return Err(Fault::new(field, "more than white space"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Fault::new(field, "no control characters but line feed and tab"));
    }
    Ok(())
}

/// Refuses what is no handle.
pub(crate) fn handle(handle: &str) -> Result<(), Problem> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    let starts = handle.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if starts && (MIN_HANDLE_BYTES..=MAX_HANDLE_BYTES).contains(&handle.len()) && handle.bytes().all(allowed)
    {
        return Ok(());
    }
    let detail = format!(
        "expected {MIN_HANDLE_BYTES} to {MAX_HANDLE_BYTES} of a–z, 0–9, `_` and `.`, starting with a letter"
    );
    Err(Problem::new(Code::HandleMalformed).detail(detail).with("field", "handle"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_has_one_form() {
        for good in ["abc", "a_b.c9", "a23456789012345678901234567890"] {
            assert_eq!(handle(good), Ok(()), "{good}");
        }
        for wrong in ["", "ab", "9ab", "Abc", "a b", "äbc", "a234567890123456789012345678901"] {
            assert_eq!(handle(wrong).unwrap_err().code(), Code::HandleMalformed, "{wrong}");
        }
    }
}

//! Lower-case hex without the formatting machinery: ids and tags are most of what a frame holds.

use std::ops::Deref;

/// A short text of `N` ASCII characters on the stack.
pub(crate) struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// The bytes in hex, in the last characters; `prefix` in those before.
    pub(crate) fn hex(prefix: char, bytes: &[u8]) -> Self {
        let mut text = [prefix as u8; N];
        let digits = text.rchunks_exact_mut(2);
        for (pair, byte) in digits.zip(bytes.iter().rev()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Self(text)
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        // Digits and a letter: always text.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + (value - 10) }
}

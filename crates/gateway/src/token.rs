//! Device tokens: opaque to their bearers, derived rather than stored.
//!
//! A token is `dra_` (access) or `drr_` (refresh) and base64url of account, device, number and a secret. The secret is keyed
//! BLAKE3 under the node's key over kind, account, device, family and number. So a token routes to its account without an
//! index, a repeated renewal gives the same pair, and nothing that is stored is a token. Tokens of other realms have other
//! prefixes and other domains, and are never taken for these.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use denrei_model::id::{AccountId, DeviceId};

/// The key of a node, from which secrets are derived. Never shown.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// The key with these bytes, which must be random and kept.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A keyed hash of the parts under a domain: for whatever must be recognised as the node's own.
    #[must_use]
    pub fn seal(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(&domain.as_bytes()).chain(parts) {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
}

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// For requests.
    Access,
    /// For the next pair.
    Refresh,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "dra_",
            Self::Refresh => "drr_",
        }
    }
}

/// A token as its bearer presents it; genuine only if [`DeviceToken::is_genuine`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceToken {
    /// Whose.
    pub account: AccountId,
    /// Of which device.
    pub device: DeviceId,
    /// How many renewals came before it.
    pub number: u32,
    secret: [u8; 32],
    kind: TokenKind,
}

const BYTES: usize = 16 + 16 + 4 + 32;

impl DeviceToken {
    /// The token of a device under a number.
    #[must_use]
    pub fn derive(
        key: &TokenKey,
        kind: TokenKind,
        (account, device): (AccountId, DeviceId),
        family: &[u8],
        number: u32,
    ) -> Self {
        let parts = [account.as_bytes().as_slice(), device.as_bytes(), family, &number.to_be_bytes()];
        let secret = key.seal(kind.prefix(), &parts);
        Self { account, device, number, secret, kind }
    }

    /// The token that a text presents, whoever wrote it.
    #[must_use]
    pub fn parse(text: &str, kind: TokenKind) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(kind.prefix())?).ok()?;
        let bytes: &[u8; BYTES] = bytes.as_slice().try_into().ok()?;
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (device, rest) = rest.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            account: AccountId::from_bytes(*account),
            device: DeviceId::from_bytes(*device),
            number: u32::from_be_bytes(*number),
            secret: rest.try_into().ok()?,
            kind,
        })
    }

    /// Whether the node made it for this family. The comparison takes the same time whatever differs.
    #[must_use]
    pub fn is_genuine(&self, key: &TokenKey, family: &[u8]) -> bool {
        let genuine = Self::derive(key, self.kind, (self.account, self.device), family, self.number);
        blake3::Hash::from(genuine.secret) == blake3::Hash::from(self.secret)
    }

    /// The text for its bearer.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(self.account.as_bytes());
        bytes.extend_from_slice(self.device.as_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.secret);
        format!("{}{}", self.kind.prefix(), URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (AccountId, DeviceId) {
        (AccountId::derived("t", &[b"a"]), DeviceId::derived("t", &[b"d"]))
    }

    #[test]
    fn a_token_is_genuine_only_for_its_own_kind_family_and_number() {
        let key = TokenKey::new([7; 32]);
        let text = DeviceToken::derive(&key, TokenKind::Access, ids(), b"family", 3).to_text();
        let token = DeviceToken::parse(&text, TokenKind::Access).unwrap();
        assert!(token.is_genuine(&key, b"family"));
        assert!(!token.is_genuine(&key, b"another"));
        assert!(!token.is_genuine(&TokenKey::new([8; 32]), b"family"));
        assert!(!DeviceToken { number: 4, ..token }.is_genuine(&key, b"family"));
        assert_eq!(DeviceToken::parse(&text, TokenKind::Refresh), None);
        let renamed = text.replace("dra_", "drr_");
        assert!(!DeviceToken::parse(&renamed, TokenKind::Refresh).unwrap().is_genuine(&key, b"family"));
    }

    #[test]
    fn texts_that_are_no_tokens_are_refused() {
        for text in ["", "dra_", "dra_AAAA", "dra_%%%", "U0000"] {
            assert_eq!(DeviceToken::parse(text, TokenKind::Access), None, "{text}");
        }
    }
}

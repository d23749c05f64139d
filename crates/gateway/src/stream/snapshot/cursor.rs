//! Where a page ended, as an opaque text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use denrei_model::row::{Key, KeyRange};

use crate::problem::{Code, Problem};

/// The text for a key.
pub(super) fn cursor(key: &Key) -> String {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What of the range follows the key that a text names; all of it without one.
pub(super) fn after(range: &KeyRange, text: Option<&str>) -> Result<KeyRange, Problem> {
    let Some(text) = text else { return Ok(range.clone()) };
    let malformed = || {
        let detail = "`after` must be `next` of the page before";
        Problem::new(Code::InvalidRequest).detail(detail).with("field", "after")
    };
    let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let last = Key::decode(&bytes).ok().filter(|key| range.contains(key)).ok_or_else(malformed)?;
    // The least key above: the one with these bytes and a zero, or for fixed fields the next number.
    bytes.push(0);
    let from = Key::decode(&bytes).unwrap_or_else(|_| above(&last));
    Ok(KeyRange { from, to: range.to.clone() })
}

/// The key whose fixed-width bytes are one more.
fn above(key: &Key) -> Key {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    for byte in bytes.iter_mut().skip(1).rev() {
        let (more, carry) = byte.overflowing_add(1);
        *byte = more;
        if !carry {
            break;
        }
    }
    Key::decode(&bytes).unwrap_or_else(|_| key.clone())
}

#[cfg(test)]
mod tests {
    use denrei_model::id::{AccountId, ChatId, DeviceId};
    use denrei_model::row::{AccountChatKey, SettingKey};

    use super::*;

    #[test]
    fn the_next_page_begins_right_after_the_last_key() {
        let account = AccountId::derived("t", &[b"a"]);
        let key = |last: u8| {
            let mut bytes = [0; 16];
            bytes[15] = last;
            AccountChatKey { account, chat: ChatId::from_bytes(bytes) }
        };
        let range = KeyRange::new(key(0), AccountChatKey { account, chat: ChatId::MAX });
        assert_eq!(after(&range, Some(&cursor(&key(255).into()))).unwrap().from, {
            let mut bytes = [0; 16];
            bytes[14] = 1;
            AccountChatKey { account, chat: ChatId::from_bytes(bytes) }.into()
        });
        assert_eq!(after(&range, None).unwrap(), range);
    }

    #[test]
    fn keys_that_end_with_a_text_are_followed_by_longer_ones() {
        let account = AccountId::derived("t", &[b"a"]);
        let key = |key: &str| SettingKey { account, device: DeviceId::default(), key: key.to_owned() };
        let range = KeyRange::new(key(""), SettingKey { account, device: DeviceId::MAX, key: String::new() });
        let page = after(&range, Some(&cursor(&key("theme").into()))).unwrap();
        assert!(!page.contains(&key("theme").into()));
        assert!(page.contains(&key("theme.dark").into()));
    }

    #[test]
    fn a_cursor_of_somebody_else_is_refused() {
        let key = |name: &[u8], chat| AccountChatKey { account: AccountId::derived("t", &[name]), chat };
        let range = KeyRange::new(key(b"a", ChatId::default()), key(b"a", ChatId::MAX));
        assert!(after(&range, Some(&cursor(&key(b"b", ChatId::default()).into()))).is_err());
        assert!(after(&range, Some("not a cursor")).is_err());
    }
}

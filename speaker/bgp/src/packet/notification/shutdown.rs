//! The text of a shutdown (RFC 9003): one octet of length, then UTF-8.

use crate::packet::text::cut;

/// Most octets of text.
const MAX_TEXT: usize = 255;

/// The data of the message: nothing without a text.
pub(super) fn encode(text: Option<&str>) -> Vec<u8> {
    let text = cut(text.unwrap_or_default(), MAX_TEXT);
    match u8::try_from(text.len()) {
        Ok(length) if length > 0 => [&[length], text.as_bytes()].concat(),
        _ => Vec::new(),
    }
}

/// The text of these data. `None` if there is none, or its length is wrong; what is no UTF-8 is shown as U+FFFD.
pub(super) fn decode(data: &[u8]) -> Option<String> {
    let (length, text) = data.split_first()?;
    let text = text.get(..usize::from(*length)).filter(|text| !text.is_empty())?;
    Some(String::from_utf8_lossy(text).into_owned())
}

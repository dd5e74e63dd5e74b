//! Texts with a limit in octets.

/// As much of `text` as fits into `octets`, cut between two characters.
pub(super) fn cut(text: &str, octets: usize) -> &str {
    let ends = text.char_indices().map(|(at, char)| at + char.len_utf8());
    let end = ends.take_while(|end| *end <= octets).last().unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

//! AS paths.
//!
//! ```text
//!   segment: type (1)   count (1)   count × AS number (2 or 4)
//! ```

use crate::packet::reader::Reader;

const AS_SET: u8 = 1;
const AS_SEQUENCE: u8 = 2;
const AS_CONFED_SEQUENCE: u8 = 3;
const AS_CONFED_SET: u8 = 4;

/// Whether `value` is a path as RFC 7606 §7.2 wants it: segments of known types that are not empty, and end where the path
/// ends. Segments of a confederation (RFC 5065) can only come from within, and AS 0 is nobody (RFC 7607).
pub(super) fn is_right(value: &[u8], four_octet_asn: bool, external: bool) -> bool {
    let mut reader = Reader(value);
    let octets = if four_octet_asn { 4 } else { 2 };
    while !reader.is_empty() {
        let Some([kind, count]) = reader.array() else { return false };
        let known = match kind {
            AS_SET | AS_SEQUENCE => true,
            AS_CONFED_SEQUENCE | AS_CONFED_SET => !external,
            _ => false,
        };
        let Some(numbers) = reader.take(usize::from(count) * octets) else { return false };
        let zero = numbers.chunks_exact(octets).any(|number| number.iter().all(|octet| *octet == 0));
        if !known || count == 0 || zero {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_with_the_path() {
        let two = |value: &[u8]| is_right(value, false, true);
        let four = |value: &[u8]| is_right(value, true, true);
        assert!(two(&[]) && four(&[]));
        assert!(two(&[2, 1, 0xfc, 0]) && four(&[2, 1, 0, 0, 0xfc, 0]));
        assert!(two(&[2, 2, 0xfc, 0, 0, 1]) && two(&[2, 1, 0xfc, 0, 1, 1, 0, 1]));
        assert!(!two(&[2, 1, 0, 0, 0xfc, 0]) && !four(&[2, 1, 0xfc, 0]), "the other width");
        for short in [&[2][..], &[2, 1], &[2, 1, 0, 0, 0xfc], &[2, 2, 0, 0, 0xfc, 0], &[2, 255, 0, 0, 0xfc, 0]] {
            assert!(!four(short), "{short:?}");
        }
        assert!(!four(&[2, 1, 0, 0, 0xfc, 0, 2]), "seven octets");
    }

    #[test]
    fn segments_have_a_type_and_members() {
        for kind in 0..=255 {
            let path = [kind, 1, 0xfc, 0];
            assert_eq!(is_right(&path, false, true), matches!(kind, 1 | 2));
            assert_eq!(is_right(&path, false, false), matches!(kind, 1..=4), "confederations are internal");
        }
        assert!(!is_right(&[2, 0], true, true));
        assert!(!is_right(&[2, 1, 0, 0, 0xfc, 0, 2, 0], true, true));
    }

    #[test]
    fn as_zero_is_nobody() {
        assert!(!is_right(&[2, 1, 0, 0], false, true));
        assert!(!is_right(&[2, 2, 0, 0, 0xfc, 0, 0, 0, 0, 0], true, true));
        assert!(is_right(&[2, 1, 0, 2, 0, 0], true, true), "131072");
    }
}

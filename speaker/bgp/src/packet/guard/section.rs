//! The attributes of an UPDATE.

use super::attribute::{Attribute, flag, subcode};
use super::reach::{self, Routes};
use super::verdict::{Fault, Verdict};
use super::{Inspected, code};
use crate::packet::reader::Reader;
use crate::packet::{Decoding, Notification, Treatment};

/// One bit per attribute type.
#[derive(Clone, Copy, Debug, Default)]
struct Seen([u64; 4]);

impl Seen {
    fn word(code: u8) -> (usize, u64) {
        (usize::from(code >> 6), 1 << (code & 63))
    }

    /// Whether `code` is new.
    fn insert(&mut self, code: u8) -> bool {
        let (word, bit) = Self::word(code);
        let Some(word) = self.0.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn contains(self, code: u8) -> bool {
        let (word, bit) = Self::word(code);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// The attribute at the front; `None` if its section ends before it does.
fn next<'a>(reader: &mut Reader<'a>) -> Option<Attribute<'a>> {
    let all = reader.0;
    let [flags, code] = reader.array()?;
    let extended = flags & flag::EXTENDED_LENGTH != 0;
    let value = if extended { reader.counted_by_u16() } else { reader.counted_by_u8() }?;
    let bytes = all.get(..all.len() - reader.0.len())?;
    Some(Attribute { flags, code, value, bytes })
}

/// Looks at every attribute, whatever was wrong with the one before: a later one may ask for more.
pub(super) fn walk<'a>(
    withdrawn: &'a [u8],
    section: &'a [u8],
    announced: &'a [u8],
    decoding: &Decoding,
) -> Result<Inspected<'a>, Notification> {
    let mut inspected = Inspected {
        treatment: Treatment::Accept,
        withdrawn,
        announced,
        reach: None,
        unreach: None,
        attributes: Vec::new(),
    };
    let (mut verdict, mut seen) = (Verdict::default(), Seen::default());
    let mut reader = Reader(section);
    while !reader.is_empty() {
        let Some(attribute) = next(&mut reader) else {
            // RFC 7606 §4: what follows can't be found, but the routes behind the section can.
            verdict.blame(0, Fault::Withdraw(Notification::malformed_attribute_list()));
            break;
        };
        let multiprotocol = matches!(attribute.code, code::MP_REACH_NLRI | code::MP_UNREACH_NLRI);
        if !seen.insert(attribute.code) {
            if multiprotocol {
                return Err(Notification::malformed_attribute_list());
            }
            continue;
        }
        if attribute.is_unrecognized() {
            return Err(attribute.wrong(subcode::UNRECOGNIZED_WELL_KNOWN));
        }
        if multiprotocol {
            routes(&attribute, &mut inspected)?;
        } else if let Err(fault) = attribute.check(decoding) {
            verdict.blame(attribute.code, fault);
            continue;
        }
        inspected.attributes.push(attribute);
    }

    let reachable = !announced.is_empty() || seen.contains(code::MP_REACH_NLRI);
    let mut required = Vec::new();
    if reachable {
        required.extend([code::ORIGIN, code::AS_PATH]);
    }
    if !announced.is_empty() {
        required.push(code::NEXT_HOP);
    }
    for code in required.into_iter().filter(|code| !seen.contains(*code)) {
        verdict.blame(code, Fault::Withdraw(Notification::wrong_attribute(subcode::MISSING_WELL_KNOWN, &[code])));
    }
    inspected.treatment = verdict.finish(reachable)?;
    Ok(inspected)
}

/// The two attributes that hold routes: unless they are right there is no telling which routes a verdict is about.
fn routes<'a>(attribute: &Attribute<'a>, inspected: &mut Inspected<'a>) -> Result<(), Notification> {
    if attribute.has_wrong_flags() {
        return Err(attribute.wrong(subcode::FLAGS));
    }
    let malformed = || attribute.wrong(subcode::OPTIONAL);
    if attribute.code == code::MP_REACH_NLRI {
        if let Routes::Ours(reach) = reach::reach(attribute.value).ok_or_else(malformed)? {
            inspected.reach = Some(reach);
        }
    } else if let Routes::Ours(unreach) = reach::unreach(attribute.value).ok_or_else(malformed)? {
        inspected.unreach = Some(unreach);
    }
    Ok(())
}

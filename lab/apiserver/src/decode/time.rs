//! Times, read and written as Go does: `metav1.Time` in whole seconds, `metav1.MicroTime` with exactly six digits.

use jiff::Timestamp;
use jiff::tz::Offset;

const SECONDS: &str = "2006-01-02T15:04:05Z07:00";
const MICROS: &str = "2006-01-02T15:04:05.000000Z07:00";

/// Reads an RFC 3339 time; gives it in UTC, in whole seconds.
///
/// # Errors
/// Go's words for what is wrong with it.
pub(crate) fn time(text: &str) -> Result<String, String> {
    let read = Reader { text, layout: SECONDS, rest: text }.read()?;
    Ok(read.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Reads an RFC 3339 time with exactly six digits after the point; gives it in UTC.
///
/// # Errors
/// Go's words for what is wrong with it.
pub(crate) fn microtime(text: &str) -> Result<String, String> {
    let read = Reader { text, layout: MICROS, rest: text }.read()?;
    Ok(read.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// Goes through a text along a layout, to say at which element of it the text does not fit.
struct Reader<'a> {
    text: &'a str,
    layout: &'static str,
    rest: &'a str,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Timestamp, String> {
        let start = self.text;
        for element in ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"] {
            if element.bytes().all(|b| b.is_ascii_digit()) {
                self.digits(element)?;
            } else {
                self.literal(element)?;
            }
        }
        if self.layout == MICROS {
            let digits = self.rest.as_bytes();
            let fits = digits.first() == Some(&b'.') && digits.len() > 6 && digits[1..7].iter().all(u8::is_ascii_digit);
            if !fits {
                return Err(self.error(".000000"));
            }
            self.rest = &self.rest[7..];
        } else if let Some(fraction) = self.rest.strip_prefix('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                self.rest = &fraction[digits..];
            }
        }
        self.zone()?;
        start.parse().map_err(|_| format!("parsing time {start:?}: out of range"))
    }

    fn digits(&mut self, element: &str) -> Result<(), String> {
        let count = element.len();
        if self.rest.len() < count || !self.rest.as_bytes()[..count].iter().all(u8::is_ascii_digit) {
            return Err(self.error(element));
        }
        self.rest = &self.rest[count..];
        Ok(())
    }

    fn literal(&mut self, element: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(element).ok_or_else(|| self.error(element))?;
        Ok(())
    }

    fn zone(&self) -> Result<(), String> {
        let offset = |text: &str| {
            let (hours, minutes) = text.get(1..)?.split_once(':')?;
            let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
            Offset::from_seconds(hours * 3600 + minutes * 60).ok()
        };
        let signed = self.rest.starts_with(['+', '-']) && self.rest.len() == 6;
        if self.rest == "Z" || (signed && offset(self.rest).is_some()) { Ok(()) } else { Err(self.error("Z07:00")) }
    }

    fn error(&self, element: &str) -> String {
        let Self { text, layout, rest } = self;
        format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}")
    }
}

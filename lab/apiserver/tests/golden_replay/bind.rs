//! Placeholders: what a recording calls `${uid:2}` is one value throughout a file.

use std::collections::BTreeMap;

/// Values of placeholders.
#[derive(Debug, Default)]
pub struct Bindings {
    values: BTreeMap<String, String>,
    /// Revisions that lists showed: at least the write they are named after.
    shown: BTreeMap<u64, u64>,
    /// The revision before the first request, and the newest that any answer showed.
    start: String,
    newest: String,
}

/// A piece of a recorded text.
enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

impl Bindings {
    /// Binds a placeholder by hand.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// The revision before the first request.
    pub fn start_at(&mut self, revision: &str) {
        self.start = revision.to_owned();
        self.newest = revision.to_owned();
    }

    /// A revision that an answer showed.
    pub fn saw(&mut self, revision: &str) {
        self.newest = revision.to_owned();
    }

    /// The value of a placeholder.
    pub fn get(&self, name: &str) -> Option<String> {
        if let Some(value) = self.values.get(name) {
            return Some(value.clone());
        }
        match name {
            "rv:0" => return Some(self.start.clone()),
            // What a client sent is recorded without its value where the server does not look at it.
            "time" => return Some("2024-01-01T00:00:00Z".to_owned()),
            "microtime" => return Some("2024-01-01T00:00:00.000000Z".to_owned()),
            "seconds" => return Some("300".to_owned()),
            _ => {}
        }
        let n = name.strip_prefix("rv:")?.parse().ok()?;
        self.shown.get(&n).map(u64::to_string)
    }

    /// The same; a revision that no answer bound is the newest that was shown.
    pub fn get_or_newest(&self, name: &str) -> Option<String> {
        self.get(name).or_else(|| name.starts_with("rv:").then(|| self.newest.clone()))
    }

    /// The text with all placeholders replaced, or the first one that has no value yet.
    pub fn fill(&self, text: &str, guess: bool) -> Result<String, String> {
        let mut out = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Placeholder(name) => match if guess { self.get_or_newest(name) } else { self.get(name) } {
                    Some(value) => out.push_str(&value),
                    None => return Err(name.to_owned()),
                },
            }
        }
        Ok(out)
    }

    /// Whether the actual text fits; binds what is new.
    pub fn fits(&mut self, expected: &str, actual: &str) -> bool {
        if expected == actual {
            return true;
        }
        let mut found = Vec::new();
        let pieces: Vec<Piece<'_>> = pieces(expected).collect();
        if !self.fits_pieces(&pieces, actual, &mut found) {
            return false;
        }
        for (name, value) in found {
            self.values.insert(name, value);
        }
        true
    }

    fn fits_pieces(&self, pieces: &[Piece<'_>], actual: &str, found: &mut Vec<(String, String)>) -> bool {
        let Some((first, rest)) = pieces.split_first() else {
            return actual.is_empty();
        };
        match first {
            Piece::Text(text) => actual.strip_prefix(text).is_some_and(|tail| self.fits_pieces(rest, tail, found)),
            Piece::Placeholder("cut") => true,
            Piece::Placeholder(name) => {
                let known = self
                    .values
                    .get(*name)
                    .filter(|_| name.contains(':'))
                    .cloned()
                    .or_else(|| found.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()));
                if let Some(known) = known {
                    return actual.strip_prefix(known.as_str()).is_some_and(|tail| self.fits_pieces(rest, tail, found));
                }
                // The shortest value that lets the rest fit.
                let ends = actual.char_indices().map(|(at, _)| at).chain([actual.len()]);
                for end in ends {
                    let mark = found.len();
                    if self.may_be(name, &actual[..end]) {
                        if name.contains(':') {
                            found.push(((*name).to_owned(), actual[..end].to_owned()));
                        }
                        if self.fits_pieces(rest, &actual[end..], found) {
                            return true;
                        }
                        found.truncate(mark);
                    }
                }
                false
            }
        }
    }

    /// Whether a value is of the sort its placeholder wants, and not another one's.
    fn may_be(&self, name: &str, value: &str) -> bool {
        let (sort, number) = name.split_once(':').unwrap_or((name, ""));
        match sort {
            "time" => is_time(value, 0),
            "microtime" => is_time(value, 6),
            "nanotime" => value.contains('T') && value.ends_with('Z'),
            "rv" if number.is_empty() => value.parse::<u64>().is_ok(),
            "rv" => value.parse().is_ok_and(|value| self.in_order(number, value)),
            "uid" => value.len() == 36 && !self.values.iter().any(|(n, v)| n.starts_with("uid:") && v == value),
            "nodePort" | "seconds" => value.parse::<u64>().is_ok(),
            "clusterIP" => value.parse::<std::net::IpAddr>().is_ok(),
            "name" | "continue" | "token" | "suffix" => !value.is_empty(),
            _ => true,
        }
    }

    /// Revisions are numbered in the order of the writes.
    fn in_order(&self, number: &str, value: u64) -> bool {
        let Ok(number) = number.parse::<u64>() else {
            return false;
        };
        self.revisions().all(|(n, v)| match n.cmp(&number) {
            std::cmp::Ordering::Less => v < value,
            std::cmp::Ordering::Greater => v > value,
            std::cmp::Ordering::Equal => v == value,
        })
    }

    /// Whether the revision of a list or bookmark lies between write N and write N+1.
    pub fn fits_shown_revision(&mut self, expected: &str, actual: &str) -> bool {
        let Some(name) = expected.strip_prefix("${rv:").and_then(|e| e.strip_suffix('}')) else {
            return self.fits(expected, actual);
        };
        let (Ok(number), Ok(value)) = (name.parse::<u64>(), actual.parse::<u64>()) else {
            return false;
        };
        let fits = self.revisions().all(|(n, v)| if n <= number { v <= value } else { v > value });
        if fits {
            self.shown.entry(number).or_insert(value);
        }
        fits
    }

    fn revisions(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.values.iter().filter_map(|(name, value)| {
            let number = name.strip_prefix("rv:")?.parse().ok()?;
            Some((number, value.parse().ok()?))
        })
    }
}

fn is_time(value: &str, digits: usize) -> bool {
    let length = 20 + if digits == 0 { 0 } else { digits + 1 };
    value.len() == length && value.ends_with('Z') && value.as_bytes()[10] == b'T'
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match rest.find("${") {
            Some(0) => match rest.find('}') {
                Some(end) => {
                    let name = &rest[2..end];
                    rest = &rest[end + 1..];
                    Some(Piece::Placeholder(name))
                }
                None => {
                    let all = rest;
                    rest = "";
                    Some(Piece::Text(all))
                }
            },
            at => {
                let (text, tail) = rest.split_at(at.unwrap_or(rest.len()));
                rest = tail;
                Some(Piece::Text(text))
            }
        }
    })
}

/// Whether a text has placeholders.
pub fn has_placeholder(text: &str) -> bool {
    text.contains("${")
}

#[test]
fn placeholders_bind_once() {
    let mut bindings = Bindings::default();
    assert!(bindings.fits("a ${name:1} of ${name:2}!", "a cat of mine!"));
    assert_eq!(bindings.get("name:1").as_deref(), Some("cat"));
    assert!(bindings.fits("${name:2}", "mine"));
    assert!(!bindings.fits("${name:2}", "yours"));
    assert!(bindings.fits("starts so${cut}", "starts so and goes on"));
    assert!(!has_placeholder("plain"));
}

#[test]
fn revisions_are_ordered() {
    let mut bindings = Bindings::default();
    assert!(bindings.fits("${rv:2}", "20"));
    assert!(!bindings.fits("${rv:3}", "19"));
    assert!(bindings.fits("${rv:3}", "21"));
    assert!(bindings.fits_shown_revision("${rv:2}", "20"));
    assert!(!bindings.fits_shown_revision("${rv:2}", "21"));
    assert!(bindings.fits_shown_revision("${rv:3}", "25"));
}

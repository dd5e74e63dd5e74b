//! Between table and packets: the messages that an [`AdjRibOut`](crate::table::AdjRibOut) asks for, as bytes.

use std::iter::Peekable;

use crate::attributes::Attributes;
use crate::packet::update::{self, EncodeError, Encoding};
use crate::packet::{RefreshKind, RouteRefresh, route_refresh};
use crate::table::Encode;
use crate::value::{Family, Prefix};

/// Appends messages for one peer to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    /// How routes are written for it.
    pub encoding: &'a Encoding,
    /// Where.
    pub out: &'a mut Vec<u8>,
    /// How many UPDATEs were written.
    pub updates: u64,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(encoding: &'a Encoding, out: &'a mut Vec<u8>) -> Self {
        Self { encoding, out, updates: 0 }
    }

    fn refresh(&mut self, family: Family, kind: RefreshKind) {
        self.out.extend(route_refresh(&RouteRefresh { family, kind }));
    }
}

impl Encode for Writer<'_> {
    type Error = EncodeError;

    fn withdraw(&mut self, family: Family, prefixes: &mut Peekable<impl Iterator<Item = Prefix>>) {
        update::withdraw(self.out, family, prefixes, self.encoding.max_length);
        self.updates += 1;
    }

    fn announce(
        &mut self,
        family: Family,
        attributes: &Attributes,
        prefixes: &mut Peekable<impl Iterator<Item = Prefix>>,
    ) -> Result<(), Self::Error> {
        update::announce(self.out, family, attributes, prefixes, self.encoding)?;
        self.updates += 1;
        Ok(())
    }

    fn end_of_rib(&mut self, family: Family) {
        update::end_of_rib(self.out, family);
        self.updates += 1;
    }

    fn begin_refresh(&mut self, family: Family) {
        self.refresh(family, RefreshKind::Begin);
    }

    fn end_refresh(&mut self, family: Family) {
        self.refresh(family, RefreshKind::End);
    }
}

//! Addresses and ranges of addresses.

use herald_compiler::address::NO_ADDRESSES;
use schemars::Schema;
use serde_json::json;

use super::{extend, extend_items, rule, rule_naming, validations};

/// How many items a pool may list.
const ADDRESSES_MAX: u32 = 2048;
/// Longest item: two IPv6 addresses in full (39 characters each) with room for spaces.
const ADDRESS_RANGE_MAX: u32 = 100;
/// Longest single address; the longest real one has 45 characters.
const ADDRESS_MAX: u32 = 64;

/// The ends of a range, as CEL expressions. Only where there is a `-`.
const FIRST: &str = "self.substring(0, self.indexOf('-')).trim()";
const LAST: &str = "self.substring(self.indexOf('-') + 1).trim()";

/// `IPAddressPool.spec.addresses`. Whether an IPv6 range ends before it starts can't be said in
/// CEL; the compiler says it, in the same words.
pub fn addresses(schema: &mut Schema) {
    super::drop_default(schema);
    let not_empty = rule("self.size() > 0", NO_ADDRESSES);
    extend(
        schema,
        json!({
            "maxItems": ADDRESSES_MAX,
            "x-kubernetes-validations": validations([not_empty]),
        }),
    );
    let readable = rule_naming(
        format!("self.contains('-') ? isIP({FIRST}) && isIP({LAST}) : isCIDR(self) || isIP(self)"),
        "'\"%s\" is neither a CIDR (prefix length at most 32 for IPv4, 128 for IPv6) nor an \
         address range: write it like \"192.168.1.0/24\", \"192.168.1.240-192.168.1.250\" or \
         \"fd00::/112\"'.format([self])",
    );
    let not_bare = rule_naming(
        "!isIP(self)",
        "'\"%s\" is one address without a prefix length: write \"%s/%s\"'\
         .format([self, self, ip(self).family() == 4 ? '32' : '128'])",
    );
    let one_family = rule_naming(
        format!(
            "!self.contains('-') || !isIP({FIRST}) || !isIP({LAST}) || \
             ip({FIRST}).family() == ip({LAST}).family()"
        ),
        "'\"%s\" mixes IPv4 and IPv6: both ends of a range must be of one family, write one \
         range for each'.format([self])",
    );
    // IPv4 only: an address becomes the number that its four octets make.
    let number = |octets: &str| {
        format!(
            "int({octets}[0]) * 16777216 + int({octets}[1]) * 65536 + int({octets}[2]) * 256 + \
             int({octets}[3])"
        )
    };
    let ascending = rule_naming(
        format!(
            "!self.contains('-') || !isIP({FIRST}) || !isIP({LAST}) || \
             ip({FIRST}).family() != 4 || ip({LAST}).family() != 4 || \
             [{FIRST}.split('.')].all(a, [{LAST}.split('.')].all(b, {} <= {}))",
            number("a"),
            number("b"),
        ),
        format!("'\"%s\" ends before it starts: write \"%s-%s\"'.format([self, {LAST}, {FIRST}])"),
    );
    extend_items(
        schema,
        json!({
            "maxLength": ADDRESS_RANGE_MAX,
            "x-kubernetes-validations": validations([readable, not_bare, one_family, ascending]),
        }),
    );
}

/// One IP address; empty means unset.
pub fn address(schema: &mut Schema) {
    let readable = rule_naming(
        "self == '' || isIP(self)",
        "'\"%s\" is not an IP address: write one like 192.0.2.1 or 2001:db8::1, not a name and \
         without a zone'.format([self])",
    );
    extend(
        schema,
        json!({
            "maxLength": ADDRESS_MAX,
            "x-kubernetes-validations": validations([readable]),
        }),
    );
}

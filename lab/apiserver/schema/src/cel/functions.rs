//! The functions that rules may call: what they take, what they give, what they cost.
//!
//! CEL's standard functions and Kubernetes' libraries as of Kubernetes 1.31, the oldest server that
//! Herald supports, so a rule that passes here passes there.

/// What a function takes at one place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Param {
    Any,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List,
    Map,
    Optional,
    Opaque(&'static str),
}

/// What a function gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gives {
    Bool,
    Int,
    Uint,
    Double,
    Bytes,
    Timestamp,
    Duration,
    Type,
    Dyn,
    /// A string not longer than the receiver or first argument.
    Text,
    /// A string of unknown length.
    LongText,
    /// A list of strings.
    Texts,
    /// An item of the receiver.
    Item,
    /// What the optional receiver holds.
    Held,
    /// The receiver's type.
    Same,
    /// An optional of the first argument.
    OptionalOfFirst,
    Opaque(&'static str),
    OptionalOf(&'static str),
}

/// How the work grows. The subject is the receiver, or the first argument of a function without one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Does not.
    Unit,
    /// With the subject's text.
    Scan,
    /// With the subject's text, and with the result that is made from it.
    ScanTwice,
    /// With the text of the first argument.
    ScanArgument,
    /// With the texts of subject and argument, multiplied.
    Search,
    /// With the text, and with the pattern.
    Match,
    /// With the subject's items, or its text if it is one.
    Items,
    /// With all the texts that are joined.
    Join,
    /// Items compared with items.
    Pairs,
    /// A fixed number of steps, and the text of an argument that is parsed first.
    Addresses(u64),
}

/// One way to call a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overload {
    pub(super) name: &'static str,
    pub(super) receiver: Option<Param>,
    pub(super) args: &'static [Param],
    pub(super) gives: Gives,
    pub(super) work: Work,
}

const fn function(name: &'static str, args: &'static [Param], gives: Gives, work: Work) -> Overload {
    Overload { name, receiver: None, args, gives, work }
}

const fn method(name: &'static str, receiver: Param, args: &'static [Param], gives: Gives, work: Work) -> Overload {
    Overload { name, receiver: Some(receiver), args, gives, work }
}

pub(super) const IP: &str = "net.IP";
pub(super) const CIDR: &str = "net.CIDR";
const QUANTITY: &str = "kubernetes.Quantity";
const URL: &str = "kubernetes.URL";
const FORMAT: &str = "kubernetes.NamedFormat";

use Gives as G;
use Param as P;
use Work as W;

const STANDARD: &[Overload] = &[
    function("size", &[P::String], G::Int, W::Unit),
    function("size", &[P::Bytes], G::Int, W::Unit),
    function("size", &[P::List], G::Int, W::Unit),
    function("size", &[P::Map], G::Int, W::Unit),
    method("size", P::String, &[], G::Int, W::Unit),
    method("size", P::Bytes, &[], G::Int, W::Unit),
    method("size", P::List, &[], G::Int, W::Unit),
    method("size", P::Map, &[], G::Int, W::Unit),
    method("contains", P::String, &[P::String], G::Bool, W::Search),
    method("startsWith", P::String, &[P::String], G::Bool, W::ScanArgument),
    method("endsWith", P::String, &[P::String], G::Bool, W::ScanArgument),
    method("matches", P::String, &[P::String], G::Bool, W::Match),
    function("matches", &[P::String, P::String], G::Bool, W::Match),
    function("int", &[P::Int], G::Int, W::Unit),
    function("int", &[P::Uint], G::Int, W::Unit),
    function("int", &[P::Double], G::Int, W::Unit),
    function("int", &[P::String], G::Int, W::Unit),
    function("int", &[P::Timestamp], G::Int, W::Unit),
    function("uint", &[P::Int], G::Uint, W::Unit),
    function("uint", &[P::Uint], G::Uint, W::Unit),
    function("uint", &[P::Double], G::Uint, W::Unit),
    function("uint", &[P::String], G::Uint, W::Unit),
    function("double", &[P::Int], G::Double, W::Unit),
    function("double", &[P::Uint], G::Double, W::Unit),
    function("double", &[P::Double], G::Double, W::Unit),
    function("double", &[P::String], G::Double, W::Unit),
    function("string", &[P::Bool], G::LongText, W::Unit),
    function("string", &[P::Int], G::LongText, W::Unit),
    function("string", &[P::Uint], G::LongText, W::Unit),
    function("string", &[P::Double], G::LongText, W::Unit),
    function("string", &[P::String], G::Text, W::Unit),
    function("string", &[P::Bytes], G::Text, W::Scan),
    function("string", &[P::Timestamp], G::LongText, W::Unit),
    function("string", &[P::Duration], G::LongText, W::Unit),
    function("string", &[P::Opaque(IP)], G::LongText, W::Unit),
    function("string", &[P::Opaque(CIDR)], G::LongText, W::Unit),
    function("bytes", &[P::String], G::Bytes, W::Scan),
    function("bytes", &[P::Bytes], G::Bytes, W::Unit),
    function("bool", &[P::Bool], G::Bool, W::Unit),
    function("bool", &[P::String], G::Bool, W::Unit),
    function("dyn", &[P::Any], G::Dyn, W::Unit),
    function("type", &[P::Any], G::Type, W::Unit),
    function("duration", &[P::String], G::Duration, W::Unit),
    function("duration", &[P::Duration], G::Duration, W::Unit),
    function("timestamp", &[P::String], G::Timestamp, W::Unit),
    function("timestamp", &[P::Timestamp], G::Timestamp, W::Unit),
    method("getFullYear", P::Timestamp, &[], G::Int, W::Unit),
    method("getMonth", P::Timestamp, &[], G::Int, W::Unit),
    method("getDate", P::Timestamp, &[], G::Int, W::Unit),
    method("getDayOfMonth", P::Timestamp, &[], G::Int, W::Unit),
    method("getDayOfWeek", P::Timestamp, &[], G::Int, W::Unit),
    method("getDayOfYear", P::Timestamp, &[], G::Int, W::Unit),
    method("getHours", P::Timestamp, &[], G::Int, W::Unit),
    method("getMinutes", P::Timestamp, &[], G::Int, W::Unit),
    method("getSeconds", P::Timestamp, &[], G::Int, W::Unit),
    method("getMilliseconds", P::Timestamp, &[], G::Int, W::Unit),
    method("getHours", P::Duration, &[], G::Int, W::Unit),
    method("getMinutes", P::Duration, &[], G::Int, W::Unit),
    method("getSeconds", P::Duration, &[], G::Int, W::Unit),
    method("getMilliseconds", P::Duration, &[], G::Int, W::Unit),
    function("optional.of", &[P::Any], G::OptionalOfFirst, W::Unit),
    function("optional.ofNonZeroValue", &[P::Any], G::OptionalOfFirst, W::Unit),
    function("optional.none", &[], G::OptionalOfFirst, W::Unit),
    method("hasValue", P::Optional, &[], G::Bool, W::Unit),
    method("value", P::Optional, &[], G::Held, W::Unit),
    method("or", P::Optional, &[P::Optional], G::Same, W::Unit),
    method("orValue", P::Optional, &[P::Any], G::Held, W::Unit),
];

const STRINGS: &[Overload] = &[
    method("charAt", P::String, &[P::Int], G::Text, W::Unit),
    method("indexOf", P::String, &[P::String], G::Int, W::Items),
    method("indexOf", P::String, &[P::String, P::Int], G::Int, W::Items),
    method("lastIndexOf", P::String, &[P::String], G::Int, W::Items),
    method("lastIndexOf", P::String, &[P::String, P::Int], G::Int, W::Items),
    method("lowerAscii", P::String, &[], G::Text, W::Scan),
    method("upperAscii", P::String, &[], G::Text, W::Scan),
    method("trim", P::String, &[], G::Text, W::Scan),
    method("substring", P::String, &[P::Int], G::Text, W::Scan),
    method("substring", P::String, &[P::Int, P::Int], G::Text, W::Scan),
    method("replace", P::String, &[P::String, P::String], G::LongText, W::ScanTwice),
    method("replace", P::String, &[P::String, P::String, P::Int], G::LongText, W::ScanTwice),
    method("split", P::String, &[P::String], G::Texts, W::ScanTwice),
    method("split", P::String, &[P::String, P::Int], G::Texts, W::ScanTwice),
    method("join", P::List, &[], G::LongText, W::Join),
    method("join", P::List, &[P::String], G::LongText, W::Join),
    method("format", P::String, &[P::List], G::LongText, W::Scan),
    function("strings.quote", &[P::String], G::LongText, W::Scan),
    method("find", P::String, &[P::String], G::Text, W::Match),
    method("findAll", P::String, &[P::String], G::Texts, W::Match),
    method("findAll", P::String, &[P::String, P::Int], G::Texts, W::Match),
];

const LISTS: &[Overload] = &[
    method("isSorted", P::List, &[], G::Bool, W::Items),
    method("sum", P::List, &[], G::Item, W::Items),
    method("min", P::List, &[], G::Item, W::Items),
    method("max", P::List, &[], G::Item, W::Items),
    method("indexOf", P::List, &[P::Any], G::Int, W::Items),
    method("lastIndexOf", P::List, &[P::Any], G::Int, W::Items),
    function("sets.contains", &[P::List, P::List], G::Bool, W::Pairs),
    function("sets.equivalent", &[P::List, P::List], G::Bool, W::Pairs),
    function("sets.intersects", &[P::List, P::List], G::Bool, W::Pairs),
];

const NETWORK: &[Overload] = &[
    function("ip", &[P::String], G::Opaque(IP), W::Unit),
    function("isIP", &[P::String], G::Bool, W::Unit),
    function("ip.isCanonical", &[P::String], G::Bool, W::Unit),
    method("family", P::Opaque(IP), &[], G::Int, W::Unit),
    method("isUnspecified", P::Opaque(IP), &[], G::Bool, W::Unit),
    method("isLoopback", P::Opaque(IP), &[], G::Bool, W::Unit),
    method("isLinkLocalMulticast", P::Opaque(IP), &[], G::Bool, W::Unit),
    method("isLinkLocalUnicast", P::Opaque(IP), &[], G::Bool, W::Unit),
    method("isGlobalUnicast", P::Opaque(IP), &[], G::Bool, W::Unit),
    function("cidr", &[P::String], G::Opaque(CIDR), W::Unit),
    function("isCIDR", &[P::String], G::Bool, W::Unit),
    method("containsIP", P::Opaque(CIDR), &[P::Opaque(IP)], G::Bool, W::Addresses(4)),
    method("containsIP", P::Opaque(CIDR), &[P::String], G::Bool, W::Addresses(4)),
    method("containsCIDR", P::Opaque(CIDR), &[P::Opaque(CIDR)], G::Bool, W::Addresses(7)),
    method("containsCIDR", P::Opaque(CIDR), &[P::String], G::Bool, W::Addresses(7)),
    method("ip", P::Opaque(CIDR), &[], G::Opaque(IP), W::Unit),
    method("masked", P::Opaque(CIDR), &[], G::Opaque(CIDR), W::Unit),
    method("prefixLength", P::Opaque(CIDR), &[], G::Int, W::Unit),
    function("url", &[P::String], G::Opaque(URL), W::Scan),
    function("isURL", &[P::String], G::Bool, W::Scan),
    method("getScheme", P::Opaque(URL), &[], G::LongText, W::Unit),
    method("getHost", P::Opaque(URL), &[], G::LongText, W::Unit),
    method("getHostname", P::Opaque(URL), &[], G::LongText, W::Unit),
    method("getPort", P::Opaque(URL), &[], G::LongText, W::Unit),
    method("getEscapedPath", P::Opaque(URL), &[], G::LongText, W::Unit),
    method("getQuery", P::Opaque(URL), &[], G::Dyn, W::Unit),
];

const QUANTITIES: &[Overload] = &[
    function("quantity", &[P::String], G::Opaque(QUANTITY), W::Unit),
    function("isQuantity", &[P::String], G::Bool, W::Unit),
    method("isInteger", P::Opaque(QUANTITY), &[], G::Bool, W::Unit),
    method("asInteger", P::Opaque(QUANTITY), &[], G::Int, W::Unit),
    method("asApproximateFloat", P::Opaque(QUANTITY), &[], G::Double, W::Unit),
    method("sign", P::Opaque(QUANTITY), &[], G::Int, W::Unit),
    method("add", P::Opaque(QUANTITY), &[P::Opaque(QUANTITY)], G::Same, W::Unit),
    method("add", P::Opaque(QUANTITY), &[P::Int], G::Same, W::Unit),
    method("sub", P::Opaque(QUANTITY), &[P::Opaque(QUANTITY)], G::Same, W::Unit),
    method("sub", P::Opaque(QUANTITY), &[P::Int], G::Same, W::Unit),
    method("isGreaterThan", P::Opaque(QUANTITY), &[P::Opaque(QUANTITY)], G::Bool, W::Unit),
    method("isLessThan", P::Opaque(QUANTITY), &[P::Opaque(QUANTITY)], G::Bool, W::Unit),
    method("compareTo", P::Opaque(QUANTITY), &[P::Opaque(QUANTITY)], G::Int, W::Unit),
];

const FORMATS: &[Overload] = &[
    function("format.dns1123Label", &[], G::Opaque(FORMAT), W::Unit),
    function("format.dns1123Subdomain", &[], G::Opaque(FORMAT), W::Unit),
    function("format.dns1035Label", &[], G::Opaque(FORMAT), W::Unit),
    function("format.dns1123LabelPrefix", &[], G::Opaque(FORMAT), W::Unit),
    function("format.dns1123SubdomainPrefix", &[], G::Opaque(FORMAT), W::Unit),
    function("format.dns1035LabelPrefix", &[], G::Opaque(FORMAT), W::Unit),
    function("format.qualifiedName", &[], G::Opaque(FORMAT), W::Unit),
    function("format.labelValue", &[], G::Opaque(FORMAT), W::Unit),
    function("format.uri", &[], G::Opaque(FORMAT), W::Unit),
    function("format.uuid", &[], G::Opaque(FORMAT), W::Unit),
    function("format.byte", &[], G::Opaque(FORMAT), W::Unit),
    function("format.date", &[], G::Opaque(FORMAT), W::Unit),
    function("format.datetime", &[], G::Opaque(FORMAT), W::Unit),
    function("format.named", &[P::String], G::OptionalOf(FORMAT), W::Unit),
    method("validate", P::Opaque(FORMAT), &[P::String], G::Dyn, W::Scan),
];

/// Every way to call `name`, as a method or not.
pub(super) fn overloads(name: &str, as_method: bool) -> impl Iterator<Item = &'static Overload> {
    [STANDARD, STRINGS, LISTS, NETWORK, QUANTITIES, FORMATS]
        .into_iter()
        .flatten()
        .filter(move |overload| overload.name == name && overload.receiver.is_some() == as_method)
}

//! Which node owns an address?.

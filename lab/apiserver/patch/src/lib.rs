//! JSON, merge, strategic-merge and apply patches over JSON values.

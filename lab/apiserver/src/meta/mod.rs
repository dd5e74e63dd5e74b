//! What all objects have in common: identities, times, metadata, selectors.

mod access;
mod ids;
mod selector;
pub(crate) mod validation;

pub(crate) use access::{annotations, labels, map_of, name, namespace, section, section_mut, text, uid};
pub(crate) use ids::{Ids, time_now};
pub(crate) use selector::{FieldSelector, LabelSelector};

//! What kube-controller-manager does for Herald, and no more.
//!
//! * [`endpoint_slices`]: an EndpointSlice for each Service with a selector
//! * [`garbage`]: deletes objects whose owners are gone
//! * [`namespaces`]: empties and finishes namespaces that are being deleted

pub mod endpoint_slices;
pub mod garbage;
pub mod namespaces;

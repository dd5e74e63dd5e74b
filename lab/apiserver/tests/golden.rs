//! Replays what a real kube-apiserver answered, and compares.
//!
//! `tests/golden/*.json` were recorded from kube-apiserver 1.36 and are not edited. Each file is one test: its requests are
//! sent, in order, over HTTPS, to a server that has nothing else in it. Every difference fails, unless
//! `tests/golden/accepted.json` names it with the reason why nobody who uses this server meets it; an accepted
//! difference that does not occur any more fails too.
//!
//! While developing: `GOLDEN_STEP=text` reports only steps whose name contains the text, `GOLDEN_ACCEPT=1` prints the
//! differences as entries for the list.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "golden_replay/mod.rs"]
mod golden_replay;

use golden_replay::{replay, replay_in_order};

macro_rules! golden {
    ($($test:ident => $file:literal,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                replay($file).await;
            }
        )*

        /// Every recorded file has a test.
        #[test]
        fn no_file_is_forgotten() {
            let mut known = vec![$($file,)*];
            known.extend(KUBECTL);
            golden_replay::assert_all_files_known(&known);
        }
    };
}

/// The kubectl files build on one another, in this order.
const KUBECTL: [&str; 14] = [
    "kubectl-11-setup",
    "kubectl-get-svc-cold",
    "kubectl-get-svc",
    "kubectl-apply",
    "kubectl-apply-cr",
    "kubectl-apply-server-side",
    "kubectl-describe",
    "kubectl-explain",
    "kubectl-edit",
    "kubectl-wait",
    "kubectl-events",
    "kubectl-auth",
    "kubectl-delete",
    "kubectl-other",
];

golden! {
    auth_10a_rbac => "auth-10a-rbac",
    auth_10b_reviews => "auth-10b-reviews",
    crd_05a_life => "crd-05a-life",
    crd_05b_objects => "crd-05b-objects",
    crd_05c_status => "crd-05c-status",
    crd_05d_apply => "crd-05d-apply",
    crd_05e_invalid => "crd-05e-invalid",
    discovery_01 => "discovery-01",
    events_08 => "events-08",
    leases_07 => "leases-07",
    meta_06a_write => "meta-06a-write",
    meta_06b_delete => "meta-06b-delete",
    meta_06c_namespace => "meta-06c-namespace",
    objects_09 => "objects-09",
    services_02a_create => "services-02a-create",
    services_02b_invalid => "services-02b-invalid",
    services_02c_change => "services-02c-change",
    services_02d_select => "services-02d-select",
    status_03a_put => "status-03a-put",
    status_03b_patch => "status-03b-patch",
    status_03c_apply => "status-03c-apply",
    status_03d_types => "status-03d-types",
    status_03e_validation => "status-03e-validation",
    watch_04a_basic => "watch-04a-basic",
    watch_04b_selectors => "watch-04b-selectors",
    watch_04c_bookmarks => "watch-04c-bookmarks",
    watch_04d_list => "watch-04d-list",
    watch_04e_forms => "watch-04e-forms",
    watch_04f_gone => "watch-04f-gone",
}

/// What kubectl sent, request by request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl() {
    replay_in_order(&KUBECTL).await;
}

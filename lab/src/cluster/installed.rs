//! What is installed before Herald's programs start: the same files that
//! `kubectl apply -k config/default` applies, but for the workloads, whose
//! place real processes take. The speakers' DaemonSet is there, though nothing
//! comes of it: without it a speaker that ends would take itself for removed.

/// Namespace, definitions and rights, in the order they are applied.
pub const MANIFESTS: &[&str] = &[
    include_str!("../../../config/default/namespace.yaml"),
    include_str!("../../../crds/yaml/bfdprofiles.yaml"),
    include_str!("../../../crds/yaml/bgpadvertisements.yaml"),
    include_str!("../../../crds/yaml/bgppeers.yaml"),
    include_str!("../../../crds/yaml/bgpsessionstates.yaml"),
    include_str!("../../../crds/yaml/communities.yaml"),
    include_str!("../../../crds/yaml/configurationstates.yaml"),
    include_str!("../../../crds/yaml/ipaddresspools.yaml"),
    include_str!("../../../crds/yaml/l2advertisements.yaml"),
    include_str!("../../../crds/yaml/servicebgpstatuses.yaml"),
    include_str!("../../../crds/yaml/servicel2statuses.yaml"),
    include_str!("../../../config/rbac/controller.yaml"),
    include_str!("../../../config/rbac/speaker.yaml"),
    include_str!("../../../config/speaker/daemonset.yaml"),
];

/// The pool, advertisement and Service that many courses begin with.
pub const FIRST_STEPS: &str = include_str!("../../../config/samples/first-steps.yaml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_installed() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/yaml")).unwrap();
        let definitions = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter(|name| name != "kustomization.yaml")
            .count();
        let installed = MANIFESTS.iter().filter(|yaml| yaml.contains("kind: CustomResourceDefinition")).count();
        assert_eq!(installed, definitions);
    }
}

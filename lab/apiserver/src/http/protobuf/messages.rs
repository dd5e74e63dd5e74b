//! The messages that are read, field by field; the numbers are those of Kubernetes' `generated.proto` files.
//!
//! What kubectl's own commands do not set is left out, and so lost: `kubectl apply` and `create -f` send JSON.

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    Texts,
    Number,
    /// Optional: zero is a value.
    OptionalNumber,
    Flag,
    /// Optional: false is a value.
    OptionalFlag,
    TextMap,
    BytesMap,
    IntOrString,
    Message(&'static [Field]),
    Messages(&'static [Field]),
}

const fn of(number: u64, name: &'static str, shape: Shape) -> Field {
    Field { number, name, shape }
}

const fn text(number: u64, name: &'static str) -> Field {
    of(number, name, Shape::Text)
}

const fn texts(number: u64, name: &'static str) -> Field {
    of(number, name, Shape::Texts)
}

const fn message(number: u64, name: &'static str, fields: &'static [Field]) -> Field {
    of(number, name, Shape::Message(fields))
}

const fn messages(number: u64, name: &'static str, fields: &'static [Field]) -> Field {
    of(number, name, Shape::Messages(fields))
}

/// `runtime.Unknown`, but for the object itself.
pub(super) const UNKNOWN: &[Field] = &[message(1, "typeMeta", &[text(1, "apiVersion"), text(2, "kind")])];

const OWNER: &[Field] = &[
    text(1, "kind"),
    text(3, "name"),
    text(4, "uid"),
    text(5, "apiVersion"),
    of(6, "controller", Shape::OptionalFlag),
    of(7, "blockOwnerDeletion", Shape::OptionalFlag),
];
const METADATA: Field = message(
    1,
    "metadata",
    &[
        text(1, "name"),
        text(2, "generateName"),
        text(3, "namespace"),
        text(5, "uid"),
        text(6, "resourceVersion"),
        of(11, "labels", Shape::TextMap),
        of(12, "annotations", Shape::TextMap),
        messages(13, "ownerReferences", OWNER),
        texts(14, "finalizers"),
    ],
);

const NAMESPACE: &[Field] = &[METADATA, message(2, "spec", &[texts(1, "finalizers")])];
const CONFIG_MAP: &[Field] = &[
    METADATA,
    of(2, "data", Shape::TextMap),
    of(3, "binaryData", Shape::BytesMap),
    of(4, "immutable", Shape::OptionalFlag),
];
const SECRET: &[Field] = &[
    METADATA,
    of(2, "data", Shape::BytesMap),
    text(3, "type"),
    of(4, "stringData", Shape::TextMap),
    of(5, "immutable", Shape::OptionalFlag),
];
const SERVICE_ACCOUNT: &[Field] = &[
    METADATA,
    messages(3, "imagePullSecrets", &[text(1, "name")]),
    of(4, "automountServiceAccountToken", Shape::OptionalFlag),
];

const SERVICE_PORT: &[Field] = &[
    text(1, "name"),
    text(2, "protocol"),
    of(3, "port", Shape::Number),
    of(4, "targetPort", Shape::IntOrString),
    of(5, "nodePort", Shape::Number),
    text(6, "appProtocol"),
];
const SERVICE_SPEC: &[Field] = &[
    messages(1, "ports", SERVICE_PORT),
    of(2, "selector", Shape::TextMap),
    text(3, "clusterIP"),
    text(4, "type"),
    texts(5, "externalIPs"),
    text(7, "sessionAffinity"),
    text(8, "loadBalancerIP"),
    texts(9, "loadBalancerSourceRanges"),
    text(10, "externalName"),
    text(11, "externalTrafficPolicy"),
    of(12, "healthCheckNodePort", Shape::Number),
    of(13, "publishNotReadyAddresses", Shape::Flag),
    text(17, "ipFamilyPolicy"),
    texts(18, "clusterIPs"),
    texts(19, "ipFamilies"),
    of(20, "allocateLoadBalancerNodePorts", Shape::OptionalFlag),
    text(21, "loadBalancerClass"),
    text(22, "internalTrafficPolicy"),
    text(23, "trafficDistribution"),
];
const SERVICE: &[Field] = &[METADATA, message(2, "spec", SERVICE_SPEC)];

const CONTAINER_PORT: &[Field] = &[
    text(1, "name"),
    of(2, "hostPort", Shape::Number),
    of(3, "containerPort", Shape::Number),
    text(4, "protocol"),
    text(5, "hostIP"),
];
const CONTAINER: &[Field] = &[
    text(1, "name"),
    text(2, "image"),
    texts(3, "command"),
    texts(4, "args"),
    text(5, "workingDir"),
    messages(6, "ports", CONTAINER_PORT),
    messages(7, "env", &[text(1, "name"), text(2, "value")]),
];
const POD_SPEC: &[Field] =
    &[messages(2, "containers", CONTAINER), text(3, "restartPolicy"), text(8, "serviceAccountName")];
const POD: &[Field] = &[METADATA, message(2, "spec", POD_SPEC)];
const SELECTOR: &[Field] = &[
    of(1, "matchLabels", Shape::TextMap),
    messages(2, "matchExpressions", &[text(1, "key"), text(2, "operator"), texts(3, "values")]),
];
const DEPLOYMENT_SPEC: &[Field] = &[
    of(1, "replicas", Shape::OptionalNumber),
    message(2, "selector", SELECTOR),
    message(3, "template", POD),
    message(4, "strategy", &[text(1, "type")]),
    of(5, "minReadySeconds", Shape::Number),
    of(6, "revisionHistoryLimit", Shape::OptionalNumber),
    of(7, "paused", Shape::Flag),
    of(9, "progressDeadlineSeconds", Shape::OptionalNumber),
];
const DEPLOYMENT: &[Field] = &[METADATA, message(2, "spec", DEPLOYMENT_SPEC)];

const RULE: &[Field] = &[
    texts(1, "verbs"),
    texts(2, "apiGroups"),
    texts(3, "resources"),
    texts(4, "resourceNames"),
    texts(5, "nonResourceURLs"),
];
const AGGREGATION: &[Field] = &[messages(1, "clusterRoleSelectors", SELECTOR)];
const ROLE: &[Field] = &[METADATA, messages(2, "rules", RULE), message(3, "aggregationRule", AGGREGATION)];
const SUBJECT: &[Field] = &[text(1, "kind"), text(2, "apiGroup"), text(3, "name"), text(4, "namespace")];
const ROLE_REF: &[Field] = &[text(1, "apiGroup"), text(2, "kind"), text(3, "name")];
const BINDING: &[Field] = &[METADATA, messages(2, "subjects", SUBJECT), message(3, "roleRef", ROLE_REF)];

const RESOURCE: &[Field] = &[
    text(1, "namespace"),
    text(2, "verb"),
    text(3, "group"),
    text(4, "version"),
    text(5, "resource"),
    text(6, "subresource"),
    text(7, "name"),
];
const RESOURCE_FIELD: Field = message(1, "resourceAttributes", RESOURCE);
const PATH_FIELD: Field = message(2, "nonResourceAttributes", &[text(1, "path"), text(2, "verb")]);
const SELF_ACCESS: &[Field] = &[METADATA, message(2, "spec", &[RESOURCE_FIELD, PATH_FIELD])];
const ACCESS_SPEC: &[Field] = &[RESOURCE_FIELD, PATH_FIELD, text(3, "user"), texts(4, "groups"), text(6, "uid")];
const ACCESS: &[Field] = &[METADATA, message(2, "spec", ACCESS_SPEC)];
const SELF_RULES: &[Field] = &[METADATA, message(2, "spec", &[text(1, "namespace")])];
const TOKEN_REVIEW: &[Field] = &[METADATA, message(2, "spec", &[text(1, "token"), texts(2, "audiences")])];
const BOUND: &[Field] = &[text(1, "kind"), text(2, "apiVersion"), text(3, "name"), text(4, "uid")];
const TOKEN_REQUEST_SPEC: &[Field] =
    &[texts(1, "audiences"), message(3, "boundObjectRef", BOUND), of(4, "expirationSeconds", Shape::OptionalNumber)];
const TOKEN_REQUEST: &[Field] = &[METADATA, message(2, "spec", TOKEN_REQUEST_SPEC)];

const DELETE_OPTIONS: &[Field] = &[
    of(1, "gracePeriodSeconds", Shape::OptionalNumber),
    message(2, "preconditions", &[text(1, "uid"), text(2, "resourceVersion")]),
    of(3, "orphanDependents", Shape::OptionalFlag),
    text(4, "propagationPolicy"),
    texts(5, "dryRun"),
];

/// The message of a kind; None for one that is not read.
pub(super) fn message_of(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "ClusterRole" | "Role" => ROLE,
        "ClusterRoleBinding" | "RoleBinding" => BINDING,
        "ConfigMap" => CONFIG_MAP,
        "DeleteOptions" => DELETE_OPTIONS,
        "Deployment" => DEPLOYMENT,
        "LocalSubjectAccessReview" | "SubjectAccessReview" => ACCESS,
        "Namespace" => NAMESPACE,
        "Pod" => POD,
        "Secret" => SECRET,
        "SelfSubjectAccessReview" => SELF_ACCESS,
        "SelfSubjectReview" => &[METADATA],
        "SelfSubjectRulesReview" => SELF_RULES,
        "Service" => SERVICE,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "TokenRequest" => TOKEN_REQUEST,
        "TokenReview" => TOKEN_REVIEW,
        _ => return None,
    })
}

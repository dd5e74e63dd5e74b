use super::*;

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

fn body(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), field(1, &meta), field(2, raw), field(3, b""), field(4, b"")].concat()
}

#[test]
fn a_review() {
    let attributes = [field(1, b"ns"), field(2, b"patch"), field(3, b""), field(5, b"services")].concat();
    let raw = [field(1, &field(1, b"")), field(2, &field(1, &attributes)), field(3, &[8, 0])].concat();
    assert_eq!(
        decode(&body("authorization.k8s.io/v1", "SelfSubjectAccessReview", &raw)),
        Ok(json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {},
            "spec": {"resourceAttributes": {"namespace": "ns", "verb": "patch", "resource": "services"}},
        }))
    );
}

#[test]
fn numbers_and_lists() {
    let spec = [field(1, b"a"), field(1, b"b"), vec![4 << 3, 0x90, 0x1c]].concat();
    let read = decode(&body("authentication.k8s.io/v1", "TokenRequest", &field(2, &spec))).unwrap();
    assert_eq!(read["spec"], json!({"audiences": ["a", "b"], "expirationSeconds": 3600}));
    let minus_one = [vec![1 << 3], vec![0xff; 9], vec![1]].concat();
    let read = decode(&body("apps/v1", "Deployment", &field(2, &minus_one))).unwrap();
    assert_eq!(read["spec"], json!({"replicas": -1}));
}

#[test]
fn maps_and_ports() {
    let entry = |key: &[u8], value: &[u8]| field(2, &[field(1, key), field(2, value)].concat());
    let raw = [entry(b"a", b"abc"), entry(b"b", b"")].concat();
    assert_eq!(decode(&body("v1", "Secret", &raw)).unwrap()["data"], json!({"a": "YWJj", "b": ""}));
    assert_eq!(decode(&body("v1", "ConfigMap", &raw)).unwrap()["data"], json!({"a": "abc", "b": ""}));
    let port = |target: &[u8]| [vec![3 << 3, 80], field(4, target), vec![5 << 3, 0]].concat();
    let number = port(&[8, 0, 16, 81, 26, 0]);
    let name = port(&[8, 1, 16, 0, 26, 1, b'w']);
    let unset = port(&[8, 0, 16, 0, 26, 0]);
    // Field 20 as a varint: its tag is two bytes long.
    let flag = vec![0xa0, 0x01, 0];
    let spec = [field(1, &number), field(1, &name), field(1, &unset), flag].concat();
    assert_eq!(
        decode(&body("v1", "Service", &field(2, &spec))).unwrap()["spec"],
        json!({
            "ports": [{"port": 80, "targetPort": 81}, {"port": 80, "targetPort": "w"}, {"port": 80}],
            "allocateLoadBalancerNodePorts": false,
        })
    );
}

#[test]
fn damaged_bodies_are_refused() {
    let good = body("authorization.k8s.io/v1", "SelfSubjectRulesReview", &field(2, &field(1, b"ns")));
    assert!(decode(&good).is_ok());
    for end in 0..good.len() {
        let _ = decode(&good[..end]);
    }
    assert_eq!(decode(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), Err(Unreadable::Damaged));
    assert_eq!(decode(b"{}"), Err(Unreadable::Damaged));
    assert_eq!(decode(&body("v1", "Node", b"")), Err(Unreadable::Kind("\"Node\"".to_owned())));
    assert_eq!(decode(&body("v1", "Secret", &[2 << 3 | 2, 99])), Err(Unreadable::Damaged));
    assert_eq!(decode(&body("v1", "Secret", &[2 << 3, 99])), Err(Unreadable::Damaged));
}

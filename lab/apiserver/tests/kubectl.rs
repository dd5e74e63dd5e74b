//! What people do with kubectl, done with a real one: the answers they see, and that nothing is refused that should work.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod kubectl_lab;

use kubectl_lab::{Lab, described, repository, words};
use serde_json::Value;

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  selector: { app: web }
  ports: [ { name: http, port: 80 } ]
";

const POOL: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: pool, namespace: metallb-system }
spec: { addresses: [ 192.0.2.0/24 ] }
";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn get_in_all_forms() {
    let lab = Lab::start();
    assert_eq!(lab.ok(&["get", "configmaps"]), "No resources found in default namespace.\n");
    assert_eq!(lab.fails(&["get", "svc", "none"]), "Error from server (NotFound): services \"none\" not found\n");
    assert_eq!(lab.fails(&["get", "nonsense"]), "error: the server doesn't have a resource type \"nonsense\"\n");
    lab.ok(&["create", "-f", &lab.file("s.yaml", SERVICE)]);
    let status = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#;
    assert_eq!(lab.ok(&["patch", "svc", "web", "--subresource=status", "-p", status]), "service/web patched\n");

    let table = lab.ok(&["get", "svc", "web"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(words(lines[0]), ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]);
    let row = words(lines[1]);
    assert_eq!((row[0], row[1], row[3]), ("web", "LoadBalancer", "192.0.2.1"));
    assert!(row[2].starts_with("10.") && row[4].starts_with("80:") && row[4].ends_with("/TCP"), "{row:?}");

    let wide = lab.ok(&["get", "services", "--all-namespaces", "-o", "wide"]);
    let row = wide.lines().find(|line| line.contains("web")).expect("the service");
    assert_eq!((words(row)[0], words(row).last()), ("default", Some(&"app=web")));

    let object = json(&lab.ok(&["get", "svc", "web", "-o", "json"]));
    assert_eq!(object["status"]["loadBalancer"]["ingress"][0]["ipMode"], "VIP");
    assert_eq!(object["spec"]["ports"][0]["targetPort"], 80);
    let yaml = lab.ok(&["get", "svc", "web", "-o", "yaml"]);
    assert!(
        yaml.starts_with("apiVersion: v1\nkind: Service\nmetadata:\n") && yaml.contains("    - ip: 192.0.2.1\n"),
        "{yaml}"
    );
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", "name"]), "service/web\n");
    assert_eq!(
        lab.ok(&["get", "svc", "-o", "jsonpath={.items[?(@.metadata.name==\"web\")].spec.type}"]),
        "LoadBalancer"
    );
    assert_eq!(
        lab.ok(&["get", "svc", "-l", "a=b", "--field-selector", "spec.type=LoadBalancer"]),
        "No resources found in default namespace.\n"
    );
    assert_eq!(lab.ok(&["get", "svc", "--field-selector", "spec.type=LoadBalancer", "-o", "name"]), "service/web\n");
    let custom = lab.ok(&["get", "svc", "web", "-o", "custom-columns=N:.metadata.name,T:.spec.type"]);
    assert_eq!(custom.lines().map(words).collect::<Vec<_>>(), [["N", "T"], ["web", "LoadBalancer"]]);
}

#[test]
fn the_tutorial_s_manifest() {
    let lab = Lab::with_definitions();
    let manifest = repository("config/samples/first-steps.yaml");
    assert_eq!(
        lab.ok(&["apply", "-f", &manifest]),
        "ipaddresspool.metallb.io/public-pool created\nl2advertisement.metallb.io/l2adv created\nservice/web-lb created\n"
    );
    assert_eq!(
        lab.ok(&["apply", "-f", &manifest]),
        "ipaddresspool.metallb.io/public-pool unchanged\nl2advertisement.metallb.io/l2adv unchanged\nservice/web-lb unchanged\n"
    );
    let pools = lab.ok(&["get", "ipaddresspools", "-n", "metallb-system"]);
    let lines: Vec<&str> = pools.lines().collect();
    assert!(
        lines[0].starts_with("NAME") && lines[0].contains("AUTO ASSIGN") && lines[0].contains("ADDRESSES"),
        "{pools}"
    );
    assert!(lines[1].contains("true") && lines[1].contains(r#"["192.168.1.240-192.168.1.250"]"#), "{pools}");
    let service = json(&lab.ok(&["get", "svc", "web-lb", "-o", "json"]));
    assert_eq!(service["spec"]["externalTrafficPolicy"], "Local");
    assert!(service["spec"]["healthCheckNodePort"].is_u64(), "{service}");

    assert_eq!(
        lab.ok(&["delete", "-f", &manifest]),
        "ipaddresspool.metallb.io \"public-pool\" deleted\nl2advertisement.metallb.io \"l2adv\" deleted\nservice \"web-lb\" deleted\n"
    );
}

#[test]
fn pools_that_cannot_be() {
    let lab = Lab::with_definitions();
    for value in ["192.168.1.250-192.168.1.240", "192.168.1.0/33", "not-an-ip"] {
        let output = lab.fails(&["apply", "-f", &lab.file("bad.yaml", &POOL.replace("192.0.2.0/24", value))]);
        assert!(output.starts_with("The IPAddressPool \"pool\" is invalid: ") && output.contains(value), "{output}");
    }
    let output = lab.fails(&["apply", "-f", &lab.file("none.yaml", &POOL.replace(" 192.0.2.0/24 ", ""))]);
    assert!(output.contains("spec.addresses"), "{output}");
    // kubectl itself reads the schema and refuses what it does not know.
    let output = lab.fails(&["apply", "-f", &lab.file("typo.yaml", &POOL.replace("addresses", "adresses"))]);
    assert!(output.contains("unknown field \"spec.adresses\""), "{output}");
}

#[test]
fn apply_client_side() {
    let lab = Lab::start();
    let file = lab.file("s.yaml", SERVICE);
    assert_eq!(lab.ok(&["apply", "-f", &file]), "service/web created\n");
    assert_eq!(lab.ok(&["apply", "-f", &file]), "service/web unchanged\n");
    let more = SERVICE.replace("{ name: http, port: 80 }", "{ name: http, port: 80 }, { name: https, port: 443 }");
    assert_eq!(lab.ok(&["apply", "-f", &lab.file("s2.yaml", &more)]), "service/web configured\n");
    let ports = "jsonpath={.spec.ports[*].port}";
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", ports]), "80 443");
    // What the manifest no longer has goes, what others set stays.
    lab.ok(&["label", "svc", "web", "kept=yes"]);
    assert_eq!(lab.ok(&["apply", "-f", &file]), "service/web configured\n");
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", ports]), "80");
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", "jsonpath={.metadata.labels.kept}"]), "yes");
    assert_eq!(
        lab.ok(&["apply", "-f", &lab.file("s2.yaml", &more), "--dry-run=server"]),
        "service/web configured (server dry run)\n"
    );
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", ports]), "80");
    assert_eq!(lab.kubectl(&["diff", "-f", &file]).code, 0);
    assert!(lab.fails(&["diff", "-f", &lab.file("s2.yaml", &more)]).contains("+    port: 443"));
}

#[test]
fn apply_server_side() {
    let lab = Lab::with_definitions();
    let apply = |content: &str, more: &[&str]| {
        let file = lab.file("apply.yaml", content);
        lab.kubectl(&[&["apply", "--server-side", "-f", &file], more].concat())
    };
    assert_eq!(apply(SERVICE, &[]).output, "service/web serverside-applied\n");
    assert_eq!(apply(POOL, &[]).output, "ipaddresspool.metallb.io/pool serverside-applied\n");
    let other = POOL.replace("192.0.2.0/24", "198.51.100.0/24");
    let conflict = apply(&other, &["--field-manager=other"]);
    assert_eq!(conflict.code, 1);
    assert!(
        conflict
            .output
            .starts_with("error: Apply failed with 1 conflict: conflict with \"kubectl\": .spec.addresses\n"),
        "{}",
        conflict.output
    );
    assert_eq!(apply(&other, &["--field-manager=other", "--force-conflicts"]).code, 0);
    let owners = "jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation} {end}";
    assert_eq!(
        lab.ok(&["get", "ipaddresspools", "pool", "-n", "metallb-system", "--show-managed-fields", "-o", owners]),
        "other/Apply "
    );
    // From client-side to server-side: kubectl keeps its own fields.
    lab.ok(&[
        "apply",
        "-f",
        &lab.file("cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}"),
    ]);
    let changed = apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: c}", &[]);
    assert_eq!(changed.output, "configmap/c serverside-applied\n");
    assert_eq!(lab.ok(&["get", "cm", "c", "-o", "jsonpath={.data.a}"]), "c");
    // All of Herald's definitions.
    let output = lab.ok(&["apply", "--server-side", "--force-conflicts", "-k", &repository("config/crds")]);
    assert!(output.lines().all(|line| line.ends_with(" serverside-applied")), "{output}");
}

#[test]
fn edit_patch_label_annotate() {
    let lab = Lab::with_definitions();
    lab.ok(&["apply", "-f", &lab.file("s.yaml", SERVICE)]);
    lab.ok(&["apply", "-f", &lab.file("p.yaml", POOL)]);
    let edit = |editor: &str, what: &[&str]| lab.kubectl_with("KUBE_EDITOR", editor, &[&["edit"], what].concat());
    let ended = edit("sed -i s/externalTrafficPolicy:.Cluster/externalTrafficPolicy:\\ Local/", &["svc", "web"]);
    assert_eq!(ended.output, "service/web edited\n");
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", "jsonpath={.spec.externalTrafficPolicy}"]), "Local");
    let ended =
        edit("sed -i s/autoAssign:.true/autoAssign:\\ false/", &["ipaddresspool", "pool", "-n", "metallb-system"]);
    assert_eq!(ended.output, "ipaddresspool.metallb.io/pool edited\n");
    assert_eq!(edit("true", &["svc", "web"]).output, "Edit cancelled, no changes made.\n");

    let patch = |kind: &str, patch: &str| lab.kubectl(&["patch", "svc", "web", kind, "-p", patch]);
    assert_eq!(
        patch("--type=strategic", r#"{"spec":{"externalTrafficPolicy":"Cluster"}}"#).output,
        "service/web patched\n"
    );
    assert_eq!(
        patch("--type=merge", r#"{"spec":{"externalTrafficPolicy":"Cluster"}}"#).output,
        "service/web patched (no change)\n"
    );
    let json_patch = r#"[{"op":"replace","path":"/spec/ports/0/name","value":"www"}]"#;
    assert_eq!(patch("--type=json", json_patch).output, "service/web patched\n");
    assert_eq!(lab.ok(&["get", "svc", "web", "-o", "jsonpath={.spec.ports[0].name}"]), "www");
    let refused = patch("--type=merge", r#"{"spec":{"externalTrafficPolicy":"Sometimes"}}"#);
    assert!(
        refused.code == 1 && refused.output.contains("spec.externalTrafficPolicy: Unsupported value"),
        "{}",
        refused.output
    );

    assert_eq!(lab.ok(&["label", "svc", "web", "k=v"]), "service/web labeled\n");
    assert_eq!(lab.ok(&["get", "svc", "-l", "k=v", "-o", "name"]), "service/web\n");
    assert_eq!(lab.ok(&["label", "svc", "web", "k-"]), "service/web unlabeled\n");
    assert_eq!(lab.ok(&["annotate", "svc", "web", "k=v"]), "service/web annotated\n");
    assert_eq!(
        lab.fails(&["annotate", "svc", "web", "k=w"]),
        "error: --overwrite is false but found the following declared annotation(s): 'k' already has a value (v)\n"
    );
    assert_eq!(lab.ok(&["annotate", "svc", "web", "--overwrite", "k=w"]), "service/web annotated\n");
}

#[test]
fn describe_and_events() {
    let lab = Lab::with_definitions();
    lab.ok(&["apply", "-f", &lab.file("s.yaml", SERVICE)]);
    lab.ok(&["apply", "-f", &lab.file("p.yaml", POOL)]);
    let status = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#;
    lab.ok(&["patch", "svc", "web", "--subresource=status", "-p", status]);
    let event = "
apiVersion: events.k8s.io/v1
kind: Event
metadata: { name: web.1, namespace: default }
eventTime: 2026-01-02T03:04:05.000006Z
reportingController: controller
reportingInstance: c-0
action: Assign
reason: IPAllocated
type: Normal
note: Assigned IP 192.0.2.1
regarding: { apiVersion: v1, kind: Service, name: web, namespace: default, uid: UID }
";
    let uid = lab.ok(&["get", "svc", "web", "-o", "jsonpath={.metadata.uid}"]);
    lab.ok(&["create", "-f", &lab.file("e.yaml", &event.replace("UID", &uid))]);

    let service = lab.ok(&["describe", "svc", "web"]);
    assert_eq!(described(&service, "Type"), "LoadBalancer");
    assert_eq!(described(&service, "LoadBalancer Ingress"), "192.0.2.1 (VIP)");
    assert_eq!(words(described(&service, "Port")), ["http", "80/TCP"]);
    let last = service.lines().last().expect("an event");
    assert!(last.contains("IPAllocated") && last.ends_with("Assigned IP 192.0.2.1"), "{service}");
    let pool = lab.ok(&["describe", "ipaddresspool", "pool", "-n", "metallb-system"]);
    assert_eq!(described(&pool, "Kind"), "IPAddressPool");
    assert!(pool.contains("192.0.2.0/24"), "{pool}");

    for arguments in [&["events"][..], &["events", "--for", "service/web"], &["get", "events"]] {
        let output = lab.ok(arguments);
        let row = words(output.lines().last().expect("an event"));
        assert_eq!(row[1..3], ["Normal", "IPAllocated"], "{output}");
        assert!(row[3].eq_ignore_ascii_case("service/web"), "{output}");
    }
    assert_eq!(lab.ok(&["events", "--for", "service/other"]), "No events found in default namespace.\n");
}

#[test]
fn explain() {
    let lab = Lab::with_definitions();
    let output = lab.ok(&["explain", "ipaddresspool.spec.addresses"]);
    assert!(output.starts_with("GROUP:      metallb.io\nKIND:       IPAddressPool\nVERSION:    v1beta1\n"), "{output}");
    assert!(output.contains("FIELD: addresses <[]string>"), "{output}");
    let output = lab.ok(&["explain", "service.spec.type"]);
    assert!(output.contains("KIND:       Service") && output.contains("FIELD: type <string>"), "{output}");
    let output = lab.ok(&["explain", "bgppeer", "--recursive"]);
    assert!(output.contains("peerAddress"), "{output}");
    assert!(lab.fails(&["explain", "ipaddresspool.spec.nothing"]).contains("field \"nothing\" does not exist"));
}

#[test]
fn wait_and_watch() {
    let lab = Lab::start();
    lab.ok(&["apply", "-f", &lab.file("s.yaml", SERVICE)]);
    let address = "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2.9\"}]}}}";
    let lines = lab.until(
        &["get", "svc", "web", "-w"],
        || drop(lab.ok(&["patch", "svc", "web", "--subresource=status", "-p", address])),
        |line| line.contains("192.0.2.9"),
    );
    assert!(words(&lines[0])[0] == "NAME" && lines[1].contains("<pending>"), "{lines:#?}");
    let condition = "--for=jsonpath={.status.loadBalancer.ingress[0].ip}=192.0.2.9";
    assert_eq!(lab.ok(&["wait", "svc/web", condition, "--timeout=5s"]), "service/web condition met\n");
    assert_eq!(
        lab.fails(&["wait", "svc/web", "--for=jsonpath={.metadata.labels.never}=1", "--timeout=1s"]),
        "error: timed out waiting for the condition on services/web\n"
    );
    let lines = lab.until(
        &["get", "svc", "--watch", "--output-watch-events"],
        || drop(lab.ok(&["delete", "svc", "web"])),
        |line| line.starts_with("DELETED"),
    );
    assert!(lines.iter().any(|line| line.starts_with("ADDED") && line.contains("web")), "{lines:#?}");
    lab.ok(&["apply", "-f", &lab.file("s.yaml", SERVICE)]);
    let waits = std::thread::scope(|scope| {
        let waits = scope.spawn(|| lab.ok(&["wait", "svc/web", "--for=delete", "--timeout=10s"]));
        lab.ok(&["delete", "svc", "web", "--wait=false"]);
        waits.join().expect("the other kubectl")
    });
    assert!(waits.is_empty() || waits == "service/web condition met\n", "{waits}");
}

#[test]
fn delete() {
    let lab = Lab::with_definitions();
    lab.ok(&["apply", "-f", &lab.file("s.yaml", SERVICE)]);
    lab.ok(&["apply", "-f", &lab.file("p.yaml", POOL)]);
    assert_eq!(lab.ok(&["delete", "svc", "web"]), "service \"web\" deleted\n");
    assert_eq!(lab.fails(&["delete", "svc", "web"]), "Error from server (NotFound): services \"web\" not found\n");
    assert_eq!(lab.ok(&["delete", "svc", "web", "--ignore-not-found"]), "");
    let selected = lab.ok(&["delete", "ipaddresspools", "-n", "metallb-system", "-l", "a!=b"]);
    assert_eq!(selected, "ipaddresspool.metallb.io \"pool\" deleted\n");
    // A finalizer holds an object until somebody takes it off.
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}";
    lab.ok(&["create", "-f", &lab.file("held.yaml", held)]);
    assert_eq!(lab.ok(&["delete", "cm", "held", "--wait=false"]), "configmap \"held\" deleted\n");
    assert!(!lab.ok(&["get", "cm", "held", "-o", "jsonpath={.metadata.deletionTimestamp}"]).is_empty());
    lab.ok(&["patch", "cm", "held", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
    assert_eq!(lab.fails(&["get", "cm", "held"]), "Error from server (NotFound): configmaps \"held\" not found\n");
    // A definition takes its objects with it.
    lab.ok(&["apply", "-f", &lab.file("p.yaml", POOL)]);
    assert_eq!(
        lab.ok(&["delete", "crd", "ipaddresspools.metallb.io"]),
        "customresourcedefinition.apiextensions.k8s.io \"ipaddresspools.metallb.io\" deleted\n"
    );
    // kubectl may still know the resource; the server does not.
    let output = lab.fails(&["get", "ipaddresspools", "-A"]);
    assert!(
        output.contains("could not find the requested resource") || output.contains("doesn't have a resource"),
        "{output}"
    );
}

#[test]
fn create_of_what_kubectl_makes_itself() {
    let lab = Lab::start();
    assert_eq!(lab.ok(&["create", "namespace", "team"]), "namespace/team created\n");
    assert_eq!(lab.ok(&["create", "configmap", "c", "--from-literal=a=b"]), "configmap/c created\n");
    assert_eq!(lab.ok(&["create", "secret", "generic", "s", "--from-literal=current=abc"]), "secret/s created\n");
    assert_eq!(lab.ok(&["get", "secret", "s", "-o", "jsonpath={.data.current}"]), "YWJj");
    assert_eq!(lab.ok(&["create", "deployment", "d", "--image=web"]), "deployment.apps/d created\n");
    assert_eq!(lab.ok(&["create", "service", "loadbalancer", "l", "--tcp=80:8080"]), "service/l created\n");
    assert_eq!(lab.ok(&["get", "svc", "l", "-o", "jsonpath={.spec.ports[0].targetPort}"]), "8080");
    assert_eq!(lab.ok(&["get", "ns", "team", "-o", "jsonpath={.status.phase}"]), "Active");
    assert_eq!(
        lab.fails(&["create", "configmap", "c"]),
        "error: failed to create configmap: configmaps \"c\" already exists\n"
    );
}

#[test]
fn rights() {
    let lab = Lab::start();
    let can = |arguments: &[&str]| lab.kubectl_as_account("default", "ctl", &[&["auth", "can-i"], arguments].concat());
    assert_eq!(lab.ok(&["auth", "can-i", "patch", "services", "--subresource=status"]), "yes\n");
    assert_eq!((can(&["list", "services"]).code, can(&["list", "services"]).output.as_str()), (1, "no\n"));
    assert_eq!(
        lab.kubectl_as_account("default", "ctl", &["get", "svc"]).output,
        "Error from server (Forbidden): services is forbidden: User \"system:serviceaccount:default:ctl\" cannot list \
         resource \"services\" in API group \"\" in the namespace \"default\"\n"
    );

    lab.ok(&["create", "serviceaccount", "ctl"]);
    lab.ok(&["create", "role", "reader", "--verb=get,list,watch", "--resource=services"]);
    lab.ok(&["create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:ctl"]);
    assert_eq!(can(&["list", "services"]).output, "yes\n");
    assert_eq!(can(&["delete", "services"]).output, "no\n");
    assert_eq!(can(&["list", "services", "-n", "kube-system"]).output, "no\n");
    let rules = can(&["--list"]);
    assert!(
        rules.output.lines().any(|line| words(line) == ["services", "[]", "[]", "[get", "list", "watch]"]),
        "{}",
        rules.output
    );
    assert_eq!(lab.kubectl_as_account("default", "ctl", &["get", "svc", "-o", "name"]).code, 0);
    assert_eq!(lab.ok(&["auth", "can-i", "list", "services", "--as=system:serviceaccount:default:ctl"]), "yes\n");

    let token = lab.ok(&["create", "token", "ctl", "--duration=20m"]);
    let who = lab.kubectl_with_token(token.trim(), &["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
    assert_eq!(who.output, "system:serviceaccount:default:ctl");
    let bad = lab.kubectl_with_token("bad", &["get", "svc"]);
    assert!(
        bad.output.contains("the server has asked for the client to provide credentials")
            || bad.output.contains("Unauthorized"),
        "{}",
        bad.output
    );

    // Nobody gives away what he does not have.
    lab.ok(&["create", "role", "granter", "--verb=create,get", "--resource=roles.rbac.authorization.k8s.io"]);
    lab.ok(&["create", "rolebinding", "granter", "--role=granter", "--serviceaccount=default:ctl"]);
    let create = |verb: &str| {
        let arguments = ["create", "role", &format!("new-{verb}"), &format!("--verb={verb}"), "--resource=services"];
        lab.kubectl_as_account("default", "ctl", &arguments)
    };
    assert_eq!(create("get").code, 0);
    let refused = create("delete");
    assert!(
        refused.output.contains("is attempting to grant RBAC permissions not currently held"),
        "{}",
        refused.output
    );
}

#[test]
fn what_is_served() {
    let lab = Lab::with_definitions();
    let resources = lab.ok(&["api-resources", "--api-group=metallb.io"]);
    let rows: Vec<Vec<&str>> = resources.lines().map(words).collect();
    assert!(rows.contains(&vec!["ipaddresspools", "metallb.io/v1beta1", "true", "IPAddressPool"]), "{resources}");
    assert!(rows.contains(&vec!["bgppeers", "metallb.io/v1beta2", "true", "BGPPeer"]), "{resources}");
    let all = lab.ok(&["api-resources"]);
    assert!(all.lines().any(|line| words(line) == ["services", "svc", "v1", "true", "Service"]), "{all}");
    let versions = lab.ok(&["api-versions"]);
    for version in ["v1", "apps/v1", "metallb.io/v1beta1", "metallb.io/v1beta2", "rbac.authorization.k8s.io/v1"] {
        assert!(versions.lines().any(|line| line == version), "{version} in {versions}");
    }
    assert_eq!(lab.ok(&["get", "--raw", "/readyz"]), "ok");
    assert!(lab.ok(&["version"]).contains("Server Version: v1."));
    assert!(lab.ok(&["cluster-info"]).contains("Kubernetes control plane"));
}

use serde_json::json;

use super::*;
use crate::registry::Registry;

fn table(group: &str, plural: &str, object: &Value) -> Value {
    let resource = Registry::with_built_ins().get(group, plural).unwrap();
    let version = resource.versions[0].name.clone();
    Columns::of(&resource, &version).single(object, Include::None, true)
}

fn cells(group: &str, plural: &str, object: &Value) -> Value {
    let table = table(group, plural, object);
    let (cells, columns) = (&table["rows"][0]["cells"], &table["columnDefinitions"]);
    assert_eq!(cells.as_array().unwrap().len(), columns.as_array().unwrap().len(), "as many cells as columns");
    cells.clone()
}

#[test]
fn a_load_balancer_shows_its_addresses() {
    let mut service = json!({
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "selector": {"a": "b", "c": "d"},
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
    });
    let row = |service: &Value| cells("", "services", service);
    assert_eq!(
        row(&service),
        json!(["web", "LoadBalancer", "10.96.0.9", "<pending>", "80:30080/TCP,53/UDP", "<unknown>", "a=b,c=d"])
    );
    service["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "h"}]}});
    assert_eq!(row(&service)[3], "192.0.2.1,h");
    service["spec"]["type"] = "ClusterIP".into();
    assert_eq!(row(&service)[3], "<none>");
}

#[test]
fn a_node_shows_state_roles_and_addresses() {
    let node = json!({
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/edge": ""}},
        "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.36.0"},
            "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}]},
    });
    let row = cells("", "nodes", &node);
    assert_eq!(row[1], "Ready,SchedulingDisabled");
    assert_eq!(row[2], "edge,worker");
    assert_eq!((&row[4], &row[5], &row[6]), (&json!("v1.36.0"), &json!("192.0.2.7"), &json!("<none>")));
}

#[test]
fn an_event_reads_the_same_in_both_forms() {
    let core = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "R", "message": "m\n", "count": 3,
        "involvedObject": {"kind": "Service", "name": "web"}, "source": {"component": "ctl", "host": "h"}});
    let new = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "R", "note": "m", "deprecatedCount": 3,
        "regarding": {"kind": "Service", "name": "web"}, "reportingController": "ctl", "reportingInstance": "h"});
    let row = cells("", "events", &core);
    assert_eq!(row, json!(["<unknown>", "Normal", "R", "service/web", "", "ctl, h", "m", "<unknown>", 3, "e"]));
    assert_eq!(cells("events.k8s.io", "events", &new), row);
}

#[test]
fn every_built_in_kind_has_as_many_cells_as_columns() {
    for resource in Registry::with_built_ins().all() {
        cells(&resource.group, &resource.plural, &json!({"metadata": {"name": "x"}}));
    }
}

#[test]
fn only_the_first_table_of_a_watch_has_headings() {
    let resource = Registry::with_built_ins().get("", "services").unwrap();
    let columns = Columns::of(&resource, "v1");
    let service = json!({"metadata": {"name": "a", "resourceVersion": "7"}});
    let first = columns.single(&service, Include::Metadata, true);
    assert_eq!(first["metadata"], json!({"resourceVersion": "7"}));
    assert_eq!(first["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(first["columnDefinitions"][0]["format"], "name");
    let second = columns.single(&service, Include::Object, false);
    assert_eq!(second["columnDefinitions"], Value::Null);
    assert_eq!(second["rows"][0]["object"], service);
}

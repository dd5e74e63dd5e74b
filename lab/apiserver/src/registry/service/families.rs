//! Which IP families a Service has: `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` say overlapping things,
//! any of which may be left out.

use herald_apiserver_schema::Cause;
use serde_json::{Map, Value, json};

use super::address::{Family, address_fault};
use super::spec::{Spec, port_number, port_text};

const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/// Puts in what was allocated before and the client left out, and brings `clusterIP` and `clusterIPs` in line.
pub(super) fn normalize(spec: &mut Map<String, Value>, old: Option<Spec<'_>>) {
    let Some(old) = old else {
        let cluster_ip = Spec::new(spec).cluster_ip().to_owned();
        if !cluster_ip.is_empty() && Spec::new(spec).cluster_ips().is_empty() {
            spec.insert("clusterIPs".into(), json!([cluster_ip]));
        }
        return;
    };
    keep_allocated(spec, old);
    let new = Spec::new(spec);
    let (cluster_ip, cluster_ips) = (new.cluster_ip().to_owned(), new.cluster_ips());
    let same_ip = cluster_ip == old.cluster_ip();
    let replacement = if !old.cluster_ips().is_empty() && cluster_ips.is_empty() && same_ip {
        Some(json!(old.cluster_ips()))
    } else if !same_ip && cluster_ips == old.cluster_ips() {
        Some(if cluster_ip.is_empty() { Value::Null } else { json!([cluster_ip]) })
    } else {
        None
    };
    match replacement {
        Some(Value::Null) => spec.remove("clusterIPs"),
        Some(list) => spec.insert("clusterIPs".into(), list),
        None => None,
    };
}

fn keep_allocated(spec: &mut Map<String, Value>, old: Spec<'_>) {
    let new = Spec::new(spec);
    if old.needs_cluster_ip() && new.needs_cluster_ip() {
        if new.cluster_ip().is_empty() && !old.cluster_ip().is_empty() {
            spec.insert("clusterIP".into(), old.cluster_ip().into());
        }
        let new = Spec::new(spec);
        if new.cluster_ips().is_empty() && new.cluster_ip() == old.cluster_ip() && !old.cluster_ips().is_empty() {
            spec.insert("clusterIPs".into(), json!(old.cluster_ips()));
        }
    }
    if old.wants_node_ports() && Spec::new(spec).wants_node_ports() {
        keep_node_ports(spec, old);
    }
    let new = Spec::new(spec);
    if old.needs_health_check_node_port() && new.needs_health_check_node_port() && new.health_check_node_port() == 0 {
        spec.insert("healthCheckNodePort".into(), old.health_check_node_port().into());
    }
}

/// A port keeps its node port by its name, whatever else has changed.
fn keep_node_ports(spec: &mut Map<String, Value>, old: Spec<'_>) {
    let numbers = |spec: Spec<'_>| -> Vec<i64> {
        spec.ports().iter().map(|port| port_number(port, "nodePort")).filter(|number| *number != 0).collect()
    };
    let of_old = numbers(old);
    let mut used: Vec<i64> = numbers(Spec::new(spec)).into_iter().filter(|port| of_old.contains(port)).collect();
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        if port_number(port, "nodePort") != 0 {
            continue;
        }
        let before = old.ports().iter().rev().find(|before| port_text(before, "name") == port_text(port, "name"));
        let number = before.map(|before| port_number(before, "nodePort")).unwrap_or_default();
        if number != 0 && !used.contains(&number) {
            port["nodePort"] = number.into();
            used.push(number);
        }
    }
}

/// Infers policy and families.
pub(super) fn init(spec: &mut Map<String, Value>, old: Option<Spec<'_>>) -> Result<(), Vec<Cause>> {
    let new = Spec::new(spec);
    if new.kind() == "ExternalName" || old.is_some_and(|old| is_settled(new, old)) {
        return Ok(());
    }
    if new.policy().is_none() {
        let policy = match old.and_then(Spec::policy) {
            Some(policy) => policy,
            None if new.cluster_ip() == "None" && !new.has_selector() => "RequireDualStack",
            None => "SingleStack",
        };
        spec.insert("ipFamilyPolicy".into(), policy.into());
    }
    if let Some(old) = old {
        trim(spec, old);
    }
    let causes = related_fields(Spec::new(spec));
    if !causes.is_empty() {
        return Err(causes);
    }
    let new = Spec::new(spec);
    let single = new.policy() == Some("SingleStack");
    for (count, what) in [(new.cluster_ips().len(), "cluster IPs"), (new.families().len(), "IP families")] {
        if single && count > 1 {
            let words = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            return Err(vec![Cause::invalid("spec.ipFamilyPolicy", &json!("SingleStack"), words)]);
        }
    }
    let mut families: Vec<&str> = new.families();
    for address in new.cluster_ips().into_iter().skip(families.len()) {
        families.extend(Family::of(address).map(Family::name));
    }
    if families.is_empty() {
        families.push("IPv4");
    }
    if !single && families.len() == 1 {
        families.push(if families == ["IPv4"] { "IPv6" } else { "IPv4" });
    }
    let families = json!(families);
    spec.insert("ipFamilies".into(), families);
    Ok(())
}

/// A PreferDualStack Service whose addresses and families are not touched stays as it is.
fn is_settled(new: Spec<'_>, old: Spec<'_>) -> bool {
    new.policy() == Some("PreferDualStack")
        && old.policy() == new.policy()
        && old.cluster_ips() == new.cluster_ips()
        && old.families() == new.families()
        && !new.families().is_empty()
}

/// A change of policy to SingleStack gives up the second family, unless the client says something else about it.
fn trim(spec: &mut Map<String, Value>, old: Spec<'_>) {
    let new = Spec::new(spec);
    if new.policy() != Some("SingleStack") || old.policy() == Some("SingleStack") || old.policy().is_none() {
        return;
    }
    for (field, same) in
        [("clusterIPs", new.cluster_ips() == old.cluster_ips()), ("ipFamilies", new.families() == old.families())]
    {
        if same && let Some(Value::Array(list)) = spec.get_mut(field) {
            list.truncate(1);
        }
    }
}

/// What is wrong with the four fields taken together.
pub(super) fn related_fields(spec: Spec<'_>) -> Vec<Cause> {
    if spec.kind() == "ExternalName" {
        return Vec::new();
    }
    let mut causes = Vec::new();
    let (cluster_ip, cluster_ips, families) = (spec.cluster_ip(), spec.cluster_ips(), spec.families());
    let field = "spec.clusterIPs";
    let shown = json!(cluster_ips);
    match (cluster_ip, cluster_ips.first()) {
        ("", Some(_)) => {
            causes.push(Cause::invalid(field, &shown, "must be empty when `clusterIP` is not specified"));
        }
        ("", None) => {}
        (_, None) => causes.push(Cause::required(field, "")),
        (one, Some(first)) if one != *first => {
            causes.push(Cause::invalid(field, &shown, "first value must match `clusterIP`"));
        }
        _ => {}
    }
    for (index, family) in families.iter().enumerate() {
        let field = format!("spec.ipFamilies[{index}]");
        if Family::named(family).is_none() {
            causes.push(Cause::not_supported(&field, &json!(family), &["IPv4", "IPv6"]));
        }
        if families[..index].contains(family) {
            causes.push(Cause::duplicate(&field, &json!(family)));
        }
    }
    if let Some(policy) = spec.policy().filter(|policy| !POLICIES.contains(policy)) {
        causes.push(Cause::not_supported("spec.ipFamilyPolicy", &json!(policy), &POLICIES));
    }
    let mut malformed = false;
    for (index, address) in cluster_ips.iter().enumerate() {
        if index == 0 && *address == "None" {
            if cluster_ips.len() > 1 {
                malformed = true;
                causes.push(Cause::invalid(field, &shown, "'None' must be the first and only value"));
            }
        } else if let Some(fault) = address_fault(address) {
            malformed = true;
            causes.push(Cause::invalid(format!("{field}[{index}]"), &json!(address), fault));
        }
    }
    if cluster_ips.len() > 2 {
        causes.push(Cause::invalid(field, &shown, "may only hold up to 2 values"));
    }
    if malformed {
        return causes;
    }
    if let [first, second, ..] = cluster_ips.as_slice()
        && Family::of(first) == Family::of(second)
    {
        causes.push(Cause::invalid(field, &shown, "may specify no more than one IP for each IP family"));
    }
    if !spec.is_headless() {
        for (index, (address, family)) in cluster_ips.iter().zip(&families).enumerate() {
            if Family::named(family).is_some_and(|family| Family::of(address) != Some(family)) {
                let words = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
                causes.push(Cause::invalid(format!("{field}[{index}]"), &json!(address), words));
            }
        }
    }
    causes
}

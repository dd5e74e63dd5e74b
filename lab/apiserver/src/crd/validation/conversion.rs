//! `spec.conversion`.
//!
//! The webhook's settings stay when only the strategy is changed, and are then in the way: the change must remove them
//! too (`webhook: null`), or be an apply by the manager that owns them.

use herald_apiserver_schema::Cause;
use serde_json::Value;

use crate::crd::items;
use crate::meta::text;

pub(super) fn check(spec: &Value, causes: &mut Vec<Cause>) {
    let Some(conversion) = spec.get("conversion") else { return };
    let webhook = conversion.get("webhook");
    let client = webhook.and_then(|webhook| webhook.get("clientConfig"));
    let reviews = webhook.map_or(&[][..], |webhook| items(webhook, "conversionReviewVersions"));
    match text(conversion, "/strategy") {
        "None" => {
            let detail = "should not be set when strategy is not set to Webhook";
            if client.is_some() {
                causes.push(Cause::forbidden("spec.conversion.webhookClientConfig", detail));
            }
            if !reviews.is_empty() {
                causes.push(Cause::forbidden("spec.conversion.conversionReviewVersions", detail));
            }
        }
        "Webhook" => {
            match client {
                None => {
                    let detail = "required when strategy is set to Webhook";
                    causes.push(Cause::required("spec.conversion.webhookClientConfig", detail));
                }
                Some(client) => client_config(client, causes),
            }
            if reviews.is_empty() {
                causes.push(Cause::required("spec.conversion.conversionReviewVersions", ""));
            } else if !reviews.iter().any(|version| version == "v1" || version == "v1beta1") {
                let detail = "must include at least one of v1, v1beta1";
                let shown = Value::Array(reviews.to_vec());
                causes.push(Cause::invalid("spec.conversion.conversionReviewVersions", &shown, detail));
            }
        }
        "" => causes.push(Cause::required("spec.conversion.strategy", "")),
        other => {
            let known = ["None", "Webhook"];
            causes.push(Cause::not_supported("spec.conversion.strategy", &Value::from(other), &known));
        }
    }
}

fn client_config(client: &Value, causes: &mut Vec<Cause>) {
    let at = "spec.conversion.webhookClientConfig";
    let (url, service) = (client.get("url"), client.get("service"));
    if url.is_some() == service.is_some() {
        causes.push(Cause::required(at, "exactly one of url or service is required"));
    }
    if let Some(service) = service {
        for field in ["namespace", "name"] {
            if text(service, &format!("/{field}")).is_empty() {
                causes.push(Cause::required(format!("{at}.service.{field}"), "is required"));
            }
        }
    }
}

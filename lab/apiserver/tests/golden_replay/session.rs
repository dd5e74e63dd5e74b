//! Steps are done one after another; watches run beside them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::Difference;
use super::bind::Bindings;
use super::client::{Credentials, Reply, Server};
use super::compare::{self, Rules};
use super::excerpt;
use super::recording::{Expect, Recording, Step};
use super::watching::Watching;

/// How long something that must happen may take.
const SOON: Duration = Duration::from_secs(5);
/// How long is waited for something that must not happen.
const QUIET: Duration = Duration::from_millis(20);

/// One server, one file after another.
pub struct Session {
    server: Server,
    bindings: Bindings,
    watches: BTreeMap<String, Watching>,
    /// Tokens of service accounts, by `namespace:name`.
    tokens: BTreeMap<String, String>,
    /// ETags, times and hashes as kubectl's cache has them, by path.
    etags: BTreeMap<String, String>,
    modified: BTreeMap<String, String>,
    hashes: BTreeMap<String, String>,
    differences: Vec<Difference>,
    file: String,
    /// Names of the steps, to find when an event may come.
    names: Vec<String>,
}

impl Session {
    pub async fn new(server: Server) -> Self {
        Self {
            server,
            bindings: Bindings::default(),
            watches: BTreeMap::new(),
            tokens: BTreeMap::new(),
            etags: BTreeMap::new(),
            modified: BTreeMap::new(),
            hashes: BTreeMap::new(),
            differences: Vec::new(),
            file: String::new(),
            names: Vec::new(),
        }
    }

    /// A new file: nothing is bound but the revision before its first write.
    pub async fn begin(&mut self, file: &str) {
        self.file = file.to_owned();
        self.bindings = Bindings::default();
        let reply = self.server.ask("GET", "/api/v1/namespaces?limit=1", &[], &Credentials::Admin, Bytes::new()).await;
        let list: Value = serde_json::from_slice(&reply.body).expect("a list of namespaces");
        let revision = list["metadata"]["resourceVersion"].as_str().expect("a revision");
        self.bindings.start_at(revision);
    }

    /// Does all steps; returns what differed.
    pub async fn run(&mut self, recording: &Recording) -> Vec<Difference> {
        self.names = recording.steps.iter().map(|s| s.name.clone()).collect();
        for (number, step) in recording.steps.iter().enumerate() {
            for watch in self.watches.values() {
                watch.at_step(number);
            }
            self.compare_events();
            match step.method.as_str() {
                "COMMAND" => {}
                // Protobuf bodies are not recorded; the transcript of the real kubectl sends them.
                _ if step.raw_body.as_ref().is_some_and(|body| body.ends_with(" bytes of protobuf")) => {}
                "COMPACT" => self.server.handle.compact(),
                "RESTART" => self.server.handle.restart(),
                "WAIT" => self.wait_for(step).await,
                "WATCH" => self.open_watch(number, step).await,
                // kubectl's watches saw what the recorder did beside it: only that they open is compared.
                "GET" if step.expect.events.is_some() => self.open_and_close(step).await,
                "ENDWATCH" => self.end_watch(&step.id).await,
                _ => self.request(step).await,
            }
        }
        let open: Vec<String> = self.watches.keys().cloned().collect();
        for id in open {
            self.end_watch(&id).await;
        }
        std::mem::take(&mut self.differences)
    }

    async fn request(&mut self, step: &Step) {
        if step.name.contains("twelve seconds ago") {
            tokio::time::sleep(Duration::from_secs(11)).await; // a token that was good stays good for ten
        }
        let reply = self.ask(step).await;
        self.compare_reply(step, &reply);
        self.remember_token(step, &reply);
        self.remember_cached(step, &reply);
    }

    async fn ask(&mut self, step: &Step) -> Reply {
        let (uri, headers, credentials, body) = self.prepare(step).await;
        self.server.ask(&step.method, &uri, &headers, &credentials, body).await
    }

    /// The request with all placeholders filled in; waits for events that still have to bind some.
    async fn prepare(&mut self, step: &Step) -> (String, Vec<(String, String)>, Credentials, Bytes) {
        if let Some(etag) = self.etags.get(&step.path) {
            self.bindings.set("etag", etag);
        }
        if let Some(hash) = self.hashes.get(&step.path) {
            self.bindings.set("hash", hash);
        }
        let mut uri = encode(&self.fill(step, &step.path).await);
        for (at, (name, value)) in step.query.iter().enumerate() {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = self.fill(step, &text).await;
            uri.push(if at == 0 { '?' } else { '&' });
            uri.push_str(&format!("{}={}", encode(name), encode(&text)));
        }
        let mut headers = Vec::new();
        for (name, value) in &step.headers {
            let value = match name.as_str() {
                "If-Modified-Since" => self.last_modified(step).await,
                _ => self.fill(step, value).await,
            };
            headers.push((name.clone(), value));
        }
        let body = match (&step.raw_body, &step.body) {
            (Some(text), _) => self.fill(step, text).await,
            (None, Some(body)) => {
                let text = expanded(body).to_string();
                self.fill(step, &text).await
            }
            (None, None) => String::new(),
        };
        let body = unquote_numbers(&body);
        let credentials = match step.user.as_deref() {
            None => Credentials::Admin,
            Some("anonymous") => Credentials::None,
            Some(user) => match user.strip_prefix("system:serviceaccount:") {
                Some(account) => Credentials::Token(self.tokens.get(account).cloned().unwrap_or_default()),
                None => Credentials::Token(user.to_owned()),
            },
        };
        (uri, headers, credentials, Bytes::from(body))
    }

    /// When the document changed that kubectl has in its cache: what this server said last, not the recorded time. What
    /// kubectl had fetched before the recording began is fetched here; for an answer that is recorded in full, the cache
    /// holds an older document.
    async fn last_modified(&mut self, step: &Step) -> String {
        if step.expect.status != Some(304) {
            return "Thu, 01 Jan 1970 00:00:00 GMT".to_owned();
        }
        if !self.modified.contains_key(&step.path) {
            let reply = self.server.ask("GET", &step.path, &[], &Credentials::Admin, Bytes::new()).await;
            self.remember_cached(step, &reply);
        }
        self.modified.get(&step.path).cloned().unwrap_or_default()
    }

    async fn fill(&mut self, step: &Step, text: &str) -> String {
        for _ in 0..100 {
            match self.bindings.fill(text, self.watches.is_empty()) {
                Ok(filled) => return filled,
                Err(_) if self.watches.is_empty() => break,
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    self.compare_events();
                }
            }
        }
        let missing = self.bindings.fill(text, true).unwrap_err();
        self.differs(&step.name, "request", &format!("a value for {missing}"), "none was seen");
        text.to_owned()
    }

    fn compare_reply(&mut self, step: &Step, reply: &Reply) {
        let Expect { status, body, kind, headers, .. } = &step.expect;
        // The times of a real server's documents move by themselves: whether one has changed says nothing.
        let may_be_unchanged = |status: u16| status == 200 || status == 304;
        if step.headers.contains_key("If-Modified-Since")
            && status.is_some_and(may_be_unchanged)
            && may_be_unchanged(reply.status)
        {
            return;
        }
        if let Some(status) = status
            && *status != reply.status
        {
            let text = String::from_utf8_lossy(&reply.body);
            let text: String = text.chars().take(600).collect();
            self.differs(&step.name, "status", &status.to_string(), &format!("{} {text}", reply.status));
            return;
        }
        for (name, wanted) in headers {
            self.compare_header(step, reply, name, wanted);
        }
        if !headers.contains_key("warning") && reply.headers.contains_key("warning") {
            let got: Vec<_> = reply.headers.get_all("warning").iter().collect();
            self.differs(&step.name, "headers.warning", "nothing", &format!("{got:?}"));
        }
        let actual = serde_json::from_slice(&reply.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&reply.body).into_owned()));
        if let Some(kind) = kind
            && actual["kind"].as_str() != Some(kind)
            && actual.get(kind).is_none()
        // documents without a kind are named by their first field
        {
            self.differs(&step.name, "body.kind", kind, &actual["kind"].to_string());
        }
        if let Some(expected) = body {
            let (expected, actual) = excerpt::of(&step.path, expected, actual);
            let found = compare::body(&mut self.bindings, &expected, &actual, rules(&step.expect));
            for (at, expected, actual) in found {
                self.differs(&step.name, &at, &expected, &actual);
            }
        }
    }

    fn compare_header(&mut self, step: &Step, reply: &Reply, name: &str, wanted: &Value) {
        let wanted: Vec<String> = match wanted {
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(one) => vec![one.clone()],
            other => vec![other.to_string()],
        };
        let got: Vec<String> = reply
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let fits = wanted.len() == got.len() && wanted.iter().zip(&got).all(|(w, g)| self.bindings.fits(w, g));
        if !fits {
            self.differs(&step.name, &format!("headers.{name}"), &format!("{wanted:?}"), &format!("{got:?}"));
        }
    }

    /// The answer to a TokenRequest is what later steps of that service account use.
    fn remember_token(&mut self, step: &Step, reply: &Reply) {
        let parts: Vec<&str> = step.path.split('/').collect();
        if let ["", "api", "v1", "namespaces", namespace, "serviceaccounts", name, "token"] = parts.as_slice()
            && let Ok(answer) = serde_json::from_slice::<Value>(&reply.body)
            && let Some(token) = answer["status"]["token"].as_str()
        {
            self.tokens.insert(format!("{namespace}:{name}"), token.to_owned());
        }
    }

    /// What kubectl keeps in its cache: ETags by path, hashes of OpenAPI documents.
    fn remember_cached(&mut self, step: &Step, reply: &Reply) {
        if let Some(etag) = reply.headers.get("etag").and_then(|etag| etag.to_str().ok()) {
            self.etags.insert(step.path.clone(), etag.to_owned());
        }
        if let Some(time) = reply.headers.get("last-modified").and_then(|time| time.to_str().ok()) {
            self.modified.insert(step.path.clone(), time.to_owned());
        }
        if let Ok(body) = serde_json::from_slice::<Value>(&reply.body) {
            if let Some(revision) = body["metadata"]["resourceVersion"].as_str() {
                self.bindings.saw(revision);
            }
            for (path, entry) in body["paths"].as_object().into_iter().flatten() {
                let url = entry["serverRelativeURL"].as_str().unwrap_or_default();
                if let Some((_, hash)) = url.split_once("hash=") {
                    self.hashes.insert(format!("/openapi/v3/{path}"), hash.to_owned());
                }
            }
        }
    }

    /// Polls until the resource is served.
    async fn wait_for(&mut self, step: &Step) {
        let path = self.fill(step, &step.path).await;
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let reply = self.server.ask("GET", &path, &[], &Credentials::Admin, Bytes::new()).await;
            if reply.status == 200 {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                self.differs(&step.name, "reached", "true", &format!("status {}", reply.status));
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn open_watch(&mut self, number: usize, step: &Step) {
        let (uri, headers, credentials, body) = self.prepare(step).await;
        let Some(_) = &step.expect.events else {
            let reply = self.server.ask("GET", &uri, &headers, &credentials, body).await;
            self.compare_reply(step, &reply);
            return;
        };
        let response = self.server.send("GET", &uri, &headers, &credentials, body).await;
        let status = response.status().as_u16();
        if Some(status) != step.expect.status {
            self.differs(&step.name, "status", &format!("{:?}", step.expect.status), &status.to_string());
        }
        let watch = Watching::open(&step.name, number, &step.expect, response.into_body());
        // What a watch begins with has come before the next step is done.
        let expected = step.expect.events.as_deref().unwrap_or_default();
        let at_once = expected.iter().filter(|event| event["after"] == step.name.as_str()).count();
        if step.expect.ended.is_none() {
            watch.wait_for(at_once, SOON).await;
        }
        self.watches.insert(step.id.clone(), watch);
        self.compare_events();
    }

    async fn open_and_close(&mut self, step: &Step) {
        let (uri, headers, credentials, body) = self.prepare(step).await;
        let response = self.server.send("GET", &uri, &headers, &credentials, body).await;
        let status = response.status().as_u16();
        if Some(status) != step.expect.status {
            self.differs(&step.name, "status", &format!("{:?}", step.expect.status), &status.to_string());
        }
    }

    async fn end_watch(&mut self, id: &str) {
        let Some(watch) = self.watches.get(id) else { return };
        let expected = watch.expect.events.as_ref().map_or(0, Vec::len);
        if watch.expect.ended.is_some() {
            watch.wait_for_end(2 * SOON).await;
        } else {
            watch.wait_for(expected, SOON).await;
            tokio::time::sleep(QUIET).await;
        }
        self.compare_events();
        let Some(watch) = self.watches.remove(id) else { return };
        if watch.count() < expected {
            let missing = &watch.expect.events.as_ref().expect("counted above")[watch.count()];
            self.differs(&watch.step, &format!("events[{}]", watch.count()), &missing.to_string(), "nothing");
        }
        if watch.expect.ended.is_some() != watch.has_ended() {
            self.differs(&watch.step, "ended", &format!("{:?}", watch.expect.ended), &watch.has_ended().to_string());
        }
    }

    /// Compares the events that came since, of every open watch.
    fn compare_events(&mut self) {
        let mut found = Vec::new();
        for watch in self.watches.values_mut() {
            while let Some((step, actual)) = watch.next() {
                let at = format!("events[{}]", watch.compared);
                let expected = watch.expect.events.as_ref().and_then(|e| e.get(watch.compared)).cloned();
                watch.compared += 1;
                let Some(expected) = expected else {
                    found.push((watch.step.clone(), (at, "nothing".to_owned(), actual.to_string())));
                    continue;
                };
                let after = expected["after"].as_str().unwrap_or_default();
                let earliest = self.names.iter().position(|name| name == after).unwrap_or(0);
                if step < earliest {
                    let early = (format!("{at}.after"), after.to_owned(), self.names[step].clone());
                    found.push((watch.step.clone(), early));
                }
                let rules = rules(&watch.expect);
                for difference in compare::event(&mut self.bindings, &at, &expected, &actual, rules) {
                    found.push((watch.step.clone(), difference));
                }
            }
        }
        for (step, (at, expected, actual)) in found {
            self.differs(&step, &at, &expected, &actual);
        }
    }

    fn differs(&mut self, step: &str, at: &str, expected: &str, actual: &str) {
        self.differences.push(Difference {
            file: self.file.clone(),
            step: step.to_owned(),
            at: at.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        });
    }
}

fn rules(expect: &Expect) -> Rules {
    Rules { partial: expect.partial, managed_fields: expect.compare_managed_fields }
}

/// Marks node ports, which stand as texts in recordings, as the numbers they are; writes out what is abbreviated.
fn expanded(body: &Value) -> Value {
    match body {
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), expanded(v))).collect()),
        Value::Array(list) => Value::Array(list.iter().map(expanded).collect()),
        Value::String(text) if text.starts_with("${nodePort:") => Value::String(format!("\u{1}{text}\u{1}")),
        Value::String(text) => match text.split_once(" times ") {
            Some((count, unit)) if count.parse::<usize>().is_ok() => {
                Value::String(unit.repeat(count.parse().expect("just parsed")))
            }
            _ => body.clone(),
        },
        other => other.clone(),
    }
}

fn unquote_numbers(body: &str) -> String {
    body.replace("\"\\u0001", "").replace("\\u0001\"", "")
}

/// Percent-encodes what cannot stand in a URI as it is.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:,()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

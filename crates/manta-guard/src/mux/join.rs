//! Several answers as one.

use manta_mcp::Id;
use serde_json::{Map, Value, json};

use super::{Gathering, Mux, Wire, list_key};
use crate::engine::plain_error;

impl Mux {
    /// The answer for the client: whatever the servers that answered have said together.
    pub(super) fn join(&mut self, gathering: &Gathering, wire: &mut dyn Wire) -> String {
        let parts: Vec<(usize, &Value)> =
            gathering.parts.iter().enumerate().filter_map(|(server, part)| Some((server, part.as_ref()?))).collect();
        let result = match gathering.method.as_str() {
            "initialize" | "server/discover" => {
                if parts.is_empty() {
                    return plain_error(Some(&gathering.id), -32603, "none of the servers behind this guard answered");
                }
                for (server, part) in &parts {
                    self.open(*server, part);
                }
                self.greeting(&parts)
            }
            method => match list_key(method) {
                Some(key) => self.list(method, key, &parts, wire),
                None => parts.first().map_or_else(|| json!({}), |(_, part)| (*part).clone()),
            },
        };
        answer(&gathering.id, &result)
    }

    /// One server's introduction out of several: what all can speak, what any can do.
    fn greeting(&self, parts: &[(usize, &Value)]) -> Value {
        let mut joined = parts[0].1.clone();
        let mut capabilities = Value::Object(Map::new());
        let mut instructions = Vec::new();
        for (server, part) in parts {
            merge(&mut capabilities, part.get("capabilities").unwrap_or(&Value::Null));
            if let Some(text) = part.get("instructions").and_then(Value::as_str).filter(|text| !text.is_empty()) {
                instructions.push(format!("{}: {text}", self.servers[*server].name));
            }
        }
        let Value::Object(members) = &mut joined else { return joined };
        members.insert("capabilities".into(), capabilities);
        members.insert("serverInfo".into(), json!({ "name": "manta-guard", "version": env!("CARGO_PKG_VERSION") }));
        match instructions.is_empty() {
            true => drop(members.remove("instructions")),
            false => drop(members.insert("instructions".into(), instructions.join("\n\n").into())),
        }
        // Revisions are dates: the oldest is the one everybody speaks.
        let oldest = parts.iter().filter_map(|(_, part)| part.get("protocolVersion")?.as_str()).min();
        if let Some(oldest) = oldest {
            members.insert("protocolVersion".into(), oldest.into());
        }
        if let Some(Value::Array(versions)) = members.get_mut("supportedVersions") {
            versions.retain(|version| {
                parts.iter().all(|(_, part)| {
                    part.get("supportedVersions").and_then(Value::as_array).is_some_and(|all| all.contains(version))
                })
            });
        }
        joined
    }

    fn list(&mut self, method: &str, key: &str, parts: &[(usize, &Value)], wire: &mut dyn Wire) -> Value {
        match method {
            "tools/list" => self.tools.clear(),
            "prompts/list" => self.prompts.clear(),
            "resources/list" => self.resources.clear(),
            _ => self.templates.clear(),
        }
        let mut items = Vec::new();
        for (server, part) in parts {
            for item in part.get(key).and_then(Value::as_array).into_iter().flatten() {
                match self.listed(method, *server, item.clone()) {
                    Some(item) => items.push(item),
                    None => {
                        let name = item.get("name").or(item.get("uri")).map_or_else(String::new, Value::to_string);
                        let shown = manta_core::Untrusted(&name).for_terminal();
                        wire.note(&format!(
                            "{shown} of `{}` is offered by another server too",
                            self.servers[*server].name
                        ));
                    }
                }
            }
        }
        let mut joined = parts.first().map_or_else(|| json!({}), |(_, part)| (*part).clone());
        let Value::Object(members) = &mut joined else { return joined };
        members.insert(key.to_owned(), Value::Array(items));
        if let Some(ttl) = parts.iter().filter_map(|(_, part)| part.get("ttlMs")?.as_u64()).min() {
            members.insert("ttlMs".into(), ttl.into());
        }
        if members.contains_key("cacheScope")
            && parts.iter().any(|(_, part)| part.get("cacheScope").and_then(Value::as_str) != Some("public"))
        {
            members.insert("cacheScope".into(), "private".into());
        }
        joined
    }

    /// An item under the name the client will use; `None` when another server has that name already. Which of
    /// two a call would reach must not depend on who answered first.
    fn listed(&mut self, method: &str, server: usize, mut item: Value) -> Option<Value> {
        match method {
            "tools/list" | "prompts/list" => {
                let own = item.get("name")?.as_str()?.to_owned();
                let full = format!("{}{own}", self.servers[server].prefix);
                let known = if method == "tools/list" { &mut self.tools } else { &mut self.prompts };
                if known.contains_key(&full) {
                    return None;
                }
                item["name"] = full.clone().into();
                known.insert(full, (server, own));
            }
            "resources/list" => {
                let uri = item.get("uri")?.as_str()?.to_owned();
                if self.resources.get(&uri).is_some_and(|other| *other != server) {
                    return None;
                }
                self.resources.insert(uri, server);
            }
            _ => {
                let template = item.get("uriTemplate")?.as_str()?;
                let before = template.split('{').next().unwrap_or("").to_owned();
                if self.templates.iter().any(|(other, theirs)| *other == before && *theirs != server) {
                    return None;
                }
                self.templates.push((before, server));
            }
        }
        Some(item)
    }
}

fn answer(id: &Id, result: &Value) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")
}

/// Objects are joined member by member; a flag that anybody sets is set.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into @ (Value::Null | Value::Bool(false)), from) => *into = from.clone(),
        _ => {}
    }
}

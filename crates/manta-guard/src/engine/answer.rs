//! The messages the guard writes itself.

use manta_mcp::{FrameError, Id};
use serde_json::{Map, Value, json};

use crate::decide::{Denial, Target};

/// JSON-RPC code of a refusal by policy. Codes in −32768…−32000 are the protocol's and the
/// specification's, so ours lies outside.
pub const DENIED: i32 = -31403;

/// Prefix of the members the guard puts into `_meta`.
pub const META_PREFIX: &str = "io.github.manta-security/";

/// A JSON-RPC error.
pub(super) fn error(id: Option<&Id>, code: i32, message: &str, denial: Option<&Denial>) -> String {
    let mut body = json!({ "code": code, "message": message });
    if let Some(denial) = denial {
        body["data"] = Value::Object(facts(denial));
    }
    envelope(id, "error", &body)
}

/// The error for a frame that was not read.
#[must_use]
pub fn frame_error(id: Option<&Id>, refused: FrameError) -> String {
    error(id, refused.refusal.code(), &format!("refused by manta guard: {refused}"), None)
}

/// A JSON-RPC error for a transport to answer with itself.
#[must_use]
pub fn plain_error(id: Option<&Id>, code: i32, message: &str) -> String {
    error(id, code, message, None)
}

/// `MissingRequiredClientCapabilityError` of the stateless era.
const MISSING_CAPABILITY: i32 = -32021;

/// A refusal by policy. Tools answer with a result that the model gets to see, as the protocol
/// asks; everything else with an error.
pub(super) fn refusal(target: Option<Target>, id: &Id, denial: &Denial, protocol: &str) -> String {
    let text = format!("denied by manta guard: {denial}");
    if denial.needs_elicitation && super::is_modern(protocol) {
        let mut data = facts(denial);
        data.insert("requiredCapabilities".into(), json!({ "elicitation": {} }));
        let body = json!({ "code": MISSING_CAPABILITY, "message": text, "data": data });
        return envelope(Some(id), "error", &body);
    }
    if target != Some(Target::Tool) {
        return error(Some(id), DENIED, &text, Some(denial));
    }
    let mut meta = Map::new();
    for (key, value) in facts(denial) {
        meta.insert(format!("{META_PREFIX}{key}"), value);
    }
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true, "_meta": meta });
    if super::is_modern(protocol) {
        result["resultType"] = "complete".into();
    }
    envelope(Some(id), "result", &result)
}

/// The answer to a request whose server is gone.
pub(super) fn server_gone(id: &Id, why: &str) -> String {
    error(Some(id), -32603, &format!("no answer from the server: {why}"), None)
}

/// Tells the server that nobody waits any more.
pub(super) fn cancelled(id: &Id, reason: &str) -> String {
    let id: Value = id_value(id);
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id, "reason": reason } })
        .to_string()
}

fn facts(denial: &Denial) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("rule".into(), denial.rule.clone().into());
    if let Some(cite) = &denial.cite {
        facts.insert("policy".into(), cite.clone().into());
    }
    if let Some(after) = denial.retry_after {
        facts.insert("retry_after_ms".into(), u64::try_from(after.as_millis()).unwrap_or(u64::MAX).into());
    }
    if let Some(remedy) = &denial.remedy {
        facts.insert("remedy".into(), remedy.clone().into());
    }
    facts
}

fn envelope(id: Option<&Id>, member: &str, body: &Value) -> String {
    let id = id.map_or_else(|| "null".to_owned(), Id::to_string);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"{member}\":{body}}}")
}

fn id_value(id: &Id) -> Value {
    match id {
        Id::Number(number) => (*number).into(),
        Id::Text(text) => text.as_ref().into(),
    }
}

//! Headers that repeat what the body of a request says (specification, 2026-07-28): written towards a remote server,
//! checked from a client.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use manta_mcp::{Frame, Part};
use serde_json::Value;

/// Marks of parameters that are mirrored in headers, by tool: the path of the argument and the header's name.
#[derive(Debug, Default)]
pub(crate) struct Mirrors(HashMap<String, Vec<(Vec<String>, String)>>);

impl Mirrors {
    /// Takes the marks (`x-mcp-header`) from a list of tools.
    pub(crate) fn learn(&mut self, tools: &Value) {
        for tool in tools.as_array().into_iter().flatten() {
            let (Some(name), Some(schema)) = (tool.get("name").and_then(Value::as_str), tool.get("inputSchema")) else {
                continue;
            };
            let mut marks = Vec::new();
            collect(schema, &mut Vec::new(), &mut marks);
            // Names come from the server; what it lists without end is not kept.
            if self.0.len() < 4096 || self.0.contains_key(name) {
                self.0.insert(name.to_owned(), marks);
            }
        }
    }

    /// The headers of a modern request.
    pub(crate) fn of(&self, frame: &Frame<'_>) -> Vec<(String, String)> {
        let mut headers = vec![("mcp-method".to_owned(), encoded(frame.method()))];
        let Some(name) = name_of(frame) else { return headers };
        headers.push(("mcp-name".to_owned(), encoded(&name)));
        let marks = self.0.get(&*name).filter(|_| frame.method() == "tools/call");
        let arguments = marks.and_then(|_| frame.value(Part::Arguments));
        for (path, header) in marks.into_iter().flatten() {
            let value = path.iter().try_fold(arguments.as_ref(), |at, key| Some(at?.get(key))).flatten();
            let text = match value {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Bool(flag)) => flag.to_string(),
                _ => continue,
            };
            headers.push((format!("mcp-param-{header}"), encoded(&text)));
        }
        headers
    }
}

/// What `Mcp-Name` repeats of a request: the name of a tool or prompt, the address of a resource, and, in the extension for
/// calls in the background, the task, so that whoever stands on the way finds the server that has it.
pub(crate) fn name_of<'a>(frame: &Frame<'a>) -> Option<Cow<'a, str>> {
    frame.string(match frame.method() {
        "tools/call" | "prompts/get" => Part::Name,
        "resources/read" => Part::Uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => Part::TaskId,
        _ => return None,
    })
}

impl Mirrors {
    /// Whether `given` (names in lower case, values decoded) say what the marked arguments of a call say.
    ///
    /// # Errors
    /// The header that does not.
    pub(crate) fn check(&self, frame: &Frame<'_>, given: &[(String, Option<String>)]) -> Result<(), String> {
        if frame.method() != "tools/call" {
            return Ok(());
        }
        let Some(marks) = frame.string(Part::Name).and_then(|name| self.0.get(&*name)) else {
            return said_somewhere(frame, given);
        };
        let arguments = frame.value(Part::Arguments);
        for (path, header) in marks {
            let name = format!("mcp-param-{header}");
            let said: Vec<&Option<String>> =
                given.iter().filter(|(other, _)| *other == name).map(|(_, value)| value).collect();
            let value = path.iter().try_fold(arguments.as_ref(), |at, key| Some(at?.get(key))).flatten();
            let agrees = match (value.filter(|value| !value.is_null()), said.as_slice()) {
                (None, []) => true,
                (Some(value), [Some(said)]) => says(value, said),
                _ => false,
            };
            if !agrees {
                return Err(format!("{name} is missing, repeated or differs from the body"));
            }
        }
        Ok(())
    }
}

/// For a tool whose marks are not known, because nobody has asked for the list here: what a header says about an argument
/// must be the value of one at least.
fn said_somewhere(frame: &Frame<'_>, given: &[(String, Option<String>)]) -> Result<(), String> {
    fn says_one(value: &Value, said: &str) -> bool {
        match value {
            Value::Object(members) => members.values().any(|member| says_one(member, said)),
            scalar => says(scalar, said),
        }
    }
    let arguments = frame.value(Part::Arguments).filter(|_| !given.is_empty()).unwrap_or(Value::Null);
    let lies = |said: &Option<String>| !said.as_ref().is_some_and(|said| says_one(&arguments, said));
    match given.iter().find(|(name, said)| name.starts_with("mcp-param-") && lies(said)) {
        Some((name, _)) => Err(format!("{name} says what no argument does")),
        None => Ok(()),
    }
}

/// Numbers are compared as numbers: `1.0` in a header is the `1` of a body.
fn says(value: &Value, said: &str) -> bool {
    match value {
        Value::String(text) => text == said,
        Value::Bool(flag) => said == if *flag { "true" } else { "false" },
        Value::Number(number) => {
            number.to_string() == said || said.parse::<f64>().is_ok_and(|said| number.as_f64() == Some(said))
        }
        _ => false,
    }
}

/// A header's value as text; `None` when its base64 form is broken.
pub(crate) fn decoded(value: &str) -> Option<String> {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match inner {
        None => Some(value.to_owned()),
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
    }
}

/// Arguments that are marked, however deep in objects they are.
fn collect(schema: &Value, path: &mut Vec<String>, marks: &mut Vec<(Vec<String>, String)>) {
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(name.clone());
        if let Some(header) = member.get("x-mcp-header").and_then(Value::as_str).filter(|header| is_token(header)) {
            marks.push((path.clone(), header.to_ascii_lowercase()));
        }
        if path.len() < 32 {
            collect(member, path, marks);
        }
        path.pop();
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A header's value: as it is where that is plain, else in the specification's base64 form.
fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|b| (b' '..0x7f).contains(&b)) && text.trim() == text && !text.starts_with("=?");
    if is_plain && !text.is_empty() { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manta_mcp::{Direction, Limits};
    use serde_json::json;

    #[test]
    fn headers_repeat_the_body_and_what_the_schema_marks() {
        let mut mirrors = Mirrors::default();
        mirrors.learn(&json!([{ "name": "t", "inputSchema": { "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "inner": { "type": "object", "properties": { "x": { "x-mcp-header": "Deep" } } },
            "bad": { "x-mcp-header": "a b\r\nEvil" },
        } } }]));
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"region":"süd","count":3,"inner":{"x":true},"bad":"v"}}}"#;
        let frame = Frame::parse(body.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            mirrors.of(&frame),
            [
                own("mcp-method", "tools/call"),
                own("mcp-name", "t"),
                own("mcp-param-region", "=?base64?c8O8ZA==?="),
                own("mcp-param-count", "3"),
                own("mcp-param-deep", "true"),
            ]
        );
        let task = br#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t-1"}}"#;
        let frame = Frame::parse(task, Direction::ToServer, &Limits::default()).unwrap();
        assert_eq!(mirrors.of(&frame), [own("mcp-method", "tasks/get"), own("mcp-name", "t-1")]);
    }

    #[test]
    fn a_header_that_contradicts_a_marked_argument_is_found() {
        let mut mirrors = Mirrors::default();
        mirrors.learn(&json!([{ "name": "t", "inputSchema": { "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "number", "x-mcp-header": "Count" },
        } } }]));
        let check = |arguments: &str, headers: &[(&str, &str)]| {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#
            );
            let frame = Frame::parse(body.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
            let given: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), decoded(value))).collect();
            mirrors.check(&frame, &given).is_ok()
        };
        let (region, count) = (("mcp-param-region", "eu"), ("mcp-param-count", "1.0"));
        assert!(check(r#"{"region":"eu","count":1}"#, &[region, count, ("mcp-param-other", "x")]));
        assert!(check(r#"{"region":"eu"}"#, &[("mcp-param-region", "=?base64?ZXU=?=")]));
        assert!(check("{}", &[]));
        assert!(!check(r#"{"region":"us"}"#, &[region]));
        assert!(!check(r#"{"region":"eu"}"#, &[]));
        assert!(!check("{}", &[region]));
        assert!(!check(r#"{"region":"eu"}"#, &[region, region]));
        assert!(!check(r#"{"region":"eu"}"#, &[("mcp-param-region", "=?base64?!?=")]));
        mirrors = Mirrors::default();
        let unlisted = |arguments: &str, said: &str| {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#
            );
            let frame = Frame::parse(body.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
            mirrors.check(&frame, &[("mcp-param-region".to_owned(), decoded(said))]).is_ok()
        };
        assert!(unlisted(r#"{"in":{"region":"eu"}}"#, "eu") && unlisted(r#"{"n":2}"#, "2.0"));
        assert!(
            !unlisted(r#"{"region":"us"}"#, "eu")
                && !unlisted("{}", "eu")
                && !unlisted(r#"{"a":"eu"}"#, "=?base64?!?=")
        );
    }
}

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;

use rmcp::handler::server::common::FromContextPart as _;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf};

use super::*;
use crate::enforce::Enforcer;
use crate::policy::Policy;

/// An author's server: a tool that takes `WithinRoot`, one that never ends, prompts and resources.
#[derive(Clone)]
struct Server;

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build();
        info
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.clone();
        let mut context = ToolCallContext::new(self, request, context);
        let text = match name.as_ref() {
            "peek" => {
                let file = WithinRoot::<names::Path>::from_context_part(&mut context)?;
                file.root.read_to_string(&file.relative).unwrap_or_else(|error| error.to_string())
            }
            "fetch" => AllowedUrl::<names::Url>::from_context_part(&mut context)?.url.to_string(),
            "sleep" => {
                tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
                String::new()
            }
            _ => "x".repeat(5000),
        };
        Ok(CallToolResponse::Complete(CallToolResult::success(vec![ContentBlock::text(text)])))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool =
            |name: &'static str| Tool::new(Cow::Borrowed(name), name, std::sync::Arc::new(serde_json::Map::new()));
        let mut tools = ["peek", "fetch", "sleep", "big", "hidden", "ask", "ask_once"].map(tool).to_vec();
        let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
        tools.push(Tool::new("typed", "typed", std::sync::Arc::new(schema.as_object().unwrap().clone())));
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(ReadResourceResponse::Complete(ReadResourceResult::new(vec![ResourceContents::text(
            "content",
            request.uri,
        )])))
    }
}

const POLICY: &str = r#"
version = 1
[roots.here]
at = "project"
[hosts.api]
allow = ["api.example.com"]
[tools.peek.args]
path = { kind = "path", roots = ["here"] }
[tools.fetch.args]
url = { kind = "url", hosts = ["api"] }
[tools.sleep]
timeout = "50ms"
[tools.big]
max_result = "1KiB"
[tools.typed]
extra = "pass"
[tools.ask]
approve = "always"
extra = "pass"
[tools.ask_once]
approve = "once"
[resources]
allow = ["memo://*"]
"#;

struct Session {
    directory: tempfile::TempDir,
    reader: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    id: u64,
}

impl Session {
    async fn start(is_guarded: bool) -> Self {
        Self::start_with(is_guarded, json!({})).await
    }

    /// Without a handshake: every request says for itself what the client can do.
    async fn start_stateless() -> Self {
        Self::connect(true).await
    }

    async fn start_with(is_guarded: bool, capabilities: Value) -> Self {
        let mut session = Self::connect(is_guarded).await;
        let info = json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "t", "version": "1" } });
        session.ask("initialize", info).await;
        session.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        session
    }

    async fn connect(is_guarded: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("project")).unwrap();
        fs::write(directory.path().join("project/a.txt"), "inside").unwrap();
        let file = directory.path().join("manta.toml");
        fs::write(&file, POLICY).unwrap();
        let enforcer = Enforcer::new(Policy::load(file).unwrap(), &directory.path().join("audit.jsonl")).unwrap();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::spawn(async move {
            let _ = match is_guarded {
                true => Guarded::new(Server, enforcer).serve(theirs).await.unwrap().waiting().await,
                false => Server.serve(theirs).await.unwrap().waiting().await,
            };
        });
        let (reader, writer) = tokio::io::split(ours);
        Self { directory, reader: BufReader::new(reader).lines(), writer, id: 0 }
    }

    async fn send(&mut self, message: Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params })).await;
        serde_json::from_str(&self.reader.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// A call that asks a person first; the answer is `answer`, or nobody can be asked.
    async fn call_with(&mut self, tool: &str, args: Value, answer: Option<Value>) -> (String, Option<String>) {
        self.id += 1;
        let params = json!({ "name": tool, "arguments": args });
        self.send(json!({ "jsonrpc": "2.0", "id": self.id, "method": "tools/call", "params": params })).await;
        let first: Value = serde_json::from_str(&self.reader.next_line().await.unwrap().unwrap()).unwrap();
        if first["method"] != "elicitation/create" {
            return (first.to_string(), None);
        }
        let answer = answer.expect("a question was not expected");
        self.send(json!({ "jsonrpc": "2.0", "id": first["id"], "result": answer })).await;
        let result = self.reader.next_line().await.unwrap().unwrap();
        (result, Some(first["params"]["message"].as_str().unwrap().to_owned()))
    }

    async fn call(&mut self, tool: &str, args: Value) -> String {
        self.ask("tools/call", json!({ "name": tool, "arguments": args })).await.to_string()
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }
}

#[tokio::test]
async fn extractors_give_what_the_policy_checked() {
    let mut session = Session::start(true).await;
    assert!(session.call("peek", json!({ "path": "a.txt" })).await.contains("inside"));
    assert!(session.call("peek", json!({ "path": "../manta.toml" })).await.contains("denied by tools.peek.args.path"));
    assert!(
        session
            .call("fetch", json!({ "url": "https://API.example.com/x#y" }))
            .await
            .contains("https://api.example.com/x\"")
    );
    let missing = session.call("peek", json!({})).await;
    assert!(missing.contains("no rule says that it is a path"), "{missing}");
}

#[tokio::test]
async fn extractors_are_errors_without_the_wrapper() {
    let mut session = Session::start(false).await;
    assert!(session.call("peek", json!({ "path": "a.txt" })).await.contains("only runs inside"));
}

#[tokio::test]
async fn lists_show_what_is_granted_and_resources_follow_the_policy() {
    let mut session = Session::start(true).await;
    let tools = session.ask("tools/list", json!({})).await.to_string();
    assert!(tools.contains("\"peek\"") && !tools.contains("\"hidden\""), "{tools}");
    assert!(session.ask("resources/read", json!({ "uri": "memo://a" })).await["result"].is_object());
    let refused = session.ask("resources/read", json!({ "uri": "file:///etc/passwd" })).await;
    assert_eq!(refused["error"]["code"], -31100);
    assert_eq!(refused["error"]["data"]["rule"], "resources");
    assert!(
        session.ask("prompts/get", json!({ "name": "p" })).await["error"]["message"]
            .as_str()
            .unwrap()
            .contains("default")
    );
    assert_eq!(session.ask("custom/method", json!({})).await["error"]["code"], -32601);
}

#[tokio::test]
async fn time_and_size_have_bounds_and_outcomes_tell() {
    let mut session = Session::start(true).await;
    assert!(session.call("sleep", json!({})).await.contains("longer than 0.05 s"));
    assert!(session.call("big", json!({})).await.contains("the policy allows 1024"));
    let log = fs::read_to_string(session.log()).unwrap();
    let outcomes: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|r: &Value| r["kind"] == "outcome")
        .collect();
    assert_eq!(outcomes[0]["success"], false);
    assert_eq!(outcomes[1]["error"]["code"], "result-too-large");
}

fn agree() -> Value {
    json!({ "action": "accept", "content": { "approve": true } })
}

#[tokio::test]
async fn a_person_is_asked_and_only_a_clear_yes_counts() {
    let mut session = Session::start_with(true, json!({ "elicitation": {} })).await;
    let long = "x".repeat(3000);
    let (result, question) = session.call_with("ask", json!({ "to": "a\u{1b}[2J", "text": long }), Some(agree())).await;
    assert!(result.contains("xxxx"), "{result}");
    let question = question.unwrap();
    assert!(
        question.contains("\"ask\"") && question.contains("cut here") && !question.contains('\u{1b}'),
        "{question}"
    );
    for answer in [
        json!({ "action": "decline" }),
        json!({ "action": "cancel" }),
        json!({ "action": "accept" }),
        json!({ "action": "accept", "content": { "approve": false } }),
        json!({ "action": "accept", "content": { "approve": "true" } }),
        json!({ "action": "accept", "content": { "other": true } }),
    ] {
        let (result, question) = session.call_with("ask", json!({}), Some(answer.clone())).await;
        assert!(question.is_some() && result.contains("did not agree"), "{answer}: {result}");
    }
    let log = fs::read_to_string(session.log()).unwrap();
    assert_eq!(log.matches("\"decision\":\"approved\"").count(), 2);
    assert_eq!(log.matches("\"not-approved\"").count(), 6);
}

#[tokio::test]
async fn once_is_once_per_tool_and_always_is_always() {
    let mut session = Session::start_with(true, json!({ "elicitation": {} })).await;
    assert!(
        session
            .call_with("ask_once", json!({}), Some(json!({ "action": "decline" })))
            .await
            .0
            .contains("did not agree")
    );
    assert!(session.call_with("ask_once", json!({}), Some(agree())).await.1.is_some());
    assert!(session.call_with("ask_once", json!({}), None).await.1.is_none());
    for _ in 0..2 {
        assert!(session.call_with("ask", json!({}), Some(agree())).await.1.is_some());
    }
    // What the policy refuses is not worth a question.
    assert!(session.call_with("ask_once", json!({ "unknown": 1 }), None).await.0.contains("no rule names"));
}

#[tokio::test]
async fn a_client_that_cannot_ask_is_refused() {
    let mut session = Session::start(true).await;
    assert!(session.call("ask", json!({})).await.contains("nobody can be asked"));
}

/// The members that every request of the stateless era carries.
fn stateless(mut params: Value, capabilities: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
    });
    params
}

#[tokio::test]
async fn in_the_stateless_era_the_question_comes_back_with_its_answer() {
    let mut session = Session::start_stateless().await;
    let can = json!({ "elicitation": {} });
    let args = json!({ "to": "a" });
    let first = session.ask("tools/call", stateless(json!({ "name": "ask", "arguments": args }), can.clone())).await;
    assert_eq!(first["result"]["resultType"], "input_required", "{first}");
    let state = first["result"]["requestState"].clone();
    assert!(first["result"]["inputRequests"]["manta-approval"]["params"]["message"].as_str().unwrap().contains("ask"));
    let retry = |args: Value, state: &Value, answer: Value| {
        let responses = json!({ "manta-approval": answer });
        let params = json!({ "name": "ask", "arguments": args, "requestState": state, "inputResponses": responses });
        stateless(params, json!({ "elicitation": {} }))
    };
    // Other arguments, and a state of one's own making, are other questions.
    let other = session.ask("tools/call", retry(json!({ "to": "b" }), &state, agree())).await;
    assert_eq!(other["result"]["resultType"], "input_required", "{other}");
    let forged = session.ask("tools/call", retry(args.clone(), &json!("0".repeat(32)), agree())).await;
    assert_eq!(forged["result"]["resultType"], "input_required", "{forged}");
    let done = session.ask("tools/call", retry(args.clone(), &state, agree())).await;
    assert!(done.to_string().contains("xxxx"), "{done}");
    let again = session.ask("tools/call", retry(args.clone(), &state, agree())).await;
    assert_eq!(again["result"]["resultType"], "input_required", "an answer is good once: {again}");
    let state = again["result"]["requestState"].clone();
    let refused = session.ask("tools/call", retry(args, &state, json!({ "action": "decline" }))).await;
    assert!(refused.to_string().contains("did not agree"), "{refused}");
    let cannot = session.ask("tools/call", stateless(json!({ "name": "ask" }), json!({}))).await;
    assert!(cannot.to_string().contains("nobody can be asked"), "{cannot}");
    assert_eq!(cannot["error"]["code"], -32021, "{cannot}");
    assert_eq!(cannot["error"]["data"]["requiredCapabilities"], json!({ "elicitation": {} }));
}

#[tokio::test]
async fn schemas_hold_for_handlers_that_only_list_their_tools() {
    let mut session = Session::start(true).await;
    assert!(session.call("typed", json!({ "n": "x" })).await.contains("invalid arguments: /n"));
    assert!(session.call("typed", json!({ "n": 1 })).await.contains("xxxx"));
}

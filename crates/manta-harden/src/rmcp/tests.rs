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
        Ok(ListToolsResult::with_all_items(["peek", "fetch", "sleep", "big", "hidden"].map(tool).to_vec()))
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
        let mut session = Self { directory, reader: BufReader::new(reader).lines(), writer, id: 0 };
        let info = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        session.ask("initialize", info).await;
        session.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        session
    }

    async fn send(&mut self, message: Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params })).await;
        serde_json::from_str(&self.reader.next_line().await.unwrap().unwrap()).unwrap()
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

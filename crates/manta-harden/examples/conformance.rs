//! What the protocol's conformance suite asks of a server, bare or behind `Guarded`.
//!
//! usage: conformance bare | conformance guarded POLICY
//!
//! Prints its address and serves Streamable HTTP at any path. `cargo xtask ready-harden` runs the suite
//! against both: what the bare server passes, the guarded one must pass too.
#![forbid(unsafe_code)]
#![expect(deprecated, reason = "the suite asks for sampling and logging of the older era too")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::TokioIo;
use manta_harden::{enforce::Enforcer, policy::Policy, rmcp::Guarded};
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext, SubscriptionSink};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    manta_harden::command::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.as_slice() {
        [kind] if kind == "bare" => runtime.block_on(serve(Fixture::default())),
        [kind, policy] if kind == "guarded" => {
            let log = Path::new(policy).with_extension("jsonl");
            let enforcer = Enforcer::new(Policy::load(policy)?, &log)?;
            runtime.block_on(serve(Guarded::new(Fixture::default(), enforcer)))
        }
        _ => Err("usage: conformance bare | conformance guarded POLICY".into()),
    }
}

#[expect(clippy::print_stdout, reason = "whoever starts the fixture reads where it listens")]
async fn serve(handler: impl ServerHandler + Clone) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    let config = StreamableHttpServerConfig::default();
    let sessions: Arc<LocalSessionManager> = Arc::default();
    let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions, config);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let answer = hyper::service::service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// The server under test.
#[derive(Clone, Default)]
struct Fixture {
    subscribers: Arc<Mutex<Vec<SubscriptionSink>>>,
}

/// One red pixel, and an empty recording.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn4EIwDiqEAA7VQP9Q5h3vQAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
/// Lists and resources may be kept this long.
const FRESH_MS: u64 = 60_000;

/// Tools with parameters; every other tool takes none.
fn schema(tool: &str) -> Value {
    match tool {
        "test_sampling" => object(json!({ "prompt": { "type": "string" } }), &["prompt"]),
        "test_elicitation" => object(json!({ "message": { "type": "string" } }), &["message"]),
        "test_custom_header" => object(json!({ "value": { "type": "string", "x-mcp-header": "Value" } }), &["value"]),
        "json_schema_2020_12_tool" => json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": { "address": {
                "$anchor": "address",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            } },
            "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
            "allOf": [{ "anyOf": [{ "required": ["name"] }, { "required": ["address"] }] }],
            "if": { "required": ["address"] },
            "then": { "properties": { "address": { "required": ["street"] } } },
            "else": { "required": ["name"] },
            "additionalProperties": false,
        }),
        _ => object(json!({}), &[]),
    }
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

const TOOLS: &[&str] = &[
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_error_handling",
    "test_tool_with_progress",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "json_schema_2020_12_tool",
    "test_reconnection",
    "test_custom_header",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_logging_tool",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_capabilities",
];

fn tool(name: &'static str) -> Tool {
    let Value::Object(schema) = schema(name) else { unreachable!("schemas are objects") };
    Tool::new(name, format!("Conformance: {name}"), Arc::new(schema))
}

/// From JSON into a type of the SDK; what stands here has the right form.
fn made<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn text(text: impl Into<String>) -> CallToolResponse {
    CallToolResponse::Complete(CallToolResult::success(vec![ContentBlock::text(text.into())]))
}

/// Content that is always the same.
fn constant(name: &str) -> Option<Value> {
    let resource = |uri: &str, kind: &str, text: &str| json!({ "type": "resource", "resource": { "uri": uri, "mimeType": kind, "text": text } });
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    Some(match name {
        "test_simple_text" => json!([{ "type": "text", "text": "This is a simple text response for testing." }]),
        "test_image_content" => json!([image]),
        "test_audio_content" => json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]),
        "test_embedded_resource" => {
            json!([resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")])
        }
        "test_multiple_content_types" => json!([
            { "type": "text", "text": "Multiple content types test:" },
            image,
            resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ]),
        _ => return None,
    })
}

/// What elicitation tools ask for.
fn form(name: &str) -> Value {
    match name {
        "test_elicitation_sep1034_defaults" => json!({
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        }),
        "test_elicitation_sep1330_enums" => {
            let titled = |word: &str| {
                json!([
                    { "const": "value1", "title": format!("First {word}") },
                    { "const": "value2", "title": format!("Second {word}") },
                    { "const": "value3", "title": format!("Third {word}") },
                ])
            };
            let plain = json!(["option1", "option2", "option3"]);
            json!({
                "untitledSingle": { "type": "string", "enum": plain },
                "titledSingle": { "type": "string", "oneOf": titled("Option") },
                "legacyEnum": {
                    "type": "string",
                    "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"],
                },
                "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
                "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
            })
        }
        _ => json!({ "username": { "type": "string" }, "email": { "type": "string" } }),
    }
}

/// A question for a person.
fn elicit(message: &str, properties: Value, required: &[&str]) -> Value {
    let requested = json!({ "type": "object", "properties": properties, "required": required });
    json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message, "requestedSchema": requested } })
}

/// A question for a model.
fn sample(prompt: &str) -> Value {
    let content = json!({ "type": "text", "text": prompt });
    json!({ "method": "sampling/createMessage", "params": { "messages": [{ "role": "user", "content": content }], "maxTokens": 100 } })
}

fn roots() -> Value {
    json!({ "method": "roots/list" })
}

fn ask(requests: Value, state: Option<String>) -> Result<InputRequiredResult, ErrorData> {
    let requests: InputRequests = made(requests)?;
    Ok(InputRequiredResult::new(Some(requests), state))
}

/// State that only we can have made: the text and a digest of it with a secret.
fn seal(text: &str) -> String {
    let tag = Sha256::new().chain_update("only the fixture knows").chain_update(text).finalize();
    let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{text}.{tag}")
}

fn unseal(state: &str) -> Result<&str, ErrorData> {
    let text = state.rsplit_once('.').map(|(text, _)| text).filter(|text| seal(text) == state);
    text.ok_or_else(|| ErrorData::invalid_params("requestState was not made by this server", None))
}

/// An answer that is an object; anything else is none.
fn answer<'a>(responses: Option<&'a InputResponses>, name: &str) -> Option<&'a Map<String, Value>> {
    responses?.get(name)?.as_object()
}

fn content<'a>(answer: &'a Map<String, Value>, name: &str) -> &'a str {
    answer.get("content").and_then(|content| content.get(name)).and_then(Value::as_str).unwrap_or("nobody")
}

impl Fixture {
    /// Tools that need more from the client before they can answer.
    fn input_required(
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let responses = request.input_responses.as_ref();
        let state = request.request_state.as_deref().map(unseal).transpose()?;
        let name = || elicit("What is your name?", json!({ "name": { "type": "string" } }), &["name"]);
        let ask =
            |requests: Value, state: Option<&str>| ask(requests, state.map(seal)).map(CallToolResponse::InputRequired);
        match request.name.strip_prefix("test_input_required_result_").unwrap_or_default() {
            "elicitation" => match answer(responses, "user_name") {
                Some(given) => Ok(text(format!("Hello, {}!", content(given, "name")))),
                None => ask(json!({ "user_name": name() }), None),
            },
            "sampling" => match answer(responses, "capital_question") {
                Some(given) => Ok(text(format!("The model said {}", Value::Object(given.clone())))),
                None => ask(json!({ "capital_question": sample("What is the capital of France?") }), None),
            },
            "list_roots" => match answer(responses, "client_roots") {
                Some(given) => Ok(text(format!("The client's roots: {}", Value::Object(given.clone())))),
                None => ask(json!({ "client_roots": roots() }), None),
            },
            "request_state" | "tampered_state" => match state {
                Some(_) => Ok(text("Confirmed: state-ok")),
                None => ask(
                    json!({ "confirm": elicit("Please confirm", json!({ "ok": { "type": "boolean" } }), &["ok"]) }),
                    Some("confirm"),
                ),
            },
            "multiple_inputs" => {
                let has_all =
                    ["user_name", "greeting", "client_roots"].iter().all(|name| answer(responses, name).is_some());
                match has_all && state.is_some() {
                    true => Ok(text("All inputs received")),
                    false => ask(
                        json!({ "user_name": name(), "greeting": sample("Generate a greeting"), "client_roots": roots() }),
                        Some("gather"),
                    ),
                }
            }
            "multi_round" => match state {
                None => ask(json!({ "step1": name() }), Some("round-1")),
                Some("round-1") => {
                    let color =
                        elicit("What is your favorite color?", json!({ "color": { "type": "string" } }), &["color"]);
                    ask(json!({ "step2": color }), Some("round-2"))
                }
                Some(_) => Ok(text("Multi-round flow complete")),
            },
            "capabilities" if responses.is_some() => Ok(text("Done with what the client can do")),
            "capabilities" => {
                let can = context.meta.client_capabilities().unwrap_or_default();
                let mut requests = Map::new();
                for (is_able, key, request) in [
                    (can.elicitation.is_some(), "user_name", name()),
                    (can.sampling.is_some(), "greeting", sample("Generate a greeting")),
                    (can.roots.is_some(), "client_roots", roots()),
                ] {
                    if is_able {
                        requests.insert(key.to_owned(), request);
                    }
                }
                match requests.is_empty() {
                    true => Ok(text("The client can't be asked")),
                    false => ask(Value::Object(requests), None),
                }
            }
            _ => Err(unknown("tool", &request.name)),
        }
    }

    async fn elicitation(
        name: &str,
        message: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let required: &[&str] = if name == "test_elicitation" { &["username", "email"] } else { &[] };
        let params: ElicitRequestParams = made(elicit(message, form(name), required)["params"].clone())?;
        Ok(match context.peer.create_elicitation(params).await {
            Ok(result) => {
                let result = serde_json::to_value(&result).unwrap_or_default();
                text(format!("User response: action={}, content={}", result["action"], result["content"]))
            }
            Err(error) => error_text(format!("Elicitation error: {error}")),
        })
    }

    fn subscribers(&self) -> Vec<SubscriptionSink> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn error_text(message: String) -> CallToolResponse {
    CallToolResponse::Complete(CallToolResult::error(vec![ContentBlock::text(message)]))
}

fn unknown(what: &str, name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("unknown {what}: {name}"), None)
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_logging()
            .enable_completions()
            .build();
        info.server_info = Implementation::new("manta-conformance", env!("CARGO_PKG_VERSION"));
        info
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.iter().find(|tool| **tool == name).map(|name| tool(name))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let list = ListToolsResult::with_all_items(TOOLS.iter().map(|name| tool(name)).collect());
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        if let Some(content) = constant(name) {
            return made(content).map(|content| CallToolResponse::Complete(CallToolResult::success(content)));
        }
        let argument = |name: &str| -> String {
            request.arguments.as_ref().and_then(|args| args.get(name)?.as_str()).unwrap_or_default().to_owned()
        };
        let log = async |level: LoggingLevel, message: &str| {
            let params = LoggingMessageNotificationParam::new(level, json!(message)).with_logger("conformance");
            let _ = context.peer.notify_logging_message(params).await;
        };
        match name {
            "test_error_handling" => Ok(error_text("This tool intentionally returns an error for testing".to_owned())),
            "test_tool_with_logging" => {
                for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    log(LoggingLevel::Info, message).await;
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Ok(text("Logging done"))
            }
            "test_logging_tool" => {
                if let Some(level) = context.meta.log_level() {
                    log(level, "this level was asked for").await;
                }
                Ok(text("Logging done"))
            }
            "test_tool_with_progress" => {
                for progress in [0.0, 50.0, 100.0] {
                    if let Some(token) = context.meta.get_progress_token() {
                        let params = ProgressNotificationParam::new(token, progress).with_total(100.0);
                        let _ = context.peer.notify_progress(params).await;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Ok(text("Progress done"))
            }
            "test_sampling" => {
                let params: CreateMessageRequestParams = made(sample(&argument("prompt"))["params"].clone())?;
                Ok(match context.peer.create_message(params).await {
                    Ok(result) => text(format!(
                        "LLM response: {}",
                        serde_json::to_value(&result.message.content).unwrap_or_default()
                    )),
                    Err(error) => error_text(format!("Sampling error: {error}")),
                })
            }
            "test_elicitation" => Self::elicitation(name, &argument("message"), &context).await,
            "test_elicitation_sep1034_defaults" | "test_elicitation_sep1330_enums" => {
                Self::elicitation(name, "Please fill in", &context).await
            }
            "test_streaming_elicitation" => {
                let question = elicit("Provide a value", json!({ "value": { "type": "string" } }), &["value"]);
                ask(json!({ "streaming_elicitation": question }), None).map(CallToolResponse::InputRequired)
            }
            "json_schema_2020_12_tool" => Ok(text(format!("Hello, {}!", argument("name")))),
            "test_custom_header" => Ok(text(argument("value"))),
            "test_reconnection" => {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                Ok(text("Reconnection test completed"))
            }
            "test_trigger_tool_change" | "test_trigger_prompt_change" => {
                for subscriber in self.subscribers() {
                    let _ = match name {
                        "test_trigger_tool_change" => subscriber.notify_tool_list_changed().await,
                        _ => subscriber.notify_prompt_list_changed().await,
                    };
                }
                Ok(text("Change triggered"))
            }
            "test_missing_capability" => match context.meta.client_capabilities().unwrap_or_default().sampling {
                Some(_) => Ok(text("The client can sample")),
                None => {
                    let needed = ClientCapabilities::builder().enable_sampling().build();
                    Err(ErrorData::missing_required_client_capability(needed))
                }
            },
            _ => Self::input_required(&request, &context),
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |uri: &str, kind: &str| json!({ "uri": uri, "name": uri, "description": uri, "mimeType": kind });
        let resources =
            made(json!([resource("test://static-text", "text/plain"), resource("test://static-binary", "image/png")]))?;
        let list = ListResourcesResult::with_all_items(resources);
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template =
            json!([{ "uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json" }]);
        let list = ListResourceTemplatesResult::with_all_items(made(template)?);
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let content = match (uri, id) {
            ("test://static-text", _) => {
                json!({ "uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource." })
            }
            ("test://static-binary", _) => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
            (_, Some(id)) => {
                let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() })
            }
            _ => return Err(ErrorData::resource_not_found("there is no such resource", Some(json!({ "uri": uri })))),
        };
        let result = ReadResourceResult::new(vec![made(content)?]);
        Ok(ReadResourceResponse::Complete(result.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public)))
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(context.sink().clone());
        context.cancelled().await;
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompt =
            |name: &str, arguments: Value| json!({ "name": name, "description": name, "arguments": arguments });
        let arguments = json!([
            { "name": "arg1", "description": "First test argument", "required": true },
            { "name": "arg2", "description": "Second test argument", "required": false },
        ]);
        let prompts = json!([
            prompt("test_simple_prompt", json!([])),
            prompt("test_prompt_with_arguments", arguments),
            prompt("test_prompt_with_embedded_resource", json!([])),
            prompt("test_prompt_with_image", json!([])),
            prompt("test_input_required_result_prompt", json!([])),
        ]);
        let list = ListPromptsResult::with_all_items(made(prompts)?);
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let argument = |name: &str| -> String {
            request.arguments.as_ref().and_then(|args| args.get(name)?.as_str()).unwrap_or_default().to_owned()
        };
        let says = |content: Value| json!({ "role": "user", "content": content });
        let text = |text: String| says(json!({ "type": "text", "text": text }));
        let messages = match request.name.as_str() {
            "test_simple_prompt" => json!([text("This is a simple prompt for testing.".to_owned())]),
            "test_prompt_with_arguments" => {
                let (first, second) = (argument("arg1"), argument("arg2"));
                json!([text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))])
            }
            "test_prompt_with_embedded_resource" => {
                let resource =
                    json!({ "uri": "test://example-resource", "mimeType": "text/plain", "text": "Embedded" });
                json!([says(json!({ "type": "resource", "resource": resource })), text("Look at it".to_owned())])
            }
            "test_prompt_with_image" => {
                json!([
                    says(json!({ "type": "image", "data": PNG, "mimeType": "image/png" })),
                    text("Look at it".to_owned())
                ])
            }
            "test_input_required_result_prompt" => match answer(request.input_responses.as_ref(), "user_context") {
                Some(given) => json!([text(format!("In the context of {}", content(given, "context")))]),
                None => {
                    let question =
                        elicit("What is the context?", json!({ "context": { "type": "string" } }), &["context"]);
                    return ask(json!({ "user_context": question }), None).map(GetPromptResponse::InputRequired);
                }
            },
            other => return Err(unknown("prompt", other)),
        };
        made(messages).map(|messages| GetPromptResponse::Complete(GetPromptResult::new(messages)))
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        made(json!({ "values": ["paris", "park", "party"], "total": 3, "hasMore": false })).map(CompleteResult::new)
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }
}

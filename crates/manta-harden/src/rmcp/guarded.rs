//! The wrapper itself.
// Roots, logging and the legacy subscription methods are deprecated in the SDK and still in use by clients.
#![expect(deprecated, reason = "every method of the trait must be delegated, also the deprecated ones")]

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Map, Value, json};

use super::approve::{self, Approvals, Asked, Asking, Question};
use super::extract::Granted;
use super::schemas::Schemas;
use crate::approval::{self, MOST_ROUNDS};
use crate::audit::{ErrorClass, Outcome};
use crate::enforce::{Enforcer, Refused, Request, Running, Subject};
use crate::policy::spec::Approve;
use crate::policy::{Completes, LOCAL, shown};
use crate::redact::Sensitive;

/// Before the names of our members in `_meta`.
pub const META_PREFIX: &str = "io.github.manta-security/";
/// Pages of a tool list that are read to find one tool's schema.
const MOST_PAGES: usize = 64;
/// Ours, outside the range that JSON-RPC and the protocol reserve.
const REFUSED: ErrorCode = ErrorCode(-31_100);

/// Requests with parameters that are methods in both eras. Those that 2026-07-28 has no more (`initialize`,
/// `logging/setLevel`, `resources/subscribe`, `resources/unsubscribe`) have to be unknown there, as SEP-2575 asks.
const METHODS: &[&str] = &[
    "tools/call",
    "tools/list",
    "prompts/get",
    "prompts/list",
    "resources/read",
    "resources/list",
    "resources/templates/list",
    "completion/complete",
];

/// The authenticated caller. An HTTP layer that checks credentials puts it into the extensions of the
/// request; without one the caller is [`LOCAL`]. Never taken from `clientInfo`, which the peer chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(pub String);

/// A handler behind a policy: tools that are not granted are hidden, every call is decided, limited and
/// recorded.
#[derive(Debug)]
pub struct Guarded<H> {
    inner: H,
    enforcer: Arc<Enforcer>,
    server: String,
    peer: String,
    approvals: Arc<Approvals>,
    tasks: Arc<Tasks>,
    schemas: Arc<Schemas>,
}

impl<H: Clone> Clone for Guarded<H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            enforcer: Arc::clone(&self.enforcer),
            server: self.server.clone(),
            peer: self.peer.clone(),
            approvals: Arc::clone(&self.approvals),
            tasks: Arc::clone(&self.tasks),
            schemas: Arc::clone(&self.schemas),
        }
    }
}

impl<H: ServerHandler> Guarded<H> {
    /// Puts the checks around a handler. Several handlers may share one enforcer, and with it limits and log.
    pub fn new(inner: H, enforcer: impl Into<Arc<Enforcer>>) -> Self {
        Self {
            inner,
            enforcer: enforcer.into(),
            server: String::new(),
            peer: "stdio".to_owned(),
            approvals: Arc::default(),
            tasks: Arc::default(),
            schemas: Arc::default(),
        }
    }

    /// Names the server in records and limits.
    #[must_use]
    pub fn server(mut self, name: impl Into<String>) -> Self {
        self.server = name.into();
        self
    }

    /// Names the transport in records; `stdio` unless said otherwise.
    #[must_use]
    pub fn peer(mut self, peer: impl Into<String>) -> Self {
        self.peer = peer.into();
        self
    }

    /// Policy, limits and log.
    #[must_use]
    pub fn enforcer(&self) -> &Arc<Enforcer> {
        &self.enforcer
    }

    async fn begin(
        &self,
        subject: Subject,
        name: &str,
        args: Map<String, Value>,
        standing: Standing,
        context: &RequestContext<RoleServer>,
    ) -> Result<Running, Refused> {
        let call = self.owned(subject, name, args, standing, context).await;
        if !self.enforcer.may_block() {
            return call.begin(&self.enforcer);
        }
        let enforcer = Arc::clone(&self.enforcer);
        let worker = tokio::task::spawn_blocking(move || call.begin(&enforcer));
        worker.await.unwrap_or_else(|_| Err(Refused::Approval("a check that failed".to_owned())))
    }

    async fn owned(
        &self,
        subject: Subject,
        name: &str,
        args: Map<String, Value>,
        standing: Standing,
        context: &RequestContext<RoleServer>,
    ) -> Owned {
        Owned {
            standing,
            subject,
            name: name.to_owned(),
            args,
            principal: principal(context),
            peer: self.peer.clone(),
            server: self.server.clone(),
            protocol: context.protocol_version().map(|version| version.to_string()).unwrap_or_default(),
            request_id: context.id.to_string(),
            trace: context.meta.get_traceparent().map(str::to_owned),
            sensitive: self.sensitive(subject, name, context).await,
        }
    }

    async fn sensitive(
        &self,
        subject: Subject,
        name: &str,
        context: &RequestContext<RoleServer>,
    ) -> Option<Arc<Sensitive>> {
        if subject != Subject::Tool {
            return None;
        }
        let tool = self.tool(name, context).await?;
        Some(self.schemas.sensitive(&tool))
    }

    /// A tool's definition, for its schema. Handlers without `get_tool` are asked for their list, once per
    /// name that it holds.
    async fn tool(&self, name: &str, context: &RequestContext<RoleServer>) -> Option<Tool> {
        if let Some(tool) = self.inner.get_tool(name).or_else(|| self.schemas.listed(name)) {
            return Some(tool);
        }
        if !self.enforcer.policy().shows_tool(None, name) {
            return None; // it will be refused; callers cannot make us list with names of their own
        }
        let mut page = None;
        for _ in 0..MOST_PAGES {
            let list = self.inner.list_tools(page, context.clone()).await.ok()?;
            self.schemas.note(&list.tools);
            page = Some(PaginatedRequestParams::default().with_cursor(Some(list.next_cursor?)));
            if self.schemas.listed(name).is_some() {
                break;
            }
        }
        self.schemas.listed(name)
    }

    /// Whether a person has agreed to this call, or must be asked first.
    async fn approved(
        &self,
        asking: Asking<'_>,
        request: &mut CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Standing, Asked> {
        let Asking { principal: who, tool: name, args, .. } = asking;
        // A retry that answers an open question is the same call: decided anew, and not charged again.
        let is_answer = request.request_state.is_some() || request.input_responses.is_some();
        let question = asking.id(request.request_state.as_deref());
        let question = is_answer.then(|| self.approvals.take(&question, Instant::now())).flatten();
        let wanted = self.enforcer.policy().approval(who, name, args);
        let standing = |is_retry, is_approved| Standing { is_retry, is_approved, rounds: 0 };
        match (question, wanted) {
            (Some(Question::Tool(rounds)), _) => Ok(Standing { rounds, ..standing(true, wanted != Approve::Never) }),
            (_, Approve::Never) => Ok(standing(false, false)),
            (Some(Question::Approval), _) if approve::agrees(request.input_responses.as_ref()) => {
                if wanted == Approve::Once {
                    self.approvals.remember(who, name);
                }
                // State and answer are ours; the tool would take them for its own.
                (request.request_state, request.input_responses) = (None, None);
                Ok(standing(false, true))
            }
            (Some(Question::Approval), _) => Err(Asked::No),
            (None, Approve::Once) if self.approvals.was_approved(who, name) => Ok(standing(false, true)),
            (None, _) => match self.approvals.ask(asking, context).await {
                Asked::Yes => {
                    if wanted == Approve::Once {
                        self.approvals.remember(who, name);
                    }
                    Ok(standing(false, true))
                }
                // The refusal is recorded with all others.
                Asked::Nobody => Ok(standing(false, false)),
                asked => Err(asked),
            },
        }
    }

    /// Records that a person was asked and did not agree.
    async fn disapprove(&self, name: &str, args: Map<String, Value>, context: &RequestContext<RoleServer>) -> Refused {
        let call = self.owned(Subject::Tool, name, args, Standing::default(), context).await;
        let enforcer = Arc::clone(&self.enforcer);
        let worker = tokio::task::spawn_blocking(move || enforcer.disapprove(&call.request()));
        worker.await.unwrap_or_else(|_| Refused::Disapproved(name.to_owned()))
    }

    /// Records the outcome; an answer whose record fails is not given away.
    async fn finish(&self, running: Running, outcome: Outcome) -> Result<(), Refused> {
        if !self.enforcer.may_block() {
            return running.finish(outcome);
        }
        let worker = tokio::task::spawn_blocking(move || running.finish(outcome));
        worker.await.unwrap_or_else(|_| Err(Refused::Approval("a check that failed".to_owned())))
    }

    /// Runs an admitted call within its time limit and records how it ended.
    async fn run<T>(
        &self,
        running: Running,
        call: impl Future<Output = Result<T, ErrorData>>,
        describe: impl FnOnce(&mut T, &Running) -> Outcome,
    ) -> Result<Result<T, ErrorData>, Refused> {
        let answer = match running.grant().timeout {
            None => call.await,
            Some(limit) => tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
                let message = format!("the call took longer than {} s", limit.as_secs_f64());
                Err(ErrorData::new(REFUSED, message, None))
            }),
        };
        let (answer, outcome) = match answer {
            Ok(mut value) => {
                let outcome = describe(&mut value, &running);
                (Ok(value), outcome)
            }
            Err(error) => {
                let outcome = Outcome::failure(ErrorClass::Server, error.code.0.to_string(), error.message.to_string());
                (Err(error), outcome)
            }
        };
        self.finish(running, outcome).await.map(|()| answer)
    }

    /// What one principal's list shows must not be served to another from a cache.
    fn keep_private(&self, scope: &mut Option<CacheScope>) {
        if !self.enforcer.policy().shows_all_the_same() && scope.is_some() {
            *scope = Some(CacheScope::Private);
        }
    }

    /// Methods about which the policy has no section pass where everything unnamed does.
    fn unnamed<T>(&self, method: &'static str) -> Result<(), Result<T, ErrorData>> {
        let is_open = self.enforcer.policy().shows_tool(None, "\0") || self.enforcer.policy().shows_prompt(None, "\0");
        if is_open { Ok(()) } else { Err(Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None))) }
    }
}

/// Who made which task, so that nobody else can read, feed or cancel it (CWE-639).
#[derive(Debug, Default)]
struct Tasks(Mutex<VecDeque<(String, String)>>);

impl Tasks {
    /// The oldest is forgotten, and then answers to nobody.
    const MOST: usize = 10_000;

    fn note(&self, task: &str, principal: &str) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push_back((task.to_owned(), principal.to_owned()));
        if tasks.len() > Self::MOST {
            tasks.pop_front();
        }
    }

    fn is_of(&self, task: &str, principal: &str) -> bool {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().any(|(id, owner)| id == task && owner == principal)
    }

    /// One answer for tasks of others and tasks that never were.
    fn check(&self, task: &str, context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
        match self.is_of(task, &principal(context)) {
            true => Ok(()),
            false => Err(ErrorData::invalid_params("there is no such task", None)),
        }
    }
}

/// What is known about a call besides what it says.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// The same call was charged before.
    is_retry: bool,
    /// Questions of the tool that were answered in this call.
    rounds: u32,
    /// A person agreed.
    is_approved: bool,
}

/// A request that can move to another thread.
struct Owned {
    subject: Subject,
    name: String,
    args: Map<String, Value>,
    principal: String,
    peer: String,
    server: String,
    protocol: String,
    request_id: String,
    trace: Option<String>,
    sensitive: Option<Arc<Sensitive>>,
    standing: Standing,
}

impl Owned {
    fn begin(&self, enforcer: &Enforcer) -> Result<Running, Refused> {
        enforcer.begin(&self.request())
    }

    fn request(&self) -> Request<'_> {
        Request {
            subject: self.subject,
            name: &self.name,
            args: &self.args,
            principal: &self.principal,
            peer: &self.peer,
            server: &self.server,
            protocol: &self.protocol,
            request_id: &self.request_id,
            trace: self.trace.as_deref(),
            sensitive: self.sensitive.as_deref(),
            is_retry: self.standing.is_retry,
            is_approved: self.standing.is_approved,
        }
    }
}

/// Of the request, else of the HTTP request that carried it.
fn principal(context: &RequestContext<RoleServer>) -> String {
    let direct = context.extensions.get::<Principal>();
    #[cfg(feature = "serve")]
    let direct = direct
        .or_else(|| context.extensions.get::<hyper::http::request::Parts>().and_then(|parts| parts.extensions.get()));
    direct.map_or_else(|| LOCAL.to_owned(), |principal| principal.0.clone())
}

/// Whether a request of the stateless era says that its client can't put a question to a person.
fn lacks_elicitation(context: &RequestContext<RoleServer>) -> bool {
    context.meta.protocol_version().is_some() && !approve::can_be_asked(context)
}

/// What a refusal says to programs.
fn details(refused: &Refused) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("code".to_owned(), json!(refused.code()));
    if let Some(denial) = refused.denial() {
        details.insert("rule".to_owned(), json!(denial.rule.name));
        details.insert("line".to_owned(), json!(denial.rule.line));
    }
    if let Some(wait) = refused.retry_after() {
        details.insert("retry_after_ms".to_owned(), json!(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
    }
    details
}

/// Results that a model reads: a refused tool call is a result, so that the model sees why.
fn refused_result(refused: &Refused) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(refused.to_string())]);
    let members = details(refused).into_iter().map(|(name, value)| (format!("{META_PREFIX}{name}"), value));
    result.meta = Some(MetaObject(members.collect()));
    result
}

fn refused_error(refused: &Refused) -> ErrorData {
    ErrorData::new(REFUSED, refused.to_string(), Some(Value::Object(details(refused))))
}

/// Size, secrets and success of a tool's answer.
fn describe_result(enforcer: &Enforcer, response: &mut CallToolResponse, running: &Running) -> Outcome {
    let mut redactions = 0;
    if enforcer.policy().file().spec().redact.results
        && let CallToolResponse::Complete(result) = response
    {
        redactions = redact_result(enforcer, result);
    }
    let bytes_out = match response {
        CallToolResponse::Complete(result) => size(result),
        CallToolResponse::InputRequired(result) => size(result),
        _ => 0,
    };
    if let Some(most) = running.grant().max_result.filter(|most| bytes_out > *most) {
        let message = format!("the result has {bytes_out} bytes, the policy allows {most}; ask for less");
        *response = CallToolResponse::Complete(CallToolResult::error(vec![ContentBlock::text(message.clone())]));
        return Outcome { bytes_out, redactions, ..Outcome::failure(ErrorClass::Policy, "result-too-large", message) };
    }
    match response {
        CallToolResponse::Complete(result) if result.is_error == Some(true) => {
            let text = result.content.iter().find_map(|block| block.as_text()).map_or("", |text| text.text.as_str());
            Outcome { bytes_out, redactions, ..Outcome::failure(ErrorClass::Server, "tool_error", text) }
        }
        _ => Outcome { redactions, ..Outcome::success(bytes_out) },
    }
}

fn redact_result(enforcer: &Enforcer, result: &mut CallToolResult) -> u64 {
    let mut count = 0;
    for block in &mut result.content {
        if let ContentBlock::Text(text) = block {
            let (clean, found) = enforcer.redactor().text(&text.text);
            if found > 0 {
                text.text = clean.into_owned();
                count += found;
            }
        }
    }
    if let Some(structured) = &mut result.structured_content {
        let redacted = enforcer.redactor().redact(structured);
        if redacted.count > 0 {
            *structured = redacted.value;
            count += redacted.count;
        }
    }
    count
}

fn size<T: serde::Serialize>(value: &T) -> u64 {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len() as u64)
}

impl<H: ServerHandler> ServerHandler for Guarded<H> {
    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let args = request.arguments.clone().unwrap_or_default();
        let who = principal(&context);
        let (name, same_args) = (request.name.clone(), args.clone());
        let cannot_be_asked = lacks_elicitation(&context);
        let meta = approval::bound_meta(&context.meta);
        let asking = Asking { principal: &who, tool: &name, args: &same_args, meta: &meta };
        let standing = match self.approved(asking, &mut request, &context).await {
            Ok(standing) => standing,
            Err(Asked::Later(question)) => return Ok(CallToolResponse::InputRequired(question)),
            Err(_) => {
                let refused = self.disapprove(&name, args, &context).await;
                return Ok(CallToolResponse::Complete(refused_result(&refused)));
            }
        };
        let refused = match self.begin(Subject::Tool, &name, args, standing, &context).await {
            Ok(running) => {
                let tool = self.tool(&name, &context).await;
                if let Some(problem) = tool.and_then(|tool| self.schemas.problem(&tool, &same_args)) {
                    let outcome = Outcome::failure(ErrorClass::Client, "schema", problem.clone());
                    let recorded = self.finish(running, outcome).await;
                    let result = recorded.map_or_else(
                        |refused| refused_result(&refused),
                        |()| CallToolResult::error(vec![ContentBlock::text(format!("invalid arguments: {problem}"))]),
                    );
                    return Ok(CallToolResponse::Complete(result));
                }
                context.extensions.insert(Granted(Arc::new(running.grant().clone())));
                let call = self.inner.call_tool(request, context);
                let describe = |response: &mut CallToolResponse, running: &Running| {
                    describe_result(&self.enforcer, response, running)
                };
                match self.run(running, call, describe).await {
                    Ok(answer) => {
                        match &answer {
                            Ok(CallToolResponse::InputRequired(asked)) if standing.rounds < MOST_ROUNDS => {
                                let id = asking.id(asked.request_state.as_deref());
                                self.approvals.put(id, Question::Tool(standing.rounds + 1), Instant::now());
                            }
                            Ok(CallToolResponse::Task(created)) => self.tasks.note(&created.task.task_id, &who),
                            _ => {}
                        }
                        return answer;
                    }
                    Err(refused) => refused,
                }
            }
            // What is not listed is an unknown tool, and that is an error of the protocol and no result.
            Err(refused @ Refused::Policy(_)) if !self.enforcer.policy().shows_tool(Some(&who), &name) => {
                let message = format!("there is no tool {} here: {refused}", shown(&name));
                return Err(ErrorData::invalid_params(message, Some(Value::Object(details(&refused)))));
            }
            // The stateless era has an error of its own for what a client would have to be able to do.
            Err(refused @ Refused::Approval(_)) if cannot_be_asked => {
                let mut data = details(&refused);
                data.insert("requiredCapabilities".to_owned(), json!({ "elicitation": {} }));
                let code = ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY;
                return Err(ErrorData::new(code, refused.to_string(), Some(Value::Object(data))));
            }
            Err(refused) => refused,
        };
        Ok(CallToolResponse::Complete(refused_result(&refused)))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let args = request.arguments.clone().unwrap_or_default();
        let running = self.begin(Subject::Prompt, &request.name, args, Standing::default(), &context).await;
        let running = running.map_err(|refused| refused_error(&refused))?;
        context.extensions.insert(Granted(Arc::new(running.grant().clone())));
        let answer = self.run(running, self.inner.get_prompt(request, context), |answer, _| match answer {
            GetPromptResponse::Complete(result) => Outcome::success(size(result)),
            _ => Outcome::default(),
        });
        let answer = answer.await;
        answer.unwrap_or_else(|refused| Err(refused_error(&refused)))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let running = self.begin(Subject::Resource, &request.uri, Map::new(), Standing::default(), &context).await;
        let running = running.map_err(|refused| refused_error(&refused))?;
        context.extensions.insert(Granted(Arc::new(running.grant().clone())));
        let answer = self.run(running, self.inner.read_resource(request, context), |answer, _| match answer {
            ReadResourceResponse::Complete(result) => Outcome::success(size(result)),
            _ => Outcome::default(),
        });
        let answer = answer.await;
        answer.unwrap_or_else(|refused| Err(refused_error(&refused)))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let who = principal(&context);
        let mut list = self.inner.list_tools(request, context).await?;
        self.schemas.note(&list.tools);
        list.tools.retain(|tool| self.enforcer.policy().shows_tool(Some(&who), &tool.name));
        self.keep_private(&mut list.cache_scope);
        Ok(list)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let who = principal(&context);
        let mut list = self.inner.list_prompts(request, context).await?;
        list.prompts.retain(|prompt| self.enforcer.policy().shows_prompt(Some(&who), &prompt.name));
        self.keep_private(&mut list.cache_scope);
        Ok(list)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = self.inner.list_resources(request, context).await?;
        list.resources.retain(|resource| self.enforcer.policy().shows_resource(&resource.uri));
        Ok(list)
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        let running = self.begin(Subject::Resource, &request.uri, Map::new(), Standing::default(), &context).await;
        let running = running.map_err(|refused| refused_error(&refused))?;
        let call = self.inner.read_resource_directory(request, context);
        let answer = self.run(running, call, |answer, _| Outcome::success(size(answer))).await;
        let mut list = answer.unwrap_or_else(|refused| Err(refused_error(&refused)))?;
        list.resources.retain(|resource| self.enforcer.policy().shows_resource(&resource.uri));
        Ok(list)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.enforcer.policy().shows_resource(&request.uri) {
            return Err(ErrorData::resource_not_found("resource not found", None));
        }
        self.inner.subscribe(request, context).await
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = self.inner.accepted_subscription_filter(requested)?;
        if let Some(uris) = &mut accepted.resource_subscriptions {
            uris.retain(|uri| self.enforcer.policy().shows_resource(uri));
        }
        Some(accepted)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let policy = self.enforcer.policy();
        let who = principal(&context);
        let nothing = || ErrorData::invalid_params("nothing to complete under that name", None);
        let (is_shown, of) = match &request.r#ref {
            Reference::Prompt(prompt) => {
                (policy.shows_prompt(Some(&who), &prompt.name), Completes::Prompt(&prompt.name))
            }
            Reference::Resource(resource) => (policy.shows_resource(&resource.uri), Completes::Template(&resource.uri)),
            _ => return Err(nothing()),
        };
        if !is_shown {
            return Err(nothing());
        }
        let others = request.context.as_ref().and_then(|context| context.arguments.as_ref());
        let others = others.into_iter().flatten().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let (argument, typed) = (&request.argument.name, &request.argument.value);
        policy
            .decide_completion(&who, of, argument, typed, &others.collect())
            .into_result()
            .map_err(|denial| ErrorData::invalid_params(Refused::Policy(denial).to_string(), None))?;
        self.inner.complete(request, context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // Our own reader's note about a message that was too long; it reaches no code but the answer to it.
        #[cfg(feature = "serve")]
        if [crate::serve::TOO_LONG, crate::serve::REFUSED].contains(&request.method.as_str()) {
            self.enforcer.event("frame-refused", &crate::serve::flaw_of(&request));
            return self.inner.on_custom_request(request, context).await;
        }
        // A method of the protocol comes here when its parameters are none of its own.
        if METHODS.contains(&request.method.as_str()) {
            let message = format!("the parameters of {} are not what the protocol says", request.method);
            self.enforcer.event("request-refused", &message);
            return Err(ErrorData::invalid_params(message, None));
        }
        match self.unnamed("unknown method") {
            Ok(()) => self.inner.on_custom_request(request, context).await,
            Err(refused) => refused,
        }
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        match self.unnamed("skills/list") {
            Ok(()) => self.inner.list_skills(request, context).await,
            Err(refused) => refused,
        }
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        match self.unnamed("skills/get") {
            Ok(()) => self.inner.get_skill(request, context).await,
            Err(refused) => refused,
        }
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.inner.get_tool(name).filter(|_| self.enforcer.policy().shows_tool(None, name))
    }

    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
        self.inner.negotiate_initialize(request)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.inner.listen(context).await
    }

    async fn ping(&self, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.inner.ping(context).await
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        self.inner.discover(context).await
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.inner.initialize(request, context).await
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.inner.set_level(request, context).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.inner.list_resource_templates(request, context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.inner.unsubscribe(request, context).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.tasks.check(&request.task_id, &context)?;
        self.inner.get_task(request, context).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks.check(&request.task_id, &context)?;
        self.inner.update_task(request, context).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks.check(&request.task_id, &context)?;
        self.inner.cancel_task(request, context).await
    }

    async fn on_cancelled(&self, notification: CancelledNotificationParam, context: NotificationContext<RoleServer>) {
        self.inner.on_cancelled(notification, context).await;
    }

    async fn on_progress(&self, notification: ProgressNotificationParam, context: NotificationContext<RoleServer>) {
        self.inner.on_progress(notification, context).await;
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.inner.on_initialized(context).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.inner.on_roots_list_changed(context).await;
    }

    async fn on_custom_notification(&self, notification: CustomNotification, context: NotificationContext<RoleServer>) {
        self.inner.on_custom_notification(notification, context).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_answers_to_who_made_it_and_only_so_many_are_kept() {
        let tasks = Tasks::default();
        tasks.note("t-1", "alice");
        assert!(tasks.is_of("t-1", "alice"));
        assert!(!tasks.is_of("t-1", "bob") && !tasks.is_of("t-2", "alice"));
        (0..Tasks::MOST).for_each(|number| tasks.note(&format!("bob-{number}"), "bob"));
        assert!(!tasks.is_of("t-1", "alice"), "forgotten, and nobody's");
        assert_eq!(tasks.0.lock().unwrap().len(), Tasks::MOST);
    }
}

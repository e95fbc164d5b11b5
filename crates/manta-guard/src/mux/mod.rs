//! Several servers behind one endpoint.
//!
//! Each `[server.NAME]` of a policy runs behind a guard of its own: own rules, own sandbox, own process. What is
//! here only routes and joins. A client sees one server; names of tools and prompts carry their server's prefix,
//! lists are joined, questions of servers keep apart. A server that ends takes nothing with it: its calls are
//! answered with an error, and it is started again.
//!
//! [`Mux`] is the protocol without I/O; [`run`] drives it.

mod driver;
mod join;

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part};
use serde_json::{Value, json};

pub use driver::{Section, run};

use crate::engine::{begun_by, plain_error};

/// How long servers may take for their part of a joint answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most pages of one server's list.
const MAX_PAGES: usize = 100;

/// Where frames go.
pub trait Wire {
    /// To the client.
    fn to_client(&mut self, frame: &str);
    /// To a server, by its number.
    fn to_server(&mut self, server: usize, frame: &str);
    /// Something a person should know.
    fn note(&mut self, text: &str);
}

/// One server as the client sees it.
struct Server {
    name: String,
    /// Put before names, with its separator.
    prefix: String,
    is_up: bool,
    /// It has answered `initialize` since it was started.
    is_open: bool,
    capabilities: Value,
}

/// Where a request went.
struct Route {
    server: usize,
    /// The name under which it hears of progress: a number or a text, like an id.
    progress: Option<Id>,
}

/// An answer that several servers give together.
struct Gathering {
    /// Id of the client's request.
    id: Id,
    method: String,
    params: Value,
    /// Our requests, each with its server.
    waiting: HashMap<Id, usize>,
    parts: Vec<Option<Value>>,
    pages: usize,
    deadline: Instant,
}

/// What stands before the names of a server.
pub(crate) fn prefix_of(name: &str, prefix: Option<&str>) -> String {
    match prefix.unwrap_or(name) {
        "" => String::new(),
        prefix => format!("{prefix}_"),
    }
}

/// One client, several servers.
pub struct Mux {
    servers: Vec<Server>,
    gatherings: Vec<Gathering>,
    /// Requests of the client that one server answers, by their id.
    routes: HashMap<Id, Route>,
    /// Requests of servers, by the id the client sees.
    questions: HashMap<Id, (usize, Id)>,
    /// Our own requests that nobody waits for.
    replayed: HashMap<Id, usize>,
    tools: HashMap<String, (usize, String)>,
    prompts: HashMap<String, (usize, String)>,
    resources: HashMap<String, usize>,
    /// Text before the first expression of each template.
    templates: Vec<(String, usize)>,
    tasks: HashMap<String, usize>,
    /// What opened the session, for servers that are started again.
    opening: Option<Value>,
    initialized: Option<String>,
    next: u64,
    limits: Limits,
}

impl Mux {
    /// Servers by name, each with the text before its names (`None`: the name itself; empty: nothing).
    #[must_use]
    pub fn new(servers: &[(String, Option<String>)], limits: Limits) -> Self {
        let server = |(name, prefix): &(String, Option<String>)| Server {
            name: name.clone(),
            prefix: prefix_of(name, prefix.as_deref()),
            is_up: true,
            is_open: false,
            capabilities: Value::Null,
        };
        Self {
            servers: servers.iter().map(server).collect(),
            gatherings: Vec::new(),
            routes: HashMap::new(),
            questions: HashMap::new(),
            replayed: HashMap::new(),
            tools: HashMap::new(),
            prompts: HashMap::new(),
            resources: HashMap::new(),
            templates: Vec::new(),
            tasks: HashMap::new(),
            opening: None,
            initialized: None,
            next: 0,
            limits,
        }
    }

    /// One frame of the client.
    pub fn from_client(&mut self, line: &[u8], wire: &mut dyn Wire) {
        let frame = match Frame::parse(line, Direction::ToServer, &self.limits) {
            Ok(frame) => frame,
            Err(error) => {
                let seen = manta_mcp::scan::IdScanner::scan(line);
                let id = seen.id().filter(|id| !self.is_in_use(id));
                return wire.to_client(&crate::engine::frame_error(id, error));
            }
        };
        match frame.kind() {
            Kind::Request => self.client_request(&frame, wire),
            Kind::Notification => self.client_notification(&frame, wire),
            Kind::Response | Kind::Error => {
                let Some((server, id)) = frame.id().and_then(|id| self.questions.remove(id)) else { return };
                let Some(span) = frame.span(Part::Id) else { return };
                wire.to_server(server, &frame.splice(&[(span, id.to_string())]));
            }
        }
    }

    /// One frame of a server's guard, which has read it strictly already.
    pub fn from_server(&mut self, server: usize, line: &[u8], wire: &mut dyn Wire) {
        let Ok(frame) = Frame::parse(line, Direction::ToClient, &self.limits) else { return };
        match frame.kind() {
            Kind::Request => {
                let Some((id, span)) = frame.id().cloned().zip(frame.span(Part::Id)) else { return };
                self.next += 1;
                // Servers choose their ids independently.
                let ours = Id::Text(format!("{}-{}", self.servers[server].name, self.next).into());
                let text = frame.splice(&[(span, ours.to_string())]);
                self.questions.insert(ours, (server, id));
                wire.to_client(&text);
            }
            Kind::Notification => match self.own_notification(server, &frame) {
                Some(text) => wire.to_client(&text),
                None => {
                    let (name, method) = (&self.servers[server].name, frame.method());
                    let method = manta_core::Untrusted(method).for_terminal();
                    wire.note(&format!("server `{name}` says {method} about what is not its own"));
                }
            },
            Kind::Response | Kind::Error => self.server_answer(server, &frame, wire),
        }
    }

    /// What a server says, as the client may hear it; `None` where it is about what another server was asked, offers or
    /// has begun. A client can't tell whom such a word comes from.
    fn own_notification<'a>(&self, server: usize, frame: &Frame<'a>) -> Option<Cow<'a, str>> {
        let is_of_other = match frame.method() {
            // It names its question as it did itself.
            "notifications/cancelled" => {
                let id = Id::from_json(frame.raw(Part::RequestId)?)?;
                let (ours, _) = self.questions.iter().find(|(_, (from, own))| *from == server && *own == id)?;
                return Some(Cow::Owned(frame.splice(&[(frame.span(Part::RequestId)?, ours.to_string())])));
            }
            "notifications/progress" => {
                let token = Id::from_json(frame.raw(Part::ProgressToken)?)?;
                let mut asked = self.routes.values().filter(|route| route.progress.as_ref() == Some(&token)).peekable();
                asked.peek().is_some() && asked.all(|route| route.server != server)
            }
            "notifications/resources/updated" => {
                self.resources.get(&*frame.string(Part::Uri)?).is_some_and(|of| *of != server)
            }
            method if method.starts_with("notifications/tasks") => {
                frame.string(Part::TaskId).is_some_and(|task| self.tasks.get(&*task).is_some_and(|of| *of != server))
            }
            _ => false,
        };
        (!is_of_other).then(|| frame.wire_text())
    }

    /// A server has ended: what waits for it is answered.
    pub fn server_ended(&mut self, server: usize, wire: &mut dyn Wire) {
        let gone = &mut self.servers[server];
        (gone.is_up, gone.is_open) = (false, false);
        // Another process may give the same names to other tasks.
        self.tasks.retain(|_, of| *of != server);
        let why = format!("server `{}` has ended; it is being started again", gone.name);
        let lost: Vec<Id> =
            self.routes.iter().filter(|(_, to)| to.server == server).map(|(id, _)| id.clone()).collect();
        for id in lost {
            self.routes.remove(&id);
            wire.to_client(&plain_error(Some(&id), -32603, &why));
        }
        self.questions.retain(|_, (from, _)| *from != server);
        self.replayed.retain(|_, to| *to != server);
        for gathering in &mut self.gatherings {
            gathering.waiting.retain(|_, to| *to != server);
        }
        self.finish_gatherings(Instant::now(), wire);
    }

    /// A server runs again: it is told what the others were told.
    pub fn server_started(&mut self, server: usize, wire: &mut dyn Wire) {
        self.servers[server].is_up = true;
        let Some(opening) = self.opening.clone() else { return };
        let id = self.own_id();
        self.replayed.insert(id.clone(), server);
        wire.to_server(server, &request(&id, "initialize", &opening));
    }

    /// Ends joint answers whose time is over. Call it about once a second.
    pub fn tick(&mut self, now: Instant, wire: &mut dyn Wire) {
        self.finish_gatherings(now, wire);
    }

    fn is_in_use(&self, id: &Id) -> bool {
        self.routes.contains_key(id) || self.gatherings.iter().any(|gathering| gathering.id == *id)
    }

    fn own_id(&mut self) -> Id {
        self.next += 1;
        Id::Text(format!("manta-mux-{}", self.next).into())
    }

    fn client_request(&mut self, frame: &Frame<'_>, wire: &mut dyn Wire) {
        let id = frame.id().expect("requests have an id").clone();
        if self.is_in_use(&id) {
            return wire.to_client(&plain_error(Some(&id), -32600, "request id is already in use"));
        }
        let routed = match frame.method() {
            "initialize"
            | "server/discover"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "logging/setLevel"
            | "subscriptions/listen" => {
                return self.gather(frame, id, wire);
            }
            "ping" => return wire.to_client(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}")),
            "tools/call" => self.by_name(frame, &self.tools),
            "prompts/get" => self.by_name(frame, &self.prompts),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                let uri = frame.string(Part::Uri).unwrap_or_default();
                self.by_uri(&uri).map(|server| (server, frame.wire_text().into_owned()))
            }
            "completion/complete" => self.completion(frame),
            method if method.starts_with("tasks/") => {
                let task = frame.string(Part::TaskId).unwrap_or_default();
                self.tasks.get(&*task).map(|server| (*server, frame.wire_text().into_owned()))
            }
            // An extension: with one server there is no doubt whom it is for.
            _ if self.servers.len() == 1 => Some((0, frame.wire_text().into_owned())),
            _ => None,
        };
        match routed {
            Some((server, text)) if self.servers[server].is_up => {
                let progress = frame.raw(Part::MetaProgressToken).and_then(Id::from_json);
                self.routes.insert(id, Route { server, progress });
                wire.to_server(server, &text);
            }
            Some((server, _)) => {
                let why = format!("server `{}` is being started again; try later", self.servers[server].name);
                wire.to_client(&plain_error(Some(&id), -32603, &why));
            }
            None => {
                let code = if is_named(frame.method()) { -32602 } else { -32601 };
                wire.to_client(&plain_error(Some(&id), code, "no server behind this guard offers that"));
            }
        }
    }

    /// The server a name belongs to, and the frame with the name that server knows.
    fn by_name(&self, frame: &Frame<'_>, known: &HashMap<String, (usize, String)>) -> Option<(usize, String)> {
        let name = frame.string(Part::Name)?;
        let (server, own) = self.own_name(&name, known)?;
        let span = frame.span(Part::Name)?;
        Some((server, frame.splice(&[(span, Value::String(own).to_string())])))
    }

    /// Listed names first; an unlisted one belongs to the server with the longest fitting prefix, whose guard
    /// then decides about it.
    fn own_name(&self, name: &str, known: &HashMap<String, (usize, String)>) -> Option<(usize, String)> {
        if let Some((server, own)) = known.get(name) {
            return Some((*server, own.clone()));
        }
        let fitting = self.servers.iter().enumerate().filter(|(_, server)| name.starts_with(&server.prefix));
        let (index, server) = fitting.max_by_key(|(_, server)| server.prefix.len())?;
        Some((index, name[server.prefix.len()..].to_owned()))
    }

    fn by_uri(&self, uri: &str) -> Option<usize> {
        if let Some(server) = self.resources.get(uri) {
            return Some(*server);
        }
        let fitting = self.templates.iter().filter(|(before, _)| uri.starts_with(before.as_str()));
        let by_template = fitting.max_by_key(|(before, _)| before.len()).map(|(_, server)| *server);
        by_template.or_else(|| {
            let mut having = (0..self.servers.len()).filter(|server| self.has(*server, "resources"));
            having.next().filter(|_| having.next().is_none())
        })
    }

    fn completion(&self, frame: &Frame<'_>) -> Option<(usize, String)> {
        let mut params = frame.value(Part::Params)?;
        let reference = params.get_mut("ref")?;
        let server = match reference.get("name").and_then(Value::as_str) {
            Some(name) => {
                let (server, own) = self.own_name(name, &self.prompts)?;
                reference["name"] = own.into();
                server
            }
            None => {
                let uri = reference.get("uri").and_then(Value::as_str)?;
                let template = self.templates.iter().find(|(before, _)| uri.starts_with(before.as_str()));
                template.map(|(_, server)| *server).or_else(|| self.by_uri(uri))?
            }
        };
        Some((server, frame.splice(&[(frame.span(Part::Params)?, params.to_string())])))
    }

    fn has(&self, server: usize, capability: &str) -> bool {
        let said = &self.servers[server].capabilities;
        // A server that was never asked may have everything.
        said.is_null() || said.get(capability).is_some()
    }

    fn client_notification(&mut self, frame: &Frame<'_>, wire: &mut dyn Wire) {
        if frame.method() == "notifications/cancelled" {
            let id = frame.raw(Part::RequestId).and_then(Id::from_json);
            if let Some(route) = id.as_ref().and_then(|id| self.routes.get(id)) {
                wire.to_server(route.server, &frame.wire_text());
            }
            return;
        }
        if frame.method() == "notifications/initialized" {
            self.initialized = Some(frame.wire_text().into_owned());
        }
        for server in (0..self.servers.len()).filter(|server| self.servers[*server].is_up) {
            wire.to_server(server, &frame.wire_text());
        }
    }

    /// Asks every server that has something to say, and answers when all have.
    fn gather(&mut self, frame: &Frame<'_>, id: Id, wire: &mut dyn Wire) {
        let params = frame.value(Part::Params).unwrap_or(Value::Null);
        if frame.method() == "initialize" {
            self.opening = Some(params.clone());
            self.initialized = None;
        }
        let capability = match frame.method() {
            "tools/list" => Some("tools"),
            "prompts/list" => Some("prompts"),
            "resources/list" | "resources/templates/list" => Some("resources"),
            "logging/setLevel" => Some("logging"),
            _ => None,
        };
        if params.get("cursor").is_some() {
            // Joined lists have one page.
            return wire.to_client(&plain_error(Some(&id), -32602, "no such page"));
        }
        let mut waiting = HashMap::new();
        for server in 0..self.servers.len() {
            if self.servers[server].is_up && capability.is_none_or(|capability| self.has(server, capability)) {
                let ours = self.own_id();
                wire.to_server(server, &request(&ours, frame.method(), &params));
                waiting.insert(ours, server);
            }
        }
        self.gatherings.push(Gathering {
            id,
            method: frame.method().to_owned(),
            params,
            waiting,
            parts: vec![None; self.servers.len()],
            pages: 0,
            deadline: Instant::now() + PATIENCE,
        });
        self.finish_gatherings(Instant::now(), wire);
    }

    fn server_answer(&mut self, server: usize, frame: &Frame<'_>, wire: &mut dyn Wire) {
        let Some(id) = frame.id() else { return wire.to_client(&frame.wire_text()) };
        if self.routes.get(id).is_some_and(|route| route.server == server) {
            self.routes.remove(id);
            self.note_task(server, frame);
            return wire.to_client(&frame.wire_text());
        }
        if self.replayed.get(id) == Some(&server) {
            self.replayed.remove(id);
            return self.reopened(server, frame, wire);
        }
        let found = self.gatherings.iter().position(|gathering| gathering.waiting.get(id) == Some(&server));
        let Some(index) = found else { return };
        self.gatherings[index].waiting.remove(id);
        if let Some(result) = frame.value(Part::Result) {
            self.take_part(index, server, result, wire);
        }
        self.finish_gatherings(Instant::now(), wire);
    }

    /// One server's part of a joint answer; asks for the next page when there is one.
    fn take_part(&mut self, index: usize, server: usize, mut result: Value, wire: &mut dyn Wire) {
        let cursor = result.as_object_mut().and_then(|result| result.remove("nextCursor"));
        let gathering = &mut self.gatherings[index];
        match (&mut gathering.parts[server], list_key(&gathering.method)) {
            (Some(known), Some(key)) => {
                let more = result.get_mut(key).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
                if let Some(items) = known.get_mut(key).and_then(Value::as_array_mut) {
                    items.extend(more);
                }
            }
            (part, _) => *part = Some(result),
        }
        let Some(cursor) = cursor.filter(|cursor| !cursor.is_null()) else { return };
        gathering.pages += 1;
        if gathering.pages > MAX_PAGES * gathering.parts.len() {
            return wire.note(&format!("server `{}` lists without end", self.servers[server].name));
        }
        let method = gathering.method.clone();
        let mut params = gathering.params.as_object().cloned().unwrap_or_default();
        params.insert("cursor".into(), cursor);
        let ours = self.own_id();
        wire.to_server(server, &request(&ours, &method, &Value::Object(params)));
        self.gatherings[index].waiting.insert(ours, server);
    }

    fn finish_gatherings(&mut self, now: Instant, wire: &mut dyn Wire) {
        let mut index = 0;
        while index < self.gatherings.len() {
            let gathering = &self.gatherings[index];
            if !gathering.waiting.is_empty() && gathering.deadline > now {
                index += 1;
                continue;
            }
            let gathering = self.gatherings.swap_remove(index);
            for server in gathering.waiting.values() {
                wire.note(&format!("server `{}` did not answer {}", self.servers[*server].name, gathering.method));
            }
            let answer = self.join(&gathering, wire);
            wire.to_client(&answer);
        }
    }

    /// Remembers whose a task is. One server does not take what another has begun.
    fn note_task(&mut self, server: usize, frame: &Frame<'_>) {
        const MOST: usize = 4096;
        let Some(task) = begun_by(frame).map(String::from) else { return };
        if self.tasks.len() >= MOST {
            // Whoever begins many forgets its own first.
            let own = |(task, of): (&String, &usize)| (*of == server).then(|| task.clone());
            match self.tasks.iter().find_map(own) {
                Some(other) => drop(self.tasks.remove(&other)),
                None => self.tasks.clear(),
            }
        }
        self.tasks.entry(task).or_insert(server);
    }

    /// A server that was started again is open; what it offers may have changed.
    fn reopened(&mut self, server: usize, frame: &Frame<'_>, wire: &mut dyn Wire) {
        let Some(result) = frame.value(Part::Result) else { return };
        self.open(server, &result);
        if let Some(initialized) = &self.initialized {
            wire.to_server(server, initialized);
        }
        for (capability, method) in [("tools", "tools"), ("prompts", "prompts"), ("resources", "resources")] {
            if self.servers[server].capabilities.get(capability).is_some() {
                wire.to_client(&format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{method}/list_changed\"}}"));
            }
        }
    }

    fn open(&mut self, server: usize, result: &Value) {
        let known = &mut self.servers[server];
        known.is_open = true;
        known.capabilities = result.get("capabilities").cloned().unwrap_or(Value::Null);
    }
}

/// The member of a list's result that holds the items.
fn list_key(method: &str) -> Option<&'static str> {
    Some(match method {
        "tools/list" => "tools",
        "prompts/list" => "prompts",
        "resources/list" => "resources",
        "resources/templates/list" => "resourceTemplates",
        _ => return None,
    })
}

fn is_named(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "completion/complete")
        || method.starts_with("resources/")
        || method.starts_with("tasks/")
}

fn request(id: &Id, method: &str, params: &Value) -> String {
    let head = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{}", json!(method));
    if params.is_null() { format!("{head}}}") } else { format!("{head},\"params\":{params}}}") }
}

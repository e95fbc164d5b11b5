//! Where credentials of the server and of its client are in a value.
//!
//! A credential is followed by structure and not by taint: what is computed from one (an answer of a service, a digest,
//! the first four letters, whether it is set) is no credential. It stays one as a field, an element, a piece of a longer
//! text, and in a text that a structure was written to (`JSON.stringify`).

use std::collections::BTreeSet;

use manta_core::{Location, Span};
use manta_detect::secrets;

use crate::engine::analysis::HandlerCall;
use crate::engine::api::ApiId;
use crate::engine::interp::Interp;
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, ObjId, Part, Val, Vn};
use crate::ir::Symbol;

/// How deep values are searched.
const DEPTH: usize = 12;
/// Most values looked at in one search.
const MAX_SEARCHED: usize = 4_096;
/// Most places of one tool at which a credential is returned.
const MAX_PLACES: usize = 16;

/// A credential, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Credential {
    /// A variable of the environment, by its name.
    Variable(String),
    /// Every variable of the environment, or one that the caller names.
    Environment,
    /// An argument of the server's own command line, by its name.
    Argument(String),
    /// The token that the client sent.
    OfClient,
}

impl Credential {
    /// The credential that something outside the target is, by its access path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        if is_environment(path) || path == "$env.*" {
            return Some(Self::Environment);
        }
        if path.ends_with("get_access_token().token") {
            return Some(Self::OfClient);
        }
        let is_parser = || ["argparse.", "commander.", "yargs."].iter().any(|root| path.starts_with(root));
        let variable = path.strip_prefix("$env.").or_else(|| path.strip_prefix("os.environ[]."));
        let (last, is_argument) = match variable {
            Some(name) => (name, false),
            None if is_parser() => (path.rsplit('.').next().unwrap_or_default(), true),
            None => return None,
        };
        let is_value = !last.contains(['(', '[', '.']);
        if !is_value || !secrets::is_name(last) {
            return None;
        }
        Some(if is_argument { Self::Argument(last.to_owned()) } else { Self::Variable(last.to_owned()) })
    }
}

/// A credential in what a tool answers.
#[derive(Clone, Debug)]
pub struct HandedOut {
    /// Which.
    pub credential: Credential,
    /// Where the answer is returned; none when that is not known.
    pub at: Option<Location>,
    /// Where it was returned on the way there.
    pub through: Vec<Location>,
}

/// What is known of a search.
struct Search {
    found: BTreeSet<Credential>,
    left: usize,
}

impl Interp<'_> {
    /// The credentials in a value.
    pub(crate) fn credentials(&self, value: &Val) -> BTreeSet<Credential> {
        let mut search = Search { found: BTreeSet::new(), left: MAX_SEARCHED };
        self.search(value, DEPTH, &mut search);
        search.found
    }

    /// The credential that something outside is.
    pub(crate) fn credential_of(&self, api: ApiId) -> Option<Credential> {
        let look_up = || Credential::of_path(&self.apis.name(api));
        self.known_credentials.borrow_mut().entry(api).or_insert_with(look_up).clone()
    }

    fn search(&self, value: &Val, depth: usize, search: &mut Search) {
        if depth == 0 || search.left == 0 {
            return;
        }
        search.left -= 1;
        if let Some(written) = self.written(value.vn) {
            self.search(written, depth - 1, search);
        }
        for part in value.text.iter().flat_map(|text| text.parts.iter()) {
            if let Part::Hole(hole) = part {
                self.search(hole, depth - 1, search);
            }
        }
        match &value.kind {
            Kind::Api(api, data) => {
                search.found.extend(self.credential_of(*api));
                if let Some(data) = data.filter(|_| super::calls::is_answer(&self.apis.name(*api))) {
                    self.search_object(data, depth, search);
                }
            }
            Kind::Method(_) if self.is_client_token(value) => {
                search.found.insert(Credential::OfClient);
            }
            Kind::Obj(id) => self.search_object(*id, depth, search),
            Kind::Union(values) => values.iter().for_each(|value| self.search(value, depth - 1, search)),
            _ => {}
        }
    }

    fn search_object(&self, id: ObjId, depth: usize, search: &mut Search) {
        let obj = self.store.obj(id);
        if matches!(obj.kind, ObjKind::Class(_)) {
            return;
        }
        for value in obj.fields.values().chain(&obj.items).chain(&obj.any).chain(&obj.more) {
            self.search(value, depth - 1, search);
        }
    }

    /// `extra.authInfo.token`, `….headers.authorization`: members of something that came with the request.
    fn is_client_token(&self, value: &Val) -> bool {
        let Kind::Method(method) = &value.kind else { return false };
        let Kind::Method(of) = &method.0.kind else { return false };
        let is_header = of.1.as_str() == "headers" && method.1.as_str().eq_ignore_ascii_case("authorization");
        is_header || matches!(of.1.as_str(), "authInfo" | "auth_info") && method.1.as_str() == "token"
    }

    /// A text was written of a value (`JSON.stringify(value)`), and holds what that holds.
    pub(crate) fn note_written(&mut self, text: &Val, value: &Val) {
        let is_structure = matches!(value.kind, Kind::Obj(_) | Kind::Union(_) | Kind::Api(..));
        if is_structure && text.vn != 0 {
            self.found.written.insert(text.vn, value.clone());
        }
    }

    /// A text is one of several, and may hold what one of them holds.
    pub(crate) fn note_joined(&mut self, text: Vn, values: &[Val]) {
        let is_outside = |part: &Part| match part {
            Part::Hole(hole) => matches!(hole.kind, Kind::Api(..) | Kind::Method(_) | Kind::Union(_)),
            Part::Lit(_) => false,
        };
        let holds = |value: &&Val| {
            value.text.as_deref().is_some_and(|text| text.parts.iter().any(is_outside))
                || self.written(value.vn).is_some()
        };
        let held: Vec<Val> = values.iter().filter(holds).cloned().collect();
        if !held.is_empty() {
            self.found.written.insert(text, Val::of(Kind::Union(held.into())));
        }
    }

    /// What a text is known to have been written of.
    fn written(&self, text: Vn) -> Option<&Val> {
        self.found.written.get(&text).or_else(|| self.found.written_before.get(&text)).filter(|_| text != 0)
    }

    /// The one structure that a text is known to have been written of, and nothing else: what reading it gives again.
    pub(crate) fn structure_written(&self, text: Vn) -> Option<Val> {
        self.written(text).filter(|value| matches!(value.kind, Kind::Obj(_))).cloned()
    }

    /// The variable of the environment that a key names.
    pub(crate) fn variable(&mut self, key: &Val) -> Val {
        if let Some(names) = self.props(key).lits {
            let values: Vec<Val> = names.iter().map(|name| self.environment(name)).collect();
            return self.join_all(values).unwrap_or_else(Val::unknown);
        }
        // A caller who may only complete a name (`APP_${name}`, a test of how it begins) reads what was named for that.
        let is_completed = key.text.as_deref().is_some_and(|text| matches!(text.parts.first(), Some(Part::Lit(_))));
        let is_any = self.taint_now(key).is_some() && !is_completed && self.found.formats.prefixes.is_empty();
        self.environment(if is_any { "*" } else { "" })
    }

    /// A header of something that came with the request, by its name.
    pub(crate) fn header_of_request(&self, receiver: &Val, key: &Val) -> Option<Val> {
        let Kind::Method(of) = &receiver.kind else { return None };
        let name = key.literal().filter(|name| name.eq_ignore_ascii_case("authorization"))?;
        let member = (receiver.clone(), Symbol::new(&name.to_ascii_lowercase()));
        (of.1.as_str() == "headers").then(|| Val::of(Kind::Method(std::rc::Rc::new(member))))
    }

    /// Where the credentials in a tool's answer are returned.
    pub(crate) fn handed_out(&mut self, credentials: BTreeSet<Credential>, call: &HandlerCall<'_>) -> Vec<HandedOut> {
        if credentials.is_empty() {
            return Vec::new();
        }
        // Once more, with an eye on what is returned.
        let steps = self.trace.len();
        self.start_run();
        self.found.returned = Some(Vec::new());
        let memo = std::mem::replace(&mut self.limits.memo, false);
        let mark = self.store.mark();
        self.call_handler(call);
        self.store.rollback(mark);
        self.store.release(mark);
        self.limits.memo = memo;
        self.trace.truncate(steps);
        let returned = self.found.returned.take().unwrap_or_default();
        let place = |credential: &Credential| {
            let all = || returned.iter().filter(|(_, _, found)| found.contains(credential));
            // The return that no other surrounds answers the call.
            let at = all().min_by_key(|(depth, ..)| *depth).map(|(_, at, _)| *at);
            let mut through: Vec<Location> = all().map(|(_, at, _)| *at).filter(|place| Some(*place) != at).collect();
            through.dedup();
            (at, through)
        };
        credentials
            .into_iter()
            .map(|credential| {
                let (at, through) = place(&credential);
                HandedOut { credential, at, through }
            })
            .collect()
    }

    /// Something is returned, while it matters what.
    pub(crate) fn note_returned(&mut self, value: &Val, span: Span) {
        let full = self.found.returned.as_ref().is_none_or(|places| places.len() >= MAX_PLACES);
        if full {
            return;
        }
        let found = self.credentials(value);
        if !found.is_empty() {
            let place = (self.frames.len(), self.here(span), found);
            self.found.returned.get_or_insert_default().push(place);
        }
    }

    /// Whether a value is the environment itself.
    pub(crate) fn is_environment(&self, value: &Val) -> bool {
        matches!(&value.kind, Kind::Api(api, _) if is_environment(&self.apis.name(*api)))
    }

    /// What a method of a text makes of the client's token: what is left of it is the token (`auth.split(" ")[1]`).
    pub(crate) fn client_token_method(&mut self, receiver: &Val, name: Symbol) -> Option<Val> {
        if !self.is_client_token(receiver) {
            return None;
        }
        match name.as_str() {
            "replace" | "slice" | "substring" | "substr" | "trim" | "strip" | "removeprefix" | "toString" => {
                Some(receiver.clone())
            }
            "split" | "partition" => Some(self.new_array(Vec::new(), Some(receiver.clone()))),
            _ => None,
        }
    }
}

/// Access paths of the whole environment.
fn is_environment(name: &str) -> bool {
    const PATHS: [&str; 6] = [
        "globalThis.process.env",
        "process.env",
        "globalThis.Bun.env",
        "globalThis.Deno.env",
        "os.environ",
        "os.environb",
    ];
    PATHS.contains(&name)
}

//! What clients run before each request: a check that stands there holds for every address, those of redirects included.

use std::rc::Rc;

use manta_core::Span;

use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// How many clients that are made of each other are looked through.
pub(super) const MAX_CLIENTS: usize = 4;
/// Where functions are kept that were given to a client after it was made.
const INTERCEPTORS: &str = "$interceptors";
/// Where requests' adapters are kept, before the beginning of the addresses that they are for.
const ADAPTER: &str = "$mount ";

/// What a client's hooks say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hooks {
    /// It has none.
    None,
    /// Nothing that stops it for sure.
    Pass,
    /// One of them surely throws.
    Refuse,
}

impl Interp<'_> {
    /// Keeps what a client is given after it was made: `session.mount(prefix, adapter)` of requests, and
    /// `client.interceptors.request.use(function)` of axios.
    pub(crate) fn note_hook(&mut self, api: &str, client: Option<ObjId>, args: &Args) {
        let Some(client) = client else { return };
        if api == "requests.Session().mount" {
            let prefix = args.get(0).and_then(|prefix| prefix.literal().map(str::to_lowercase));
            if let (Some(prefix), Some(adapter)) = (prefix, args.get(1)) {
                let key = Symbol::new(&format!("{ADAPTER}{prefix}"));
                self.store.obj_mut(client).fields.insert(key, adapter.clone());
            }
        } else if api.ends_with("axios.create().interceptors.request.use") {
            let Some(function) = args.get(0).filter(|function| self.is_callable(function)).cloned() else { return };
            let key = Symbol::new(INTERCEPTORS);
            let known = self.store.obj(client).fields.get(&key).cloned();
            match known.map(|known| known.kind) {
                Some(Kind::Obj(list)) => self.store.obj_mut(list).items.push(function),
                _ => {
                    let list = self.new_array(vec![function], None);
                    self.store.obj_mut(client).fields.insert(key, list);
                }
            }
        }
    }

    /// Runs what a client runs before it asks for a URL, for what it learns of that.
    pub(super) fn run_hooks(&mut self, url: &Val, client: Option<ObjId>, span: Span) -> Hooks {
        let mut ran = Hooks::None;
        if !url.is_tainted() {
            return ran;
        }
        let mut next = client;
        for _ in 0..MAX_CLIENTS {
            let Some(id) = next else { return ran };
            let state = self.store.obj_rc(id);
            for (hook, given) in self.hooks(&state, url, span) {
                self.last_call_failed = false;
                self.call_value(&hook, None, Args::of(given), span);
                if std::mem::replace(&mut self.last_call_failed, false) {
                    return Hooks::Refuse;
                }
                ran = Hooks::Pass;
            }
            next = match field(&state, "$of").map(|of| of.kind) {
                Some(Kind::Obj(id)) => Some(id),
                _ => None,
            };
        }
        ran
    }

    /// The functions, and what each is given.
    fn hooks(&mut self, client: &Rc<Obj>, url: &Val, span: Span) -> Vec<(Val, Vec<Val>)> {
        let mut hooks = Vec::new();
        // httpx: `event_hooks={"request": […]}`.
        for lists in ["event_hooks", "$event_hooks"].into_iter().filter_map(|key| field(client, key)) {
            let list = self.get_index(&lists, &Val::str("request"), span);
            let request = self.request(url, true, span);
            hooks.extend(self.functions(&list, span).into_iter().map(|hook| (hook, vec![request.clone()])));
        }
        // httpx: `transport=…`, which may dial through httpcore's `network_backend`.
        if let Some(transport) = field(client, "$transport") {
            for name in ["handle_request", "handle_async_request"] {
                if let Some(hook) = self.own_method(&transport, name, span) {
                    hooks.push((hook, vec![self.request(url, true, span)]));
                }
            }
            if let Some(dial) =
                self.backend(&transport).and_then(|backend| self.own_method(&backend, "connect_tcp", span))
            {
                let parsed = self.url_parse(&Args::of(vec![url.clone()]), span);
                let host = self.get_member(&parsed, Symbol::new("hostname"), span);
                hooks.push((dial, vec![host, Val::of(Kind::Num(None))]));
            }
        }
        // requests: of the adapters, the one with the longest beginning of the address.
        let address = url.literal().map(str::to_lowercase);
        let adapters = client.fields.iter().filter_map(|(key, adapter)| {
            let prefix = key.as_str().strip_prefix(ADAPTER)?;
            address.as_ref()?.starts_with(prefix).then_some((prefix.len(), adapter))
        });
        if let Some((_, adapter)) = adapters.max_by_key(|(length, _)| *length)
            && let Some(hook) = self.own_method(adapter, "send", span)
        {
            hooks.push((hook, vec![self.request(url, false, span)]));
        }
        // axios: interceptors get the options of the request.
        if let Some(list) = field(client, INTERCEPTORS) {
            let options = self.request(url, false, span);
            hooks.extend(self.functions(&list, span).into_iter().map(|hook| (hook, vec![options.clone()])));
        }
        // got, ky: `{ hooks: { beforeRequest: […] } }`; the one has a URL there, the other its text.
        if let Some(Val { kind: Kind::Obj(options), .. }) = client.items.first()
            && let Some(given) = field(&self.store.obj_rc(*options), "hooks")
        {
            let list = self.get_member(&given, Symbol::new("beforeRequest"), span);
            let request = self.request(url, true, span);
            hooks.extend(self.functions(&list, span).into_iter().map(|hook| (hook, vec![request.clone()])));
        }
        hooks
    }

    fn functions(&mut self, list: &Val, span: Span) -> Vec<Val> {
        let (items, more) = self.elements_of(list, span);
        items.into_iter().chain(more).filter(|function| self.is_callable(function)).collect()
    }

    /// A request for a URL, which it has as parts or as text.
    fn request(&mut self, url: &Val, is_parsed: bool, span: Span) -> Val {
        let url = if is_parsed { self.url_parse(&Args::of(vec![url.clone()]), span) } else { url.clone() };
        let mut request = Obj::new(ObjKind::Plain);
        request.fields.insert(Symbol::new("url"), url);
        Val::of(Kind::Obj(self.store.new_obj(request)))
    }

    /// A method that a class of the target has of its own.
    fn own_method(&mut self, object: &Val, name: &str, span: Span) -> Option<Val> {
        let (Kind::Obj(id) | Kind::Api(_, Some(id))) = object.kind else { return None };
        let ObjKind::Instance(class) = self.store.obj(id).kind else { return None };
        let name = Symbol::new(name);
        self.find_method(class, name)?;
        Some(self.get_member(object, name, span))
    }

    /// What the connection pool of a transport dials through.
    fn backend(&self, transport: &Val) -> Option<Val> {
        let (Kind::Obj(id) | Kind::Api(_, Some(id))) = transport.kind else { return None };
        let pools = self.store.obj(id).fields.values();
        pools.into_iter().find_map(|pool| match pool.kind {
            Kind::Api(_, Some(state)) => field(&self.store.obj_rc(state), "$network_backend"),
            _ => None,
        })
    }
}

fn field(object: &Rc<Obj>, name: &str) -> Option<Val> {
    object.fields.get(&Symbol::new(name)).cloned()
}

/// Whether an adapter of the program's own is mounted, which sees every address that the client asks for.
pub(super) fn has_adapter(client: &Obj) -> bool {
    client.fields.keys().any(|key| key.as_str().starts_with(ADAPTER))
}

//! Sinks that reach the network.

use manta_core::Span;

use super::hooks::{MAX_CLIENTS, has_adapter};
use super::{Judged, Piece, Spelled};
use crate::domain::url::{self, Host, Internal, Scheme};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{SinkKind, SinkRow};
use crate::engine::report::{FlowRule, Limit, Outcome};
use crate::engine::value::{Kind, ObjId, Transform, Val};
use crate::ir::Symbol;

const INTERNAL_URLS: [&str; 6] = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:8080/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://localhost:8080/",
    // JavaScript's `URL` keeps the brackets, which patterns for `::1` don't have.
    "http://[::1]:8080/",
];

/// How a request is made.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) kind: SinkKind,
    pub(super) api: &'a str,
    /// It goes on to where the answer redirects it.
    pub(super) is_redirected: bool,
}

/// Options of Python's clients that say whether they go on to where an answer redirects.
const FOLLOWS: [&str; 2] = ["follow_redirects", "allow_redirects"];

/// Options by which clients stay where they are (`redirect: "manual"`, `maxRedirects: 0`), look at redirects, or are given
/// what dials for them, where a check of the address holds for redirects as well.
const STOPS_REDIRECTS: [&str; 15] = [
    "redirect",
    "redirects",
    "follow",
    "maxRedirects",
    "max_redirects",
    "followRedirect",
    "followRedirects",
    "beforeRedirect",
    "agent",
    "dispatcher",
    "httpAgent",
    "httpsAgent",
    "lookup",
    "connector",
    "hooks",
];

/// An address that nobody has a reason to refuse but who lists what may be asked.
pub(crate) const PUBLIC_URL: &str = "https://example.org/start";

impl Interp<'_> {
    pub(super) fn check_url(
        &mut self,
        request: Request<'_>,
        value: &Val,
        base: Option<Val>,
        data: Option<ObjId>,
        span: Span,
    ) {
        let value = self.current(value);
        if let Kind::Obj(id) = value.kind {
            let obj = self.store.obj_rc(id);
            let get = |name: &str| obj.fields.get(&Symbol::new(name)).cloned().filter(|value| !value.is_nullish());
            if let Some(href) = get("href") {
                self.inside(|interp| interp.check_url(request, &href, base, data, span));
                return;
            }
            if let Some(url) = get("url").or_else(|| get("uri")) {
                let base = get("baseURL").or_else(|| get("baseUrl")).or_else(|| get("prefixUrl")).or(base);
                self.inside(|interp| interp.check_url(request, &url, base, data, span));
                return;
            }
            for field in ["hostname", "host"] {
                if let Some(host) = get(field) {
                    self.check_value(SinkKind::Host, request.api, &host, span);
                }
            }
            return;
        }
        let base = base.or_else(|| self.client_base(data));
        let bases: Vec<Val> = base.iter().flat_map(|base| base.alternatives().to_vec()).collect();
        for alternative in value.alternatives().to_vec() {
            if alternative.is_nullish() || self.is_content(&alternative) {
                continue;
            }
            // A client with a base URL treats the path as relative to it, unless it is a URL itself.
            let mut whole: Vec<Val> = Vec::new();
            for base in bases.iter().filter(|base| !base.is_nullish()) {
                let joined = self.url_join(&Args::of(vec![base.clone(), alternative.clone()]), span);
                whole.extend(self.current(&joined).alternatives().to_vec());
            }
            if whole.is_empty() {
                whole.push(alternative);
            }
            for joined in whole {
                let Some(spelled) = self.spell(&joined) else { continue };
                if self.replay_reached(&spelled, span) {
                    continue;
                }
                let (spelled, judged) =
                    self.judge_either(&joined, spelled, |interp, spelled| interp.judge_url(request, spelled));
                for judged in judged {
                    let judged = Judged { is_redirected: request.is_redirected, ..judged };
                    self.hit(request.kind, request.api, &spelled, judged, span);
                }
            }
        }
    }

    /// `axios.create({ baseURL })`, `httpx.Client(base_url=…)`: kept with the client.
    fn client_base(&mut self, data: Option<ObjId>) -> Option<Val> {
        let mut next = data;
        for _ in 0..4 {
            let state = self.store.obj_rc(next?);
            for key in ["$base_url", "baseURL", "base_url"] {
                if let Some(base) = state.fields.get(&Symbol::new(key)).filter(|value| !value.is_nullish()) {
                    return Some(base.clone());
                }
            }
            if let Some(Val { kind: Kind::Obj(options), .. }) = state.items.first() {
                for key in ["baseURL", "prefixUrl", "baseUrl"] {
                    if let Some(base) =
                        self.store.obj(*options).fields.get(&Symbol::new(key)).filter(|value| !value.is_nullish())
                    {
                        return Some(base.clone());
                    }
                }
            }
            next = match state.fields.get(&Symbol::new("$of")).map(|value| &value.kind) {
                Some(Kind::Obj(id)) => Some(*id),
                _ => None,
            };
        }
        None
    }

    /// Whether a request goes on to where an answer redirects it: the program asks for that, or the client does it and is
    /// given nothing that may stop it there.
    pub(super) fn goes_on(&self, row: &SinkRow, args: &Args, data: Option<ObjId>) -> bool {
        let set: Vec<&Val> = FOLLOWS.iter().filter_map(|name| args.named(name)).collect();
        let of_client = |name: &&str| {
            let client = self.store.obj(data?);
            // Assigned since, or what it was made with.
            client.fields.get(&Symbol::new(name)).or_else(|| client.given(name)).cloned()
        };
        let is_set = |value: &Val| value.truth() == Some(true);
        if !set.is_empty() {
            return set.into_iter().any(is_set);
        }
        let of_client: Vec<Val> = FOLLOWS.iter().filter_map(of_client).collect();
        if !of_client.is_empty() {
            return of_client.iter().any(is_set);
        }
        row.redirects
            && !args.pos.iter().any(|options| self.may_stop_redirects(options))
            && !self.was_made_to_stop(data)
    }

    /// Whether options of a request name a way to stay, or what looks at every connection.
    fn may_stop_redirects(&self, options: &Val) -> bool {
        let Kind::Obj(id) = options.kind else { return false };
        let options = self.store.obj(id);
        STOPS_REDIRECTS.iter().any(|name| {
            let set = options.fields.get(&Symbol::new(name)).filter(|value| !value.is_nullish());
            set.is_some_and(|value| !matches!(value.literal(), Some("follow")))
        })
    }

    /// The same for what a client was made with, and the clients that it was made of.
    fn was_made_to_stop(&self, client: Option<ObjId>) -> bool {
        let mut next = client;
        for _ in 0..MAX_CLIENTS {
            let Some(id) = next else { return false };
            let state = self.store.obj(id);
            let is_given = |name: &&str| state.given(name).is_some_and(|value| !value.is_nullish());
            if has_adapter(state)
                || STOPS_REDIRECTS.iter().any(is_given)
                || state.items.iter().any(|given| self.may_stop_redirects(given))
            {
                return true;
            }
            next = match state.fields.get(&Symbol::new("$of")).map(|of| &of.kind) {
                Some(Kind::Obj(id)) => Some(*id),
                _ => None,
            };
        }
        false
    }

    pub(super) fn judge_url(&self, request: Request<'_>, spelled: &Spelled) -> Vec<Judged> {
        let kind = request.kind;
        if let ([Piece::Hole(props)], SinkKind::Browse) = (spelled.pieces.as_slice(), kind)
            && matches!(props.url.scheme, Scheme::Web | Scheme::Https)
        {
            // A browser that opens web pages is the tool's purpose; local files are not.
            return vec![Judged::guarded(FlowRule::Ssrf)];
        }
        if let Some(Piece::Lit(start)) = spelled.pieces.first()
            && start.starts_with('/')
            && !start.starts_with("//")
        {
            // A path without a base: there is no host in it, and clients refuse it.
            return vec![Judged::guarded(FlowRule::Ssrf)];
        }
        let parts = spelled.parts();
        let mut judged = Vec::new();
        for hole in url::analyze(&parts) {
            let internal = match &spelled.pieces[hole.part] {
                Piece::Hole(props) => props.url.internal,
                _ => Internal::Unchecked,
            };
            judged.push(match (hole.host, internal) {
                (Host::AllowListed | Host::Fixed(_), _) => {
                    let climbs = hole.traversal.filter(|text| text.contains('/') && kind == SinkKind::Url);
                    let is_own = is_part_of_url(spelled, hole.part);
                    match climbs.filter(|_| !is_own && ends_resource(&spelled.pieces, hole.part)) {
                        Some(example) => {
                            Judged::bad(FlowRule::RequestPath, example, "`..` leads to another path of the same host")
                        }
                        None => Judged::guarded(FlowRule::Ssrf),
                    }
                }
                (Host::Tainted, Internal::Denied) if request.is_redirected => Judged {
                    limit: Some(Limit::Redirected),
                    ..Judged::bad(FlowRule::Ssrf, PUBLIC_URL, "the caller chooses the host")
                },
                (_, Internal::Denied) => Judged::guarded(FlowRule::Ssrf),
                (Host::WeaklyChecked { why, bypass }, _) => {
                    Judged { witnesses: Vec::new(), ..Judged::bad(FlowRule::WeakHostCheck, &*bypass, why.explain()) }
                }
                (Host::Tainted, _) => {
                    let example = hole.example.unwrap_or_else(|| INTERNAL_URLS[0].to_owned());
                    let witnesses: &[&str] =
                        if kind == SinkKind::Browse { &["file:///etc/passwd"] } else { &INTERNAL_URLS };
                    let mut bad = Judged::bad(FlowRule::Ssrf, example, "the caller chooses the host");
                    if spelled.is_whole {
                        bad.witnesses.clear();
                        // Behind a scheme of the program's a host is all that is missing.
                        if matches!(&spelled.pieces[hole.part], Piece::Hole(props) if props.url.scheme != Scheme::Unknown)
                        {
                            bad.witnesses.push("169.254.169.254".to_owned());
                        }
                    }
                    bad.or_witnesses(witnesses)
                }
            });
        }
        // One verdict per sink: the worst.
        judged.sort_by_key(|judged| (judged.outcome == Outcome::Guarded, judged.rule));
        judged.truncate(1);
        judged
    }
}

/// Whether a value is what a URL of the caller's has behind its host: the whole of it is the caller's to choose anyway.
fn is_part_of_url(spelled: &Spelled, part: usize) -> bool {
    let before = spelled.pieces[..part].iter().filter(|piece| matches!(piece, Piece::Hole(_))).count();
    let base = spelled.holes.get(before).and_then(|hole| hole.text.as_deref()?.base);
    matches!(base, Some((_, Transform::UrlPart(_))))
}

/// Whether a value ends a path that names what it is about (`https://host/v1/alerts/…`), and not only where the service is:
/// a tool that takes the whole path is there to call whatever the service offers, and what more of a path follows leads
/// only to what ends so.
fn ends_resource(pieces: &[Piece], part: usize) -> bool {
    let rest = &pieces[part + 1..];
    let goes_on = rest.iter().enumerate().find_map(|(index, piece)| match piece {
        Piece::Lit(text) => {
            let at = text.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#'))?;
            // A slash at the very end names the same place.
            let is_last = at + 1 == text.len() && index + 1 == rest.len();
            Some(text.as_bytes()[at] == b'/' && !is_last)
        }
        _ => None,
    });
    let names = pieces[..part].iter().filter_map(|piece| match piece {
        Piece::Lit(text) => {
            Some(text.split_once("://").map_or(&**text, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path)))
        }
        _ => None,
    });
    let is_name = |segment: &str| {
        let is_version =
            segment.trim_start_matches(['v', 'V']).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        !is_version && !matches!(segment, "api" | "rest" | "services" | "data")
    };
    goes_on != Some(true) && names.flat_map(|text| text.split('/')).any(is_name)
}

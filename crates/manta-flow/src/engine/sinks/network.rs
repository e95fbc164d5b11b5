//! Sinks that reach the network.

use manta_core::Span;

use super::{Judged, Piece, Spelled};
use crate::domain::url::{self, Host, Internal, Scheme};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::SinkKind;
use crate::engine::report::{FlowRule, Outcome};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

const INTERNAL_URLS: [&str; 4] =
    ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:8080/", "http://10.0.0.1/", "http://192.168.1.1/"];

impl Interp<'_> {
    pub(super) fn check_url(
        &mut self,
        kind: SinkKind,
        api: &str,
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
                self.inside(|interp| interp.check_url(kind, api, &href, base, data, span));
                return;
            }
            if let Some(url) = get("url").or_else(|| get("uri")) {
                let base = get("baseURL").or_else(|| get("baseUrl")).or_else(|| get("prefixUrl")).or(base);
                self.inside(|interp| interp.check_url(kind, api, &url, base, data, span));
                return;
            }
            for field in ["hostname", "host"] {
                if let Some(host) = get(field) {
                    self.check_value(SinkKind::Host, api, &host, span);
                }
            }
            return;
        }
        let base = base.or_else(|| self.client_base(data));
        for alternative in value.alternatives().to_vec() {
            if alternative.is_nullish() || self.is_content(&alternative) {
                continue;
            }
            let joined = match &base {
                // A client with a base URL treats the path as relative to it, unless it is a URL itself.
                Some(base) => self.url_join(&Args::of(vec![base.clone(), alternative.clone()]), span),
                None => alternative.clone(),
            };
            for joined in self.current(&joined).alternatives().to_vec() {
                let Some(spelled) = self.spell(&joined) else { continue };
                if self.replay_reached(&spelled, span) {
                    continue;
                }
                for judged in self.judge_url(kind, &spelled) {
                    self.hit(kind, api, &spelled, judged, span);
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

    pub(super) fn judge_url(&self, kind: SinkKind, spelled: &Spelled) -> Vec<Judged> {
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
                (_, Internal::Denied) | (Host::AllowListed | Host::Fixed(_), _) => Judged::guarded(FlowRule::Ssrf),
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

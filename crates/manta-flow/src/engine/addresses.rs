//! Internet addresses: what a check of a host or of its addresses says of a concrete one.
//!
//! Checks against server-side request forgery are run, not believed: an internal address takes the place of the
//! parameter, and what libraries say of it is answered here as they would. Of an address that is not known, nothing is.

use std::net::IpAddr;

use manta_core::Span;

use crate::domain::StrProps;
use crate::domain::address::{is_in_network, python_property, range_name, six_to_four};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Transform, UrlPart, Val};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    /// A name's address: literal addresses stay what they are, names give an address of unknown value.
    pub(crate) fn resolve_host(&mut self, name: &str, host: &Val, args: &Args, span: Span) -> Val {
        let mut host = self.current(host);
        // The brackets that a URL has around an IPv6 address are part of no name and no address.
        if self.found.replay.is_some() && host.literal().is_some_and(|name| name.starts_with('[')) {
            self.raise_here();
            return Val::unknown();
        }
        if host.literal().is_some_and(|name| name.eq_ignore_ascii_case("localhost")) {
            host = with_text(&host, "127.0.0.1");
        }
        // An address is its own and only address; a name has at least one.
        let known = host.literal().and_then(parse);
        let address = if known.is_some() {
            if self.found.replay.is_some() {
                self.expect_success();
            }
            host.clone()
        } else {
            self.derived(StrProps::default(), &host, Transform::UrlPart(UrlPart::Other))
        };
        let several = |interp: &mut Self, one: Val| {
            let more = known.is_none().then(|| one.clone());
            interp.new_array(vec![one], more)
        };
        let method = name.rsplit('.').next().unwrap_or(name);
        match (self.lang(), method) {
            (Lang::Python, "gethostbyname") => address,
            (Lang::Python, "getaddrinfo") => {
                let sockaddr = self.new_array(vec![address, Val::of(Kind::Num(None))], None);
                let unknown = Val::unknown;
                let family = known.map_or_else(Val::unknown, |known| self.python_family(known));
                let info = self.new_array(vec![family, unknown(), unknown(), unknown(), sockaddr], None);
                several(self, info)
            }
            (Lang::Python, "gethostbyname_ex" | "gethostbyaddr") => {
                let addresses = several(self, address);
                self.new_array(vec![Val::unknown(), Val::unknown(), addresses], None)
            }
            (Lang::JavaScript, "lookup") => {
                let mut record = Obj::new(ObjKind::Plain);
                record.fields.insert(Symbol::new("address"), address);
                let family = known.map(|known| if known.is_ipv4() { 4.0 } else { 6.0 });
                record.fields.insert(Symbol::new("family"), Val::of(Kind::Num(family)));
                let record =
                    Val { taint: host.taint, step: host.step, ..Val::of(Kind::Obj(self.store.new_obj(record))) };
                let all = args.get(1).cloned().map(|options| self.get_index(&options, &Val::str("all"), span));
                if all.is_some_and(|all| all.truth() == Some(true)) { several(self, record) } else { record }
            }
            // `dns.resolve4`, `dns.resolver.resolve`: texts, or what reads like them.
            _ => several(self, address),
        }
    }

    /// Whether a witness is read as an address; false when that raises an error. None where it is not known.
    pub(crate) fn reads_as_address(&self, api: ApiId, text: &Val) -> Option<bool> {
        let text = self.found.replay.is_some().then(|| text.literal()).flatten()?;
        match parse(text) {
            Some(_) => Some(true),
            // A zone behind the address is left to doubt, and so are the other notations that other libraries read.
            None => {
                let is_other = text.starts_with('[') || &*self.apis.name(api) == "ipaddress.ip_address";
                (!text.contains('%') && is_other).then_some(false)
            }
        }
    }

    fn python_family(&mut self, address: IpAddr) -> Val {
        let socket = self.apis.root(Symbol::new("socket"));
        let family = if address.is_ipv4() { "AF_INET" } else { "AF_INET6" };
        Val::of(Kind::Api(self.apis.step(socket, ApiStep::Field(Symbol::new(family))), None))
    }

    /// `net.isIP(text)`: 4, 6 or 0; `net.isIPv4(text)`, `net.isIPv6(text)`. Brackets are no part of an address.
    pub(crate) fn is_ip(&mut self, api: ApiId, value: &Val) -> Val {
        let value = self.current(value);
        let family = value.literal().map(|text| parse(text).map_or(0, |address| if address.is_ipv4() { 4 } else { 6 }));
        match self.apis.last(api) {
            ApiStep::Field(name) if name.as_str() == "isIPv4" => Val::of(Kind::Bool(family.map(|family| family == 4))),
            ApiStep::Field(name) if name.as_str() == "isIPv6" => Val::of(Kind::Bool(family.map(|family| family == 6))),
            _ => Val::of(Kind::Num(family.map(f64::from))),
        }
    }

    /// Properties of `ipaddress.ip_address(text)`. None when the name is none of them.
    pub(crate) fn address_property(&mut self, address: &Val, name: &str) -> Option<Val> {
        let known = known(address);
        Some(match name {
            "is_private" | "is_loopback" | "is_link_local" | "is_reserved" | "is_multicast" | "is_unspecified"
            | "is_global" | "is_site_local" => {
                known.map_or_else(Val::any_bool, |known| Val::bool(python_property(known, name)))
            }
            "version" => Val::of(Kind::Num(known.map(|known| if known.is_ipv4() { 4.0 } else { 6.0 }))),
            "ipv4_mapped" | "sixtofour" => match known {
                Some(IpAddr::V4(_)) => Val::null(),
                Some(IpAddr::V6(v6)) => {
                    let inner = if name == "ipv4_mapped" { v6.to_ipv4_mapped() } else { six_to_four(v6) };
                    inner.map_or_else(Val::null, |inner| with_text(address, &inner.to_string()))
                }
                // Another address of the same kind, or none.
                None => self.join(&Val::null(), address),
            },
            "teredo" if known.is_some_and(|known| known.is_ipv4()) => Val::null(),
            "compressed" | "exploded" if known.is_some_and(|known| known.is_ipv4()) => {
                Val { kind: Kind::Str, ..address.clone() }
            }
            _ => return None,
        })
    }

    /// Methods of `net.BlockList`, and of addresses that `ipaddr.js` has read.
    pub(crate) fn address_method(
        &mut self,
        api: ApiId,
        data: Option<ObjId>,
        this: Option<&Val>,
        args: &Args,
    ) -> Option<Val> {
        let ApiStep::Field(method) = self.apis.last(api) else { return None };
        match method.as_str() {
            "addAddress" | "addSubnet" | "addRange" | "check" => self.block_list(api, data?, method.as_str(), args),
            "range"
            | "kind"
            | "toString"
            | "toNormalizedString"
            | "isIPv4MappedAddress"
            | "toIPv4Address"
            | "match" => {
                let this = this.filter(|this| matches!(this.kind, Kind::Api(..)))?;
                // `process` reads an IPv4 address in IPv6 as the former.
                let is_processed = self.apis.name(api).contains(".process()");
                let address = known(this).map(|address| if is_processed { address.to_canonical() } else { address })?;
                Some(match (method.as_str(), address) {
                    ("range", address) => Val::str(range_name(address)),
                    ("kind", IpAddr::V4(_)) => Val::str("ipv4"),
                    ("kind", IpAddr::V6(_)) => Val::str("ipv6"),
                    ("isIPv4MappedAddress", IpAddr::V6(v6)) => Val::bool(v6.to_ipv4_mapped().is_some()),
                    ("toIPv4Address", IpAddr::V6(v6)) => with_text(this, &v6.to_ipv4_mapped()?.to_string()),
                    ("match", address) => {
                        let range = args.get(0)?;
                        let base = known_text(range)?;
                        let bits = args.get(1).and_then(number).map(|bits| format!("{base}/{bits}"));
                        let other = base.split('/').next().and_then(parse);
                        if other.is_some_and(|other| other.is_ipv4() != address.is_ipv4()) {
                            // It compares addresses of one family only.
                            self.raise_here();
                            return Some(Val::unknown());
                        }
                        Val::bool(is_in_network(address, bits.as_deref().unwrap_or(base))?)
                    }
                    (_, address) => Val::str(&address.to_string()),
                })
            }
            _ => None,
        }
    }

    /// `new BlockList()` keeps its networks as texts (`10.0.0.0/8`); one that is not known is kept as such.
    fn block_list(&mut self, api: ApiId, list: ObjId, method: &str, args: &Args) -> Option<Val> {
        if !self.apis.name(api).starts_with("net.BlockList()") {
            return None;
        }
        let text = |at: usize| args.get(at).and_then(known_text).map(str::to_owned);
        let entry = match method {
            "check" => return Some(self.is_blocked(list, text(0).as_deref())),
            "addAddress" => text(0).map(|address| format!("{address}-{address}")),
            "addSubnet" => text(0).zip(args.get(1).and_then(number)).map(|(base, bits)| format!("{base}/{bits}")),
            _ => text(0).zip(text(1)).map(|(first, last)| format!("{first}-{last}")),
        };
        let entry = entry.map_or_else(Val::unknown, |entry| Val::str(&entry));
        self.store.obj_mut(list).items.push(entry);
        Some(Val::undefined())
    }

    fn is_blocked(&self, list: ObjId, address: Option<&str>) -> Val {
        let Some(address) = address.and_then(parse) else { return Val::any_bool() };
        let mut verdict = Some(false);
        for entry in &self.store.obj(list).items {
            match entry.literal().and_then(|entry| blocks(entry, address)) {
                Some(true) => return Val::bool(true),
                Some(false) => {}
                None => verdict = None,
            }
        }
        Val::of(Kind::Bool(verdict))
    }
}

/// The text of a string, or of an address or network made of one.
pub(crate) fn known_text(value: &Val) -> Option<&str> {
    match value.kind {
        Kind::Str => value.literal(),
        Kind::Api(..) => value.text.as_deref().and_then(|text| text.props().as_literal()),
        _ => None,
    }
}

fn number(value: &Val) -> Option<f64> {
    if let Kind::Num(number) = value.kind { number } else { None }
}

fn known(value: &Val) -> Option<IpAddr> {
    known_text(value).and_then(parse)
}

/// The same kind of address with another text.
fn with_text(address: &Val, text: &str) -> Val {
    Val { text: Val::str(text).text, vn: 0, ..address.clone() }
}

fn parse(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// Whether an entry of a `BlockList` blocks an address; none when it is not known.
fn blocks(entry: &str, address: IpAddr) -> Option<bool> {
    match entry.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (parse(first)?, parse(last)?);
            Some(first.is_ipv4() == address.is_ipv4() && (first..=last).contains(&address))
        }
        None => is_in_network(address, entry),
    }
}

//! URL forms that mean another host to somebody, and addresses behind names. No traffic.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manta_detect::address::{Class, classify};
use manta_harden::net::{Resolve, UrlError, UrlPolicy, UrlRule, connect, resolve};

fn policy() -> UrlPolicy {
    UrlPolicy::new().host("example.com").unwrap().host("*.cdn.example.com").unwrap().host("93.184.216.34").unwrap()
}

fn rule(result: Result<impl std::fmt::Debug, UrlError>) -> UrlRule {
    result.expect_err("must be refused").rule()
}

#[test]
fn ordinary_urls_pass_and_are_written_anew() {
    for (url, sent) in [
        ("https://example.com", "https://example.com/"),
        ("https://EXAMPLE.com/a?b=c#frag", "https://example.com/a?b=c"),
        ("HTTPS://example.com./", "https://example.com/"),
        ("https://example.com:443/x", "https://example.com/x"),
        ("https://a.cdn.example.com/", "https://a.cdn.example.com/"),
        ("https://a.b.cdn.example.com/", "https://a.b.cdn.example.com/"),
        ("https://example.com/%2e%2e/etc", "https://example.com/etc"),
        ("https://example.com/日本", "https://example.com/%E6%97%A5%E6%9C%AC"),
        ("https://example.com/@user", "https://example.com/@user"),
        ("https://example.com?x=https://a@b", "https://example.com/?x=https://a@b"),
        ("https://93.184.216.34/", "https://93.184.216.34/"),
    ] {
        assert_eq!(policy().check(url).unwrap_or_else(|error| panic!("{url}: {error}")).to_string(), sent);
    }
}

#[test]
fn every_confusing_form_is_refused_by_its_rule() {
    use UrlRule as R;
    for (url, expected) in [
        ("http://example.com/", R::Scheme),
        ("ftp://example.com/", R::Scheme),
        ("file:///etc/passwd", R::Characters),
        ("gopher://example.com/", R::Scheme),
        ("data:text/html,x", R::Syntax),
        ("javascript:alert(1)", R::Syntax),
        ("//example.com/", R::Syntax),
        ("example.com", R::Syntax),
        ("", R::Syntax),
        ("https:example.com", R::Syntax),
        ("https:/example.com", R::Syntax),
        ("https:///example.com", R::Characters),
        ("https:\\\\example.com", R::Characters),
        ("https://example.com\\@evil.example", R::Characters),
        ("https://evil.example\\.example.com", R::Characters),
        ("https://exa\tmple.com/", R::Characters),
        ("https://example.com/\r\nHost: evil", R::Characters),
        (" https://example.com/", R::Characters),
        ("https://example.com /", R::Characters),
        ("https://example.com\u{0}.evil.example/", R::Characters),
        ("https://example.com%00.evil.example/", R::Characters),
        ("https://example.com%2eevil.example/", R::Characters),
        ("https://ｅxample.com/", R::Characters),
        ("https://example。com/", R::Characters),
        ("https://exam\u{ad}ple.com/", R::Characters),
        ("https://①②⑦.0.0.1/", R::Characters),
        ("https://example.com@evil.example/", R::UserInfo),
        ("https://user:pass@example.com/", R::UserInfo),
        ("https://@example.com/", R::UserInfo),
        ("https://example.com?@evil.example/", R::UserInfo),
        // Written anew it would be harmless; a server behind the guard gets it as it is.
        ("https://example.com#@evil.example/", R::UserInfo),
        ("https://example.com:443@evil.example/", R::UserInfo),
        ("https://example.com:8443/", R::Port),
        ("https://example.com:22/", R::Port),
        ("https://example.com:0/", R::Port),
        ("https://example.com:99999/", R::Syntax),
        ("https://example.com:+443/", R::Characters),
        ("https://evil.example/", R::Host),
        ("https://example.com.evil.example/", R::Host),
        ("https://evilexample.com/", R::Host),
        ("https://cdn.example.com/", R::Host),
        ("https://evilcdn.example.com/", R::Host),
        ("https://www.example.com/", R::Host),
        ("https://example/", R::Host),
        ("https://xn--exmple-cua.com/", R::Host),
        ("https://example.com../", R::OddForm),
        ("https://.example.com/", R::OddForm),
        ("https://-a.cdn.example.com/", R::OddForm),
        ("https://127.0.0.1/", R::IpLiteral),
        ("https://169.254.169.254/latest/meta-data/", R::IpLiteral),
        ("https://[::1]/", R::IpLiteral),
        ("https://[::ffff:127.0.0.1]/", R::IpLiteral),
        ("https://[::ffff:7f00:1]/", R::IpLiteral),
        ("https://[fd00:ec2::254]/", R::IpLiteral),
        ("https://[::]/", R::IpLiteral),
        ("https://127.1/", R::OddForm),
        ("https://0/", R::OddForm),
        ("https://0x7f.1/", R::OddForm),
        ("https://0x7f000001/", R::OddForm),
        ("https://2130706433/", R::OddForm),
        ("https://0177.0.0.1/", R::OddForm),
        ("https://127.0.0.1./", R::OddForm),
        ("https://093.184.216.34/", R::Syntax),
        ("https://[::1", R::Characters),
        ("https://[fe80::1%25eth0]/", R::Characters),
        ("https://[example.com]/", R::Syntax),
        ("https://localhost/", R::Metadata),
        ("https://metadata.google.internal/", R::Metadata),
        ("https://x.localhost/", R::Metadata),
    ] {
        assert_eq!(rule(policy().check(url)), expected, "{url:?}");
    }
    assert_eq!(rule(policy().check(&format!("https://example.com/{}", "a".repeat(2048)))), R::TooLong);
    let open = UrlPolicy::new().host("*").unwrap();
    for url in ["https://localhost/", "https://metadata.google.internal/", "https://127.0.0.1/", "https://[::1]/"] {
        assert!(open.check(url).is_err(), "`*` means names, not the machine itself: {url}");
    }
}

#[test]
fn any_name_is_any_public_one() {
    let open = UrlPolicy::new().host("*").unwrap();
    let within = UrlPolicy::new().host("*").unwrap().dangerous_allow_range("10.0.0.0/8").unwrap();
    for host in [
        "router",
        "localhost6",
        "printer.local",
        "vault.internal",
        "x.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "10.0.0.1.nip.io",
        "app.10-0-0-1.sslip.io",
        "7f000001.nip.io",
        "localtest.me",
        "www.lvh.me",
        "127.0.0.1.example.com",
        "ip-169-254-169-254.example.com",
        "a-10-0-0-1-b.example.com",
    ] {
        assert_eq!(rule(open.check(&format!("https://{host}/"))), UrlRule::Host, "{host}");
        assert!(within.check(&format!("https://{host}/")).is_ok(), "{host}: private addresses are admitted");
        assert!(UrlPolicy::new().host(host).unwrap().check(&format!("https://{host}/")).is_ok(), "{host}: named");
    }
    for host in
        ["example.com", "ec2-3-5-140-2.compute.amazonaws.com", "v1-2-3.example.com", "a.b.example", "local.example"]
    {
        assert!(open.check(&format!("https://{host}/")).is_ok(), "{host}");
    }
}

#[test]
fn host_rules_that_anyone_can_satisfy_are_refused() {
    for bad in [
        "",
        "*.",
        "*.com",
        "*.co.uk",
        "*.github.io",
        "*.amazonaws.com",
        "*.nip.io",
        "**.example.com",
        "a.*.com",
        "exa mple.com",
        "https://example.com",
        "example.com/",
        "example.com:443",
        "é.com",
        "-a.com",
        "1.2.3",
    ] {
        assert_eq!(rule(UrlPolicy::new().host(bad)), UrlRule::Policy, "{bad}");
    }
    for bad in ["127.0.0.1", "127.0.0.1/33", "::1/129", "x/8", "/8"] {
        assert_eq!(rule(UrlPolicy::new().dangerous_allow_range(bad)), UrlRule::Policy, "{bad}");
    }
}

/// Answers from a list, one call after the other, and counts the calls.
struct Script {
    answers: Vec<Vec<IpAddr>>,
    calls: AtomicUsize,
}

impl Script {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Self { answers: answers.iter().map(parse).collect(), calls: AtomicUsize::new(0) }
    }
}

impl Resolve for Script {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(self.answers[call.min(self.answers.len() - 1)].clone())
    }
}

#[test]
fn one_private_answer_refuses_the_name() {
    let url = policy().check("https://example.com/").unwrap();
    let answer = |list: &[&str]| resolve(&policy(), &url, &Script::new(&[list]));
    assert_eq!(answer(&["93.184.216.34", "2606:2800:220:1::1"]).unwrap().len(), 2);
    for private in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "0.0.0.0",
        "168.63.129.16",
    ] {
        assert!(matches!(rule(answer(&["93.184.216.34", private])), UrlRule::Address(_)), "{private}");
        assert!(matches!(rule(answer(&[private])), UrlRule::Address(_)), "{private}");
    }
    assert_eq!(rule(answer(&[])), UrlRule::Resolution);
    assert_eq!(rule(answer(&["93.184.216.34"; 17])), UrlRule::Resolution);

    let literal = policy().check("https://93.184.216.34/").unwrap();
    assert_eq!(rule(policy().check_addresses(&literal, &["1.1.1.1".parse().unwrap()])), UrlRule::Resolution);
}

#[test]
fn nat64_and_admitted_ranges_open_only_themselves() {
    let url = policy().check("https://example.com/").unwrap();
    let check = |policy: &UrlPolicy, ip: &str| policy.check_addresses(&url, &[ip.parse().unwrap()]).is_ok();
    let nat64 = policy().nat64("64:ff9b::".parse().unwrap());
    assert!(check(&nat64, "64:ff9b::5db8:d822"));
    assert!(
        !check(&nat64, "64:ff9b::a9fe:a9fe") && !check(&nat64, "64:ff9b::7f00:1") && !check(&nat64, "64:ff9b:1::1")
    );
    let admitted = policy().dangerous_allow_range("10.1.2.0/24").unwrap().dangerous_allow_range("fd00::/120").unwrap();
    assert!(
        check(&admitted, "10.1.2.0")
            && check(&admitted, "10.1.2.255")
            && check(&admitted, "::ffff:10.1.2.3")
            && check(&admitted, "fd00::ff")
    );
    assert!(
        !check(&admitted, "10.1.1.255")
            && !check(&admitted, "10.1.3.0")
            && !check(&admitted, "fd00::100")
            && !check(&admitted, "127.0.0.1")
    );
}

#[test]
fn a_rebinding_name_is_asked_once_and_reached_where_it_was_checked() {
    let private = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = private.local_addr().unwrap().port();
    let Ok(public) = TcpListener::bind(("127.0.0.2", port)) else { return };
    private.set_nonblocking(true).unwrap();
    // 127.0.0.2 plays the public address.
    let policy =
        UrlPolicy::new().host("rebind.example").unwrap().port(port).dangerous_allow_range("127.0.0.2/32").unwrap();
    let url = policy.check(&format!("https://rebind.example:{port}/")).unwrap();
    let script = Script::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let stream = connect(&policy, &url, &script, Duration::from_secs(5)).unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip(), "127.0.0.2".parse::<IpAddr>().unwrap());
    assert!(public.accept().is_ok());
    assert_eq!(script.calls.load(Ordering::Relaxed), 1);
    assert!(matches!(rule(connect(&policy, &url, &script, Duration::from_secs(5))), UrlRule::Address(Class::Loopback)));
    assert!(private.accept().is_err(), "nobody connected to the private address");
}

/// `std`'s own, stable notion of what is special; it knows less, so we may only be stricter.
fn is_special_to_std(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_unspecified()
                || v4.is_multicast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4_mapped().is_some_and(|v4| is_special_to_std(v4.into()))
        }
    }
}

#[test]
fn a_hundred_thousand_random_addresses_are_never_looser_than_std() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..100_000 {
        let v4 = Ipv4Addr::from_bits(next() as u32);
        let bits = (u128::from(next()) << 64) | u128::from(next());
        // A third anywhere, a third in the unicast block, a third that carry an IPv4 address.
        let v6 = match next() % 3 {
            0 => Ipv6Addr::from_bits(bits),
            1 => Ipv6Addr::from_bits((bits >> 3) | (1 << 125)),
            _ => v4.to_ipv6_mapped(),
        };
        for ip in [IpAddr::V4(v4), IpAddr::V6(v6)] {
            assert!(!(is_special_to_std(ip) && classify(ip).is_global()), "{ip}");
        }
        assert_eq!(classify(v4.into()), classify(v4.to_ipv6_mapped().into()), "{v4}");
    }
}

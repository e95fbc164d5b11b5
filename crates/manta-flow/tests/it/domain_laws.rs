//! Laws of the value domain: it is a lattice, and every operation admits what it can produce.

use manta_flow::domain::path::{self, Abs, Norm, Operand, PathVerdict, Reach, WeakContainment, Within};
use manta_flow::domain::regex::{Dialect, PythonMode, Regex};
use manta_flow::domain::url::{self, Component, Host, HostCheck, HostGrade, Subject, grade_host_check};
use manta_flow::domain::{CharSet, Part, PathState, StrProps, UrlState, argv, code, shell, sql};
use proptest::prelude::*;

fn config(cases: u32, seed: u64) -> ProptestConfig {
    let rng_seed = prop::test_runner::RngSeed::Fixed(seed);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

/// Small texts over characters that matter to paths and URLs.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select("a.b/A ~\n-é".chars().collect::<Vec<_>>()), 0..7)
        .prop_map(|characters| characters.into_iter().collect())
}

fn props() -> impl Strategy<Value = StrProps> {
    let patterns = [r"^[a-z./]+$", r"^\/?[a-z]+(\/[a-z.]+)*$", r"\.\.", "^-", r"^[\w.-]+$", r"\/$", "^.{2,4}$"];
    let regex = |pattern: &str| Regex::new(pattern, &Dialect::JavaScript { flags: "" }).expect("supported");
    let matched: Vec<StrProps> = patterns.iter().map(|pattern| regex(pattern).if_match()).collect();
    let failed: Vec<StrProps> = patterns.iter().map(|pattern| regex(pattern).if_no_match()).collect();
    let within = |within: Within| StrProps { path: PathState { within, ..StrProps::top().path }, ..StrProps::top() };
    let hosted = |host: Host| StrProps { url: UrlState { host, ..UrlState::UNKNOWN }, ..StrProps::top() };
    let some = vec![
        StrProps::top(),
        StrProps::bottom(),
        StrProps::number(),
        StrProps::of_charset(CharSet::WORD),
        StrProps::of_charset(CharSet::of("./a")),
        within(Within::Strong { dir: Some("/a".into()), real: false }),
        within(Within::Weak { dir: None, reason: WeakContainment::NoSeparator }),
        hosted(Host::AllowListed),
        hosted(Host::Fixed("a.example".into())),
    ];
    prop_oneof![
        3 => prop::collection::vec(text(), 1..4).prop_map(StrProps::one_of),
        2 => prop::sample::select(some),
        2 => prop::sample::select(matched),
        1 => prop::sample::select(failed),
    ]
}

/// A value and a text it admits.
fn inhabited() -> impl Strategy<Value = (StrProps, String)> {
    (props(), prop::collection::vec(text(), 12)).prop_filter_map("inhabited", |(props, texts)| {
        let from_literals = props.lits.as_deref().and_then(|lits| lits.first()).map(ToString::to_string);
        let text = from_literals.or_else(|| texts.into_iter().find(|text| props.admits(text)))?;
        props.admits(&text).then_some((props, text))
    })
}

proptest! {
    #![proptest_config(config(4000, 1))]

    #[test]
    fn join_is_a_semilattice((a, b, c) in (props(), props(), props())) {
        prop_assert_eq!(a.join(&a), a.clone());
        prop_assert_eq!(a.join(&b), b.join(&a));
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        prop_assert_eq!(a.join(&StrProps::bottom()), a);
    }

    #[test]
    fn refine_is_commutative_and_idempotent((a, b) in (props(), props())) {
        prop_assert_eq!(a.refine(&b), b.refine(&a));
        prop_assert_eq!(a.refine(&a), a.clone());
        prop_assert_eq!(a.refine(&b).refine(&b), a.refine(&b));
        prop_assert_eq!(a.refine(&StrProps::top()), a);
    }

    #[test]
    fn join_and_refine_are_sound((a, text) in inhabited(), (b, other) in inhabited()) {
        prop_assert!(a.join(&b).admits(&text));
        prop_assert!(a.join(&b).admits(&other));
        if b.admits(&text) {
            prop_assert!(a.refine(&b).admits(&text), "{:?}", a.refine(&b));
        }
        if a.refine(&b).admits(&text) {
            prop_assert!(b.admits(&text));
        }
    }

    #[test]
    fn string_operations_are_sound((a, text) in inhabited(), (b, other) in inhabited(), literal in text()) {
        let whole = StrProps::concat(&[Part::Hole(&a), Part::Lit(&literal), Part::Hole(&b)]);
        prop_assert!(whole.admits(&format!("{text}{literal}{other}")), "{whole:?}");
        prop_assert!(a.lower().admits(&text.to_lowercase()));
        prop_assert!(a.upper().admits(&text.to_uppercase()));
        prop_assert!(a.trim().admits(text.trim()));
        prop_assert!(a.strip_chars(CharSet::of("/"), true, false).admits(text.trim_start_matches('/')));
        let ends: &[char] = &['.', '/', ' '];
        prop_assert!(a.strip_chars(CharSet::of("./ "), true, true).admits(text.trim_matches(ends)));
        for (start, _) in text.char_indices() {
            prop_assert!(a.slice().admits(&text[start..]));
            prop_assert!(a.slice().admits(&text[..start]));
        }
        for separator in ["/", ".", "..", "../"] {
            prop_assert!(text.split(separator).all(|piece| a.split_removing(separator).admits(piece)));
            for with in ["", "-", "..", "/"] {
                prop_assert!(a.replace_all_text(separator, with).admits(&text.replace(separator, with)));
                prop_assert!(a.replace_some(&StrProps::exact(with)).admits(&text.replacen(separator, with, 1)));
            }
        }
        prop_assert!(a.basename().admits(text.rsplit('/').next().unwrap_or_default()));
        let quoted = ["'", &text.replace('\'', "'\"'\"'"), "'"].concat();
        prop_assert!(a.shell_quote().admits(&quoted));
        let json = serde_json::to_string(&text).expect("a string");
        prop_assert!(a.json_stringify().admits(&json), "{json}");
    }

    #[test]
    fn string_tests_are_sound(text in text(), constant in text()) {
        let facts = [
            (text.starts_with(&constant), StrProps::that_starts_with(&constant), StrProps::that_starts_without(&constant)),
            (text.ends_with(&constant), StrProps::that_ends_with(&constant), StrProps::that_ends_without(&constant)),
            (text.contains(&constant), StrProps::that_includes(&constant), StrProps::that_excludes(&constant)),
        ];
        for (holds, if_true, if_false) in facts {
            let fact = if holds { if_true } else { if_false };
            prop_assert!(fact.admits(&text), "{text:?} {constant:?} {holds}: {fact:?}");
        }
    }

    #[test]
    fn a_witness_is_admitted_and_contains_its_core((a, _) in inhabited(), core in text()) {
        if let Some(witness) = a.witness(&core) {
            prop_assert!(a.admits(&witness));
            prop_assert!(witness.contains(&core));
        }
    }

    #[test]
    fn path_operations_are_sound((a, text) in inhabited(), (b, other) in inhabited()) {
        let operands = [Operand::new(Part::Hole(&a)), Operand::new(Part::Hole(&b))];
        let joined = path::normalize_text(&[&text, &other].into_iter().filter(|s| !s.is_empty()).map(String::as_str).collect::<Vec<_>>().join("/"));
        prop_assert!(path::join(&operands).admits(&joined), "{joined:?} {:?}", path::join(&operands));
        prop_assert!(path::normalize(&a).admits(&path::normalize_text(&text)), "{text:?}");
        let absolute = path::normalize_text(&format!("/srv/dir/{text}"));
        if !text.starts_with('/') && !absolute.ends_with('/') {
            prop_assert!(path::resolve(&operands[..1]).admits(&absolute), "{absolute:?}");
        }
    }

    /// The heart of it: a path that is judged safe below a fixed directory never leaves it.
    #[test]
    fn a_safe_path_stays_below_its_directory((a, text) in inhabited(), (b, other) in inhabited()) {
        let stays = |full: &str| {
            let normal = path::normalize_text(full);
            normal == "/srv" || normal == "/srv/" || normal.starts_with("/srv/")
        };
        if path::judge(&[Part::Lit("/srv/"), Part::Hole(&a), Part::Lit(".x/"), Part::Hole(&b)]) == PathVerdict::Safe
            && !a.is_finite() && !b.is_finite() {
            prop_assert!(stays(&format!("/srv/{text}.x/{other}")), "{text:?} {other:?}");
        }
        let base = StrProps::exact("/srv");
        let operands = [Operand::trusted(&base, "/srv"), Operand::new(Part::Hole(&a)), Operand::new(Part::Hole(&b))];
        let contained = |props: &StrProps| matches!(props.path.within, Within::Strong { .. });
        let node_joined = path::join(&operands);
        // Constants are the program's own choice, so they may lead anywhere.
        let unrelated = |props: &StrProps| props.path.within == Within::None && !props.is_finite();
        if unrelated(&a) && unrelated(&b) && contained(&node_joined) {
            prop_assert!(stays(&format!("/srv/{text}/{other}")), "{text:?} {other:?}");
        }
        let python = path::python_join(&operands);
        if unrelated(&a) && unrelated(&b) && contained(&python) {
            let full = if other.starts_with('/') { other.clone() } else if text.starts_with('/') { format!("{text}/{other}") } else { format!("/srv/{text}/{other}") };
            prop_assert!(stays(&full), "{text:?} {other:?}");
        }
    }

    #[test]
    fn deny_list_replacement_agrees_with_the_class((a, text) in inhabited(), class in "[a./é]{1,3}", with in "[-./]{0,2}") {
        let removed = class.chars().filter(char::is_ascii).fold(CharSet::NONE, |set, c| set.union(CharSet::single(c)));
        let replaced: String = text.chars().map(|c| if removed.contains(c) { with.clone() } else { c.to_string() }).collect();
        prop_assert!(a.replace_all_chars(removed, &with).admits(&replaced), "{text:?} {replaced:?}");
    }
}

/// Pieces of hostile program text: syntax of every language, broken.
fn fragments() -> impl Strategy<Value = Vec<String>> {
    let fragments = [
        "'",
        "\"",
        "`",
        "$(",
        ")",
        "${",
        "}",
        "$((",
        "))",
        "<<EOF\n",
        "EOF",
        "\n",
        "\\",
        "#",
        "//",
        "/*",
        "*/",
        "--",
        "://",
        "@",
        ":",
        "[",
        "]",
        "?",
        "..",
        "/",
        " ",
        "sh -c ",
        "ssh h ",
        "sudo ",
        "docker exec ",
        "git clone ",
        "x",
        "é",
        "\u{0}",
        "=",
        ";",
        "|",
        "&",
        ">",
        "<(",
    ];
    prop::collection::vec(
        prop_oneof![9 => prop::sample::select(fragments.to_vec()).prop_map(String::from), 1 => any::<String>()],
        0..14,
    )
}

proptest! {
    #![proptest_config(config(3000, 2))]

    #[test]
    fn no_input_makes_an_automaton_panic(fragments in fragments(), holes in prop::collection::vec(any::<bool>(), 14), props in props()) {
        let mut parts = Vec::new();
        for (fragment, hole) in fragments.iter().zip(&holes) {
            parts.push(Part::Lit(fragment));
            if *hole {
                parts.push(Part::Hole(&props));
            }
        }
        let holes = parts.iter().filter(|part| matches!(part, Part::Hole(_))).count();
        prop_assert_eq!(shell::analyze(&parts).len(), holes, "every hole is judged");
        prop_assert_eq!(url::analyze(&parts).len(), holes);
        prop_assert_eq!(code::analyze(&parts, code::Language::JavaScript).len(), holes);
        prop_assert_eq!(sql::analyze(&parts, sql::Flavor::AnySql).len(), holes);
        let _ = path::judge(&parts);
        let words: Vec<Vec<Part<'_>>> = parts.chunks(2).map(<[_]>::to_vec).collect();
        prop_assert_eq!(argv::judge_all(&words).len(), words.len());
    }

    #[test]
    fn no_pattern_makes_the_regex_engine_panic(fragments in prop::collection::vec("[(|)*+?{}\\[\\]^$.\\\\a-c0-9,:=!<>-]{1,4}|\\PC{1,3}", 0..12), flags in "[imsuvgy]{0,3}") {
        let pattern = fragments.concat();
        for dialect in [Dialect::JavaScript { flags: &flags }, Dialect::Python { mode: PythonMode::Search, flags: &flags }, Dialect::Rust] {
            if let Ok(regex) = Regex::new(&pattern, &dialect) {
                let _ = (regex.facts(), regex.removed_characters(), regex.grade_host(Subject::Text));
            }
        }
    }
}

// ---- paths by example ----------------------------------------------------------------------------------------------

fn free() -> StrProps {
    StrProps::top()
}

fn js(pattern: &str) -> Regex {
    Regex::new(pattern, &Dialect::JavaScript { flags: "" }).expect("supported")
}

#[test]
fn a_free_path_escapes() {
    let free = StrProps::top();
    assert_eq!(
        path::judge(&[Part::Hole(&free)]),
        PathVerdict::Escapes { example: "/etc/passwd".into(), reach: Reach::Anywhere }
    );
    let PathVerdict::Escapes { example, .. } = path::judge(&[Part::Lit("/srv/"), Part::Hole(&free)]) else { panic!() };
    assert_eq!(example, "../../../../etc/passwd");
    let resolved = path::resolve(&[Operand::new(Part::Lit("/srv")), Operand::new(Part::Hole(&free))]);
    assert!(matches!(path::judge(&[Part::Hole(&resolved)]), PathVerdict::Escapes { .. }));
}

#[test]
fn what_keeps_a_path_inside() {
    let basename = free().basename();
    assert_eq!(
        path::judge(&[Part::Lit("/srv/"), Part::Hole(&basename)]),
        PathVerdict::Escapes { example: "..".into(), reach: Reach::ParentOnly }
    );
    assert_eq!(path::judge(&[Part::Lit("/srv/"), Part::Hole(&basename), Part::Lit(".json")]), PathVerdict::Safe);
    let name = js(r"^[\w-]+(\.\w+)?$").if_match();
    assert_eq!(path::judge(&[Part::Lit("/srv/"), Part::Hole(&name)]), PathVerdict::Safe);
    let no_parents = free().refine(&js(r"\.\.").if_no_match());
    assert_eq!(path::judge(&[Part::Lit("/srv/"), Part::Hole(&no_parents)]), PathVerdict::Safe);
    assert!(
        matches!(path::judge(&[Part::Hole(&no_parents)]), PathVerdict::Escapes { example, .. } if example == "/etc/passwd"),
        "an absolute path needs no `..`"
    );
    let joined = path::join(&[Operand::new(Part::Lit("/srv")), Operand::new(Part::Hole(&no_parents))]);
    assert_eq!(joined.path.within, Within::Strong { dir: Some("/srv".into()), real: false });
    let resolved = path::resolve(&[Operand::new(Part::Lit("/srv")), Operand::new(Part::Hole(&no_parents))]);
    assert_eq!(resolved.path.within, Within::None, "an absolute operand wins");
    let python = path::python_join(&[Operand::new(Part::Lit("/srv")), Operand::new(Part::Hole(&no_parents))]);
    assert_eq!(python.path.within, Within::None);
    let relative = no_parents.refine(&js("^/").if_no_match());
    let resolved = path::resolve(&[Operand::new(Part::Lit("/srv")), Operand::new(Part::Hole(&relative))]);
    assert!(matches!(resolved.path.within, Within::Strong { .. }));
}

#[test]
fn prefix_checks_are_graded() {
    let free = StrProps::top();
    let resolved = path::resolve(&[Operand::new(Part::Lit("/srv")), Operand::new(Part::Hole(&free))]);
    let grade = |value: &StrProps, prefix: &str| {
        path::grade_prefix(path::PrefixCheck { value: &value.path, prefix: &StrProps::exact(prefix), or_equal: false })
    };
    assert_eq!(grade(&resolved, "/srv/"), path::Containment::Strong { real: false });
    assert_eq!(grade(&resolved, "/srv"), path::Containment::Weak(WeakContainment::NoSeparator));
    assert!(
        matches!(grade(&free, "/srv/"), path::Containment::Useless { example } if example == "/srv/../../etc/passwd")
    );
    let real = path::absolute(&free, Norm::Real);
    assert_eq!(grade(&real, "/srv/"), path::Containment::Strong { real: true });
    assert_eq!(WeakContainment::NoSeparator.bypass("/srv"), "/srv-evil/secret.txt");
    assert_eq!(real.path.abs, Abs::Abs);
}

// ---- URLs by example -----------------------------------------------------------------------------------------------

fn hole(before: &str, props: &StrProps, after: &str) -> url::UrlHole {
    url::analyze(&[Part::Lit(before), Part::Hole(props), Part::Lit(after)]).remove(0)
}

#[test]
fn only_what_stands_before_the_first_slash_chooses_the_host() {
    let free = StrProps::top();
    for (before, after, component, tainted) in [
        ("https://api.example/v1/", "", Component::Path, false),
        ("https://api.example/v1?q=", "&x=1", Component::Query, false),
        ("https://api.example/#", "", Component::Fragment, false),
        ("https://api.example", "/v1", Component::Authority, true),
        ("https://", "/v1", Component::Authority, true),
        ("https://", ".example.com/v1", Component::Authority, true),
        ("https://x:", "@example.com/v1", Component::Authority, true),
        ("http://localhost:", "/v1", Component::Authority, true),
        ("//", "/v1", Component::Authority, true),
        ("", "", Component::Whole, true),
        ("", "://api.example/", Component::Scheme, true),
        ("/api/", "", Component::Path, false),
    ] {
        let found = hole(before, &free, after);
        assert_eq!(found.component, component, "{before}");
        assert_eq!(found.host == Host::Tainted, tainted, "{before}: {found:?}");
    }
}

#[test]
fn restricted_values_cannot_take_the_host_over() {
    let label = StrProps::of_charset(CharSet::ALNUM.union(CharSet::of("-")));
    assert_eq!(hole("https://", &label, ".example.com/v1").host, Host::Fixed("*.example.com".into()));
    assert_eq!(hole("https://", &label, ".com/").host, Host::Tainted);
    assert_eq!(hole("https://api.example", &label, "/").host, Host::Tainted);
    assert_eq!(hole("http://localhost:", &StrProps::integer(), "/x").host, Host::Fixed("localhost".into()));
    let path = free().refine(&js("^/").if_match());
    let appended = hole("https://api.example", &path, "");
    assert_eq!(appended.host, Host::Fixed("api.example*".into()));
    assert!(hole("https://api.example/", &free(), "").traversal.is_some());
    assert!(
        hole("https://api.example/", &free().encode_uri_component(), "").traversal.is_some(),
        "`..` is not encoded"
    );
    assert!(hole("https://api.example/", &label, "").traversal.is_none());
}

#[test]
fn host_checks_are_graded() {
    let host = |check| grade_host_check(Subject::Host, check);
    let text = |check| grade_host_check(Subject::Text, check);
    let bypass = |grade| match grade {
        HostGrade::Weak { bypass, .. } => bypass,
        other => panic!("{other:?} is not weak"),
    };
    assert_eq!(host(HostCheck::Equals("x.com")), HostGrade::Strong);
    assert_eq!(host(HostCheck::EndsWith(".x.com")), HostGrade::Strong);
    assert_eq!(bypass(host(HostCheck::EndsWith("x.com"))), "evilx.com");
    assert_eq!(bypass(host(HostCheck::Includes("x.com"))), "x.com.evil.example");
    assert_eq!(bypass(text(HostCheck::StartsWith("https://x.com"))), "https://x.com.evil.example/");
    assert_eq!(text(HostCheck::StartsWith("https://x.com/")), HostGrade::Strong);
    assert_eq!(text(HostCheck::StartsWith("https://")), HostGrade::None);
    assert_eq!(bypass(text(HostCheck::Includes("x.com"))), "https://evil.example/?x.com");
    assert_eq!(text(HostCheck::Includes("/api/")), HostGrade::None);
}

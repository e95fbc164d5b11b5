//! Facts from regular expressions, by example and against the `regex` crate.

use manta_flow::domain::path::DotDot;
use manta_flow::domain::regex::{Dialect, PythonMode, Regex};
use manta_flow::domain::url::{Host, HostGrade, Subject};
use manta_flow::domain::{CharSet, Quoting, StrProps};
use proptest::prelude::*;

fn js(pattern: &str) -> Regex {
    js_with(pattern, "")
}

fn js_with(pattern: &str, flags: &str) -> Regex {
    Regex::new(pattern, &Dialect::JavaScript { flags }).expect("supported pattern")
}

fn python(pattern: &str, mode: PythonMode) -> Regex {
    Regex::new(pattern, &Dialect::Python { mode, flags: "" }).expect("supported pattern")
}

const SHELL_META: &str = ";&|$`\n<>(){}*?'\"\\ ";

#[test]
fn an_anchored_class_bounds_the_characters() {
    let props = js("^[a-zA-Z0-9_-]+$").if_match();
    assert_eq!(props.charset, CharSet::WORD.union(CharSet::of("-")));
    assert_eq!(props.min_len, 1);
    assert!(props.first.contains('-'));
    assert!(!js("^[a-z0-9][a-z0-9-]*$").if_match().first.contains('-'));
}

#[test]
fn a_missing_anchor_proves_almost_nothing() {
    for pattern in ["[a-z]+", "^[a-z]+", "[a-z]+$", "^a|b$", "^[a-z]*"] {
        assert!(!js(pattern).if_match().charset.excludes(";"), "{pattern}");
    }
    assert!(js("^a").if_match().first.excludes(";"));
    assert!(js("[a-z]$").if_match().last.excludes(";"));
    assert!(js("^(a|b)$").if_match().is_finite());
}

#[test]
fn the_multiline_flag_undoes_the_anchors() {
    let props = js_with("^[a-z]+$", "m").if_match();
    assert!(!props.charset.excludes("\n;"));
    assert!(props.admits("abc\n; rm -rf /"));
    assert!(js_with("^[a-z]+$", "gi").if_match().charset.excludes(SHELL_META));
}

#[test]
fn the_dollar_of_python_admits_a_final_newline() {
    assert!(python("^[a-z]+$", PythonMode::Match).if_match().admits("abc\n"));
    assert!(!python("^[a-z]+$", PythonMode::Match).if_match().admits("abc\nx"));
    assert!(!python("^[a-z]+$", PythonMode::Match).may_match("abc\n\n"));
    assert!(!python(r"^[a-z]+\Z", PythonMode::Match).if_match().admits("abc\n"));
    assert!(!python("[a-z]+", PythonMode::FullMatch).if_match().admits("abc\n"));
    assert!(!js("^[a-z]+$").if_match().admits("abc\n"));
    assert!(python("[a-z]+", PythonMode::Match).if_match().charset.contains(';'));
    assert!(python("[a-z]+", PythonMode::Match).if_match().first.excludes(";"));
}

#[test]
fn alternatives_of_words_are_literals() {
    let props = js("^(?:status|log|diff)$").if_match();
    let lits: Vec<_> = props.lits.as_deref().expect("finite").iter().map(ToString::to_string).collect();
    assert_eq!(lits, ["diff", "log", "status"]);
    assert_eq!(js("^v[12]$").if_match().lits.map(|lits| lits.len()), Some(2));
}

#[test]
fn a_failed_deny_list_excludes_its_characters() {
    for pattern in ["[;&|$`]", ";|&|\\||\\$|`", "[;&|$`]+", "^.*[;&|$`]", "[^;&|$`]*[;&|$`]"] {
        let props = js(pattern).if_no_match();
        let expected = if pattern.starts_with("^.") { "" } else { ";&|$`" };
        assert!(props.charset.excludes(expected), "{pattern}: {props:?}");
        assert!(!props.charset.excludes("\n"), "{pattern}");
    }
    assert_eq!(js("[^a-z]").if_no_match().charset, CharSet::LOWER);
    assert!(!js("^-").if_no_match().first.contains('-'));
    assert!(!js("^[;&]+$").if_no_match().charset.excludes(";"));
    assert!(!js("a;").if_no_match().charset.excludes(";"));
    assert!(!js("(?<!x);").if_no_match().charset.excludes(";"));
}

#[test]
fn checks_for_parent_directories_are_understood() {
    assert_eq!(js(r"\.\.").if_no_match().path.dotdot, DotDot::No);
    assert_eq!(js(r"(^|/)\.\.(/|$)").if_no_match().path.dotdot, DotDot::No);
    assert_eq!(js(r"\.\./").if_no_match().path.dotdot, DotDot::LastOnly);
    assert_eq!(js(r"^\.\.").if_no_match().path.dotdot, DotDot::May);
    assert_eq!(js(r"^[\w-]+(\.[\w-]+)*$").if_match().path.dotdot, DotDot::No);
    assert_eq!(js(r"^[\w.-]+$").if_match().path.dotdot, DotDot::LastOnly);
    assert_eq!(js(r"^(?!.*\.\.)[\w./-]+$").if_match().path.dotdot, DotDot::No);
    assert_eq!(js(r"^(?!\.\.)[\w./-]+$").if_match().path.dotdot, DotDot::May);
}

#[test]
fn look_around_never_invents_facts() {
    assert!(js(r"(?=[a-z]).*").if_match().charset.contains(';'));
    assert!(!js(r"^(?=.*[A-Z])[A-Za-z]+$").if_match().charset.contains(';'));
    assert!(js(r"(?!x)[;]").if_no_match().charset.contains(';'));
    assert!(js(r"^(a+)\1$").if_match().charset.contains(';'));
}

#[test]
fn unicode_and_case_flags_are_respected() {
    assert!(!js_with("^[a-z]+$", "i").if_match().charset.has_non_ascii());
    assert!(js_with("^[a-z]+$", "iu").if_match().charset.has_non_ascii());
    assert!(python(r"^\w+\Z", PythonMode::Match).if_match().charset.has_non_ascii());
    assert!(!js(r"^\w+$").if_match().charset.has_non_ascii());
    assert!(js(r"^\s+$").if_match().charset.contains('\n'));
    assert!(js_with(r"^\p{L}+$", "u").if_match().charset.excludes(SHELL_META));
}

#[test]
fn invalid_and_foreign_syntax_is_unsupported() {
    for pattern in ["(", "[a", "a)", "*a", "a{2,1}", "[z-a]", r"\x4"] {
        assert!(Regex::new(pattern, &Dialect::JavaScript { flags: "u" }).is_err(), "{pattern}");
    }
    assert!(Regex::new("[a&&[b]]", &Dialect::Rust).is_err());
    assert!(Regex::new(&"(".repeat(5000), &Dialect::Rust).is_err());
    assert!(Regex::new(&("(".repeat(100) + &")".repeat(100)), &Dialect::Rust).is_err());
    // Exponential without limits; this test would not end.
    for hostile in
        ["(a|aa|ab|[a-z]{2,9})*.{60}(x|y).{60}$", "^(a|b|c|d|e|f){1,12}://", "(.*a){40}", "(?:(?:a?){64}){64}"]
    {
        let regex = Regex::new(hostile, &Dialect::Rust).expect("parses");
        let _ = (regex.facts(), regex.grade_host(Subject::Text));
    }
    let huge = Regex::new("((a{0,300}b){0,300}c){0,300}", &Dialect::Rust).expect("parses");
    assert_eq!(huge.if_match(), StrProps::top());
}

#[test]
fn a_global_replace_of_a_class_removes_it() {
    let any = StrProps::top();
    assert_eq!(js("[^a-z0-9]").replace(&any, "", true).charset, CharSet::LOWER.union(CharSet::DIGITS));
    assert_eq!(js("[^a-z0-9]+").replace(&any, "-", true).charset, CharSet::LOWER.union(CharSet::of("-0123456789")));
    assert!(js("[;&|]").replace(&any, "", true).charset.excludes(";&|"));
    assert!(!js("[;&|]").replace(&any, "", false).charset.excludes(";"), "only the first one goes");
    assert!(!js(r"\.\.\/").replace(&any, "", true).charset.excludes("."), "a sequence can reassemble");
    assert!(js(";|&").replace(&any, "", true).charset.excludes(";&"));
    assert!(!js("^[;&|]+").replace(&any, "", true).charset.excludes(";"));
    assert!(!js("a?;?").replace(&any, "", true).charset.excludes(";"), "the empty match comes first");
    assert!(js("[;&|]").replace(&any, ";", true).charset.contains(';'));
}

#[test]
fn removing_double_dots_leaves_none() {
    let any = StrProps::top();
    for pattern in [r"\.\.", r"\.{2,}", r"\.\.+", r"\.\.[\/\\]?", r"\.\.\/?"] {
        assert_eq!(js(pattern).replace(&any, "", true).path.dotdot, DotDot::No, "{pattern}");
        assert_eq!(js(pattern).replace(&any, "", false).path.dotdot, DotDot::May, "{pattern}");
        assert_eq!(js(pattern).replace(&any, ".", true).path.dotdot, DotDot::May, "{pattern}");
    }
    for pattern in [r"\.\.\/", r"\.{3}", r"^\.\.", r"\.\.|x", r"(?<!x)\.\."] {
        assert_eq!(js(pattern).replace(&any, "", true).path.dotdot, DotDot::May, "{pattern}");
    }
    assert_eq!(any.replace_all_text("..", "").path.dotdot, DotDot::No);
    assert_eq!(any.replace_all_text("../", "").path.dotdot, DotDot::May);
}

#[test]
fn stripping_the_ends_bounds_the_ends() {
    use manta_flow::domain::path::{self, Abs};
    let any = StrProps::top();
    assert!(js(r"^-+").replace(&any, "", false).first.excludes("-"));
    assert!(js(r"^-").replace(&any, "", false).first.contains('-'), "another one may follow");
    assert_eq!(js(r"^\/+").replace(&any, "", false).path.abs, Abs::Rel);
    let trimmed = js(r"^[\s.]+|[\s.]+$").replace(&any, "", true);
    assert!(trimmed.first.excludes(". ") && trimmed.last.excludes(". ") && trimmed.charset.contains('.'));
    let one_side = js(r"^\s+|\s+$").replace(&any, "", false);
    assert!(one_side.first.contains(' ') && one_side.last.contains(' '));
    // Express's way: normalise, then cut leading parents.
    let normal = path::normalize(&any);
    assert_eq!(js(r"^(\.\.(\/|\\|$))+").replace(&normal, "", false).path.dotdot, DotDot::No);
    assert_eq!(js(r"^(\.\.[\/\\])+").replace(&normal, "", false).path.dotdot, DotDot::LastOnly);
    assert_eq!(js(r"^(\.\.(\/|\\|$))+").replace(&any, "", false).path.dotdot, DotDot::May, "only once normalised");
}

#[test]
fn escaping_is_recognised_and_its_order_matters() {
    let any = StrProps::top();
    let proper = js(r#"(["\\$`])"#).replace(&any, r"\$1", true);
    assert!(matches!(proper.quoted, Quoting::Backslash(set) if set == CharSet::of("\"\\$`")));
    let quotes_only = js("\"").replace(&any, "\\\"", true);
    assert_eq!(quotes_only.quoted.backslashed(), CharSet::NONE, "a backslash before the quote undoes it");
    let wrong_order = js(r"\\").replace(&quotes_only, r"\\", true);
    assert_eq!(wrong_order.quoted, Quoting::None);
    let right_order = js("\"").replace(&js(r"\\").replace(&any, r"\\", true), "\\\"", true);
    assert!(matches!(right_order.quoted, Quoting::Backslash(set) if set == CharSet::of("\"\\")));
    assert_eq!(js("'").replace(&any, "'\\''", true).quoted, Quoting::ShellSingle(CharSet::NONE));
    // What was escaped for another language before stays so for it, behind the quotes of the shell.
    let escaped = js(r"\\").replace(&any, r"\\", true);
    let escaped = js("\"").replace(&escaped, "\\\"", true);
    let both = js("'").replace(&escaped, "'\\''", true);
    assert_eq!(both.quoted, Quoting::ShellSingle(CharSet::of("\"\\")));
    assert_eq!(js(r"\n").replace(&escaped, "<br>", true).quoted, escaped.quoted);
    assert_eq!(js("<").replace(&escaped, "\\\"", true).quoted, Quoting::None);
    assert_eq!(js("'").replace(&any, "''", true).quoted, Quoting::Doubled(CharSet::of("'")));
}

#[test]
fn a_pattern_can_pin_the_host() {
    let host = |pattern: &str| js(pattern).if_match().url.host;
    assert_eq!(host(r"^https:\/\/api\.example\.com\/"), Host::Fixed("api.example.com".into()));
    assert_eq!(host(r"^https?:\/\/(www\.)?example\.com\/"), Host::AllowListed);
    assert_eq!(host(r"^https:\/\/[\w-]+\.example\.com\/"), Host::AllowListed);
    assert_eq!(host(r"^https:\/\/(github|gitlab)\.com\/"), Host::AllowListed);
    assert_eq!(host(r"^https:\/\/api\.example\.com"), Host::Tainted);
    assert_eq!(host(r"https:\/\/api\.example\.com\/"), Host::Tainted);
    assert_eq!(host(r"^https:\/\/.*\.example\.com\/"), Host::Tainted);
    assert_eq!(host(r"^https?:\/\/"), Host::Tainted);
    assert_eq!(host(r"^https:\/\/api.example.com\/"), Host::Tainted, "an unescaped dot is any character");
}

#[test]
fn weak_host_patterns_come_with_a_bypass() {
    for pattern in
        [r"example\.com", r"^https:\/\/example\.com", r"^https?:\/\/.*\.example\.com", r"^https:\/\/api.example.com\/"]
    {
        let regex = js(pattern);
        let HostGrade::Weak { bypass, .. } = regex.grade_host(Subject::Text) else { panic!("{pattern} is weak") };
        assert!(regex.surely_matches(&bypass), "{pattern}: {bypass}");
    }
    assert_eq!(js(r"^(.*\.)?example\.com$").grade_host(Subject::Host), HostGrade::Strong);
    assert_eq!(js(r"^(.+\.)example\.com$").grade_host(Subject::Host), HostGrade::Strong);
    assert_eq!(js(r"^[a-z]+\.example\.com$").grade_host(Subject::Host), HostGrade::Strong);
    assert!(matches!(js(r"example\.com$").grade_host(Subject::Host), HostGrade::Weak { .. }));
    assert_eq!(js(r"\.png$").grade_host(Subject::Text), HostGrade::None);
}

/// Patterns over a small alphabet, so that generated subjects often match.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just(r"\.".to_owned()),
        Just("/".to_owned()),
        Just(".".to_owned()),
        Just("[ab]".to_owned()),
        Just("[^a;]".to_owned()),
        Just(";".to_owned()),
        Just(r"\w".to_owned()),
        Just(r"\s".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just(r"\b".to_owned()),
        Just("(?m:^)".to_owned()),
        Just("(?m:$)".to_owned()),
        Just("(?i:A)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|items| items.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|items| format!("(?:{})", items.join("|"))),
            inner.clone().prop_map(|item| format!("(?:{item})*")),
            inner.clone().prop_map(|item| format!("(?:{item})+?")),
            inner.clone().prop_map(|item| format!("(?:{item}){{1,2}}")),
            inner.prop_map(|item| format!("({item})?")),
        ]
    })
}

fn subject() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!['a', 'b', '.', '/', ';', '\n', ' ', 'A', 'é']), 0..7)
        .prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, rng_seed: prop::test_runner::RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_hold_for_every_subject(pattern in pattern(), subjects in prop::collection::vec(subject(), 12)) {
        let Ok(reference) = regex::Regex::new(&pattern) else { return Ok(()) };
        let Ok(ours) = Regex::new(&pattern, &Dialect::Rust) else { return Ok(()) };
        let facts = ours.facts();
        for subject in subjects {
            let matched = reference.is_match(&subject);
            if matched {
                prop_assert!(ours.may_match(&subject), "{pattern} on {subject:?}");
                prop_assert!(facts.if_match.admits(&subject), "{pattern} on {subject:?}: {:?}", facts.if_match);
                prop_assert!(subject.starts_with(&facts.required_prefix));
                prop_assert!(subject.to_lowercase().ends_with(&facts.required_suffix));
            } else {
                prop_assert!(!ours.surely_matches(&subject), "{pattern} on {subject:?}");
                prop_assert!(facts.if_no_match.admits(&subject), "{pattern} on {subject:?}: {:?}", facts.if_no_match);
            }
        }
    }

    #[test]
    fn replacing_admits_what_the_reference_makes(pattern in pattern(), subjects in prop::collection::vec(subject(), 12), with in "[a.;/]{0,2}") {
        let Ok(reference) = regex::Regex::new(&pattern) else { return Ok(()) };
        let Ok(ours) = Regex::new(&pattern, &Dialect::Rust) else { return Ok(()) };
        let all = ours.replace(&StrProps::top(), &with, true);
        let first = ours.replace(&StrProps::top(), &with, false);
        for subject in subjects {
            let replaced = reference.replace_all(&subject, regex::NoExpand(&with));
            prop_assert!(all.admits(&replaced), "{pattern} on {subject:?}: {all:?}");
            prop_assert!(first.admits(&reference.replace(&subject, regex::NoExpand(&with))));
        }
    }
}

//! One case per rule, and the look-alikes that must pass.

use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part, Refusal};

fn refusal(frame: impl AsRef<[u8]>, direction: Direction) -> Option<Refusal> {
    Frame::parse(frame.as_ref(), direction, &Limits::default()).err().map(|error| error.refusal)
}

fn call(arguments: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#)
}

#[test]
fn every_ambiguous_request_is_refused_for_its_own_reason() {
    let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
    for (frame, expected) in [
        (call(r#"{"path":"/ok","path":"/etc/passwd"}"#), Refusal::DuplicateKey),
        (call(r#"{"path":"/ok","p\u0061th":"/etc/passwd"}"#), Refusal::DuplicateKey),
        (call(r#"{"a":{"x":1,"y":{"x":1,"x":2}}}"#), Refusal::DuplicateKey),
        (call(r#"{"path":"/ok","Path":"/etc/passwd"}"#), Refusal::CaseTwin),
        (call(r#"{"task":"/ok","ta\u017fk":"/etc/passwd"}"#), Refusal::CaseTwin),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#.into(), Refusal::CaseTwin),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","PARAMS":{}}"#.into(), Refusal::CaseVariant),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"param\u{17f}\":{}}".into(), Refusal::CaseVariant),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"t"}}"#.into(), Refusal::CaseVariant),
        (format!("[{}]", call("{}")), Refusal::Batch),
        ("[]".into(), Refusal::Batch),
        ("\"x\"".into(), Refusal::NotAnObject),
        ("12".into(), Refusal::NotAnObject),
        ("".into(), Refusal::Syntax),
        ("{".into(), Refusal::Syntax),
        (call(&deep), Refusal::TooDeep),
        (call(r#"{"n":9007199254740993}"#), Refusal::UnsafeInteger),
        (call(r#"{"n":-9007199254740992}"#), Refusal::UnsafeInteger),
        (call(r#"{"n":1e400}"#), Refusal::NumberOverflow),
        (call(r#"{"n":NaN}"#), Refusal::Syntax),
        (call(r#"{"n":Infinity}"#), Refusal::Syntax),
        (call(r#"{"n":01}"#), Refusal::Syntax),
        (call(r#"{"n":.5}"#), Refusal::Syntax),
        (call(r#"{"n":1.}"#), Refusal::Syntax),
        (call(r#"{"n":+1}"#), Refusal::Syntax),
        (call(r#"{"n":1,}"#), Refusal::Syntax),
        (call(r#"{"n":'x'}"#), Refusal::Syntax),
        (call(r#"{"n":1/*c*/}"#), Refusal::Syntax),
        (call(r#"{"s":"\ud800"}"#), Refusal::LoneSurrogate),
        (call(r#"{"s":"\udc00\ud800"}"#), Refusal::LoneSurrogate),
        (call(r#"{"s":"\ud800\u0041"}"#), Refusal::LoneSurrogate),
        (call("{\"s\":\"a\u{1}b\"}"), Refusal::Syntax),
        (call(r#"{"s":"\x41"}"#), Refusal::Syntax),
        (call(r#"{"__proto__":{"admin":true}}"#), Refusal::PrototypeKey),
        (call(r#"{"pa\u0000th":"x"}"#), Refusal::NulInKey),
        (format!("\u{feff}{}", call("{}")), Refusal::ByteOrderMark),
        (format!("{}{}", call("{}"), call("{}")), Refusal::TrailingData),
        (format!("{{\"x\":\r{}\r}}", call("{}")), Refusal::CarriageReturn),
        (format!("\r{}", call("{}")), Refusal::CarriageReturn),
        (r#"{"jsonrpc":"2.0","id":4.0,"method":"x"}"#.into(), Refusal::BadId),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"x"}"#.into(), Refusal::BadId),
        (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#.into(), Refusal::BadId),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"x"}"#.into(), Refusal::BadId),
        (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"x"}"#.into(), Refusal::UnsafeInteger),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#.into(), Refusal::NotJsonRpc),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#.into(), Refusal::NotJsonRpc),
        (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#.into(), Refusal::NotJsonRpc),
        (r#"{"id":1,"method":"x"}"#.into(), Refusal::NotJsonRpc),
        (r#"{"jsonrpc":"2.0","id":1}"#.into(), Refusal::NotJsonRpc),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#.into(), Refusal::NotJsonRpc),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#.into(), Refusal::ParamsNotObject),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":5}}"#.into(), Refusal::MetaNotObject),
        (r#"{"jsonrpc":"2.0","method":"x","params":{"_meta":[]}}"#.into(), Refusal::MetaNotObject),
    ] {
        assert_eq!(refusal(&frame, Direction::ToServer), Some(expected), "{frame}");
    }
    assert_eq!(refusal(b"{\"a\":\"\xff\"}", Direction::ToServer), Some(Refusal::NotUtf8));
    assert_eq!(refusal(b"{\"a\":\"\xc0\xaf\"}", Direction::ToServer), Some(Refusal::NotUtf8));
    assert_eq!(refusal(b"{\"a\":\"\xed\xa0\x80\"}", Direction::ToServer), Some(Refusal::NotUtf8));
}

#[test]
fn ordinary_messages_pass_and_keep_their_bytes() {
    for frame in [
        call(
            r#"{"path":"/ok","n":9007199254740991,"f":-1.5e-3,"s":"\ud83d\ude00 \u0000 \"\\","u":"héllo\tworld"}"#
                .replace('\t', "\\t")
                .as_str(),
        ),
        call("null"),
        r#" { "jsonrpc" : "2.0" , "method" : "notifications/initialized" } "#.into(),
        r#"{"jsonrpc":"2.0","id":"a","method":"x","params":{"vendorExt":{"deep":[1,[2]]}},"x-unknown":1}"#.into(),
        r#"{"jsonrpc":"2.0","id":"","method":"x","params":null}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":null,"arguments":{"_meta":5}}}"#.into(),
    ] {
        let parsed = Frame::parse(frame.as_bytes(), Direction::ToServer, &Limits::default());
        let parsed = parsed.unwrap_or_else(|error| panic!("{frame}: {error}"));
        assert_eq!(parsed.wire_text(), frame);
    }
}

#[test]
fn results_may_carry_free_data() {
    let frame =
        r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"a":1,"A":2,"__proto__":3,"n":9007199254740993}}}"#;
    assert_eq!(refusal(frame, Direction::ToClient), None);
    // But never two readings of a protocol member, nor a true duplicate.
    let frame = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"Content":[]}}"#;
    assert_eq!(refusal(frame, Direction::ToClient), Some(Refusal::CaseVariant));
    let frame = r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"a":1,"a":2}}}"#;
    assert_eq!(refusal(frame, Direction::ToClient), Some(Refusal::DuplicateKey));
}

#[test]
fn duplicates_are_found_in_large_objects_too() {
    let mut members: Vec<String> = (0..500).map(|n| format!("\"key{n}\":{n}")).collect();
    assert_eq!(refusal(call(&format!("{{{}}}", members.join(","))), Direction::ToServer), None);
    members.push("\"key17\":0".into());
    assert_eq!(refusal(call(&format!("{{{}}}", members.join(","))), Direction::ToServer), Some(Refusal::DuplicateKey));
    *members.last_mut().unwrap() = "\"KEY17\":0".into();
    assert_eq!(refusal(call(&format!("{{{}}}", members.join(","))), Direction::ToServer), Some(Refusal::CaseTwin));
}

#[test]
fn parts_point_into_the_frame() {
    let frame = call(r#"{"path":"x"}"#);
    let parsed = Frame::parse(frame.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
    assert_eq!(parsed.kind(), Kind::Request);
    assert_eq!(parsed.id(), Some(&Id::Number(1)));
    assert_eq!(parsed.method(), "tools/call");
    assert_eq!(parsed.string(Part::Name).as_deref(), Some("t"));
    assert_eq!(parsed.raw(Part::Arguments), Some(r#"{"path":"x"}"#));
    assert_eq!(parsed.raw(Part::Uri), None);
    let edited = parsed
        .splice(&[(parsed.span(Part::Arguments).unwrap(), "{}".into()), (parsed.span(Part::Id).unwrap(), "9".into())]);
    assert_eq!(edited, call("{}").replace("\"id\":1", "\"id\":9"));
}

#[test]
fn a_member_called_like_a_part_elsewhere_is_not_that_part() {
    let frame = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":{"name":"evil"},"arguments":{"name":"evil"},"name":"t"}}"#;
    let parsed = Frame::parse(frame.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
    assert_eq!(parsed.string(Part::Name).as_deref(), Some("t"));
}

#[test]
fn the_size_limit_is_exact() {
    let frame = call("{}");
    let limits = |max_bytes| Limits { max_bytes, ..Limits::default() };
    assert!(Frame::parse(frame.as_bytes(), Direction::ToServer, &limits(frame.len())).is_ok());
    let error = Frame::parse(frame.as_bytes(), Direction::ToServer, &limits(frame.len() - 1)).unwrap_err();
    assert_eq!(error.refusal, Refusal::TooLong);
}

#[test]
fn depth_does_not_overflow_the_stack_and_hostile_keys_stay_fast() {
    assert_eq!(refusal("[".repeat(1 << 20), Direction::ToServer), Some(Refusal::Batch));
    assert_eq!(refusal(call(&"{\"a\":".repeat(1 << 20)), Direction::ToServer), Some(Refusal::TooDeep));
    let many: Vec<String> = (0..200_000).map(|n| format!("\"{n}\":0")).collect();
    let start = std::time::Instant::now();
    assert_eq!(refusal(call(&format!("{{{}}}", many.join(","))), Direction::ToServer), None);
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "quadratic in the number of keys");
}

#[test]
fn a_key_that_only_folds_to_another_hides_no_duplicate() {
    let answer = |members: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{{members}}}]}}}}"#);
    let few = r#""TEXT":0,"text":"a","text":"b""#.to_owned();
    // More keys than are compared one by one, in every order of the three.
    let filler: String = (0..40).map(|n| format!(r#""k{n}":{n},"#)).collect();
    let many = |three: [&str; 3]| format!("{filler}{}", three.map(|key| format!(r#""{key}":0"#)).join(","));
    for members in [
        few,
        many(["TEXT", "text", "text"]),
        many(["text", "TEXT", "text"]),
        many(["text", "text", "TEXT"]),
        many([r"te\u0078t", "TEXT", "text"]),
    ] {
        assert_eq!(refusal(answer(&members), Direction::ToClient), Some(Refusal::DuplicateKey), "{members}");
    }
    for members in [r#""TEXT":0,"text":"a","Text":"b""#.to_owned(), many(["TEXT", "text", "Text"])] {
        assert_eq!(refusal(answer(&members), Direction::ToClient), None, "{members}");
    }
}

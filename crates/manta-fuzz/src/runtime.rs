//! The running half: frames, policies, schemas, and the validators that authors of servers rely on.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::LazyLock;

use manta_harden::command::{CommandSet, CommandSpec, Cwd, Flag, Grammar, Operand, Value as ArgValue};
use manta_harden::net::UrlPolicy;
use manta_harden::paths::{Access, Root};
use manta_harden::policy::{Policy, PolicyFile};
use manta_harden::values::{Field, Rule, Schema, TextRule};
use manta_mcp::{Direction, Frame, Limits};
use serde_json::Value;

use crate::{seeds, text};

pub(crate) fn frame_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":[1,2.5e3,"x\u00e9\n"]},"_meta":{"progressToken":"p"}}}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"y"}],"isError":false,"structuredContent":{}}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"m","data":{"a":null}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":1,"ID":2,"method":"a","\u006dethod":"b","params":[]}"#,
    ])
}

pub(crate) fn frame(data: &[u8]) {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let Ok(frame) = Frame::parse(data, direction, &Limits::default()) else { continue };
        let read: Result<Value, _> = serde_json::from_str(frame.text());
        let value = read.expect("what is a frame is JSON");
        assert_eq!(frame.splice(&[]), frame.wire_text(), "no edit changes nothing but separators");
        assert!(!frame.wire_text().contains(['\n', '\r', '\u{2028}', '\u{2029}']), "a frame is one line");
        let method = value.get("method").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(frame.method(), method, "everybody reads the same method");
        black_box((frame.kind(), frame.id()));
    }
}

pub(crate) fn schema_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r##"{"type":"object","properties":{"a":{"type":"string","pattern":"^x+$","minLength":1},"b":{"$ref":"#/$defs/n"}},"required":["a"],"additionalProperties":false,"$defs":{"n":{"anyOf":[{"type":"integer","multipleOf":0.1},{"type":"null"}]}}}"##,
        r##"{"$id":"https://x/","$dynamicAnchor":"n","items":{"$dynamicRef":"#n"},"prefixItems":[true,false],"contains":{"const":1},"unevaluatedItems":false}"##,
        r#"{"if":{"type":"array"},"then":{"uniqueItems":true},"else":{"not":{"enum":[1,"a",null]}},"dependentSchemas":{"a":{"maxProperties":1}},"propertyNames":{"maxLength":3}}"#,
        r#"{"allOf":[{"oneOf":[{},{}]}],"patternProperties":{"^(a+)+$":{"exclusiveMinimum":1e308}}}"#,
    ])
    .into_iter()
    .map(|mut schema| {
        schema.extend_from_slice(b"\n{\"a\":\"xx\",\"b\":[1,{\"c\":1e300}],\"d\":null}");
        schema
    })
    .collect()
}

/// A schema and, on the next line, a value.
pub(crate) fn json_schema(data: &[u8]) {
    let text = text(data);
    let (schema, value) = text.split_once('\n').unwrap_or((&text, "{}"));
    let Ok(schema) = serde_json::from_str::<Value>(schema) else { return };
    let value: Value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let open = Schema::compile(&schema);
    let closed = Schema::closed(&schema);
    assert_eq!(open.is_ok(), closed.is_ok(), "closing a schema makes it neither valid nor invalid");
    if let (Ok(open), Ok(_)) = (&open, &closed) {
        let once = open.validate(&value).is_ok();
        assert_eq!(once, open.validate(&value).is_ok(), "one value, one verdict");
    }
}

pub(crate) fn policy_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "version = 1\n[tools.read]\nrule = \"allow\"\nargs.path = { path = \"r\" }\n[roots.r]\npath = \"/nonexistent\"\n",
        "[server]\nmode = \"enforce\"\n[limits]\ncalls = \"10/min\"\n[[rules]]\ntool = \"*\"\nrule = \"deny\"\n",
        "version = 1\n[hosts.api]\nallow = [\"*.example.com\", \"[::1]:80\"]\n[commands.git]\nexe = \"/usr/bin/git\"\n[commands.git.sub.log.flags]\n\"--max-count\" = \"int 1..100\"\n",
        "[a.\"b\"]\nc = [1, 2.5, 1979-05-27T07:32:00Z, '''x''', {d = true}]\n",
    ])
}

pub(crate) fn policy(data: &[u8]) {
    let text = text(data);
    if let Ok(file) = PolicyFile::parse("manta.toml", text.clone().into_owned()) {
        // Opens what the file names, which does not exist here; the answer is a policy or an error with a place.
        black_box(Policy::compile(file).is_ok());
    }
    black_box((Flag::parse(&text).is_ok(), ArgValue::parse(&text).is_ok()));
}

pub(crate) fn value_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "^[a-z]+$\n{\"a\":\"x\",\"n\":5.0,\"l\":[true,null],\"e\":\"one\"}",
        "(a|aa)+$\n{\"a\":\"\u{430}\u{200b}\",\"n\":1e3}",
        "\\p{L}{1,9}\n{\"a\":\"\",\"n\":-9007199254740993,\"more\":1}",
    ])
}

/// A pattern and, on the next line, a value.
pub(crate) fn values(data: &[u8]) {
    let text = text(data);
    let (pattern, value) = text.split_once('\n').unwrap_or(("x", &text));
    let Ok(line) = TextRule::line().max_len(20).pattern(pattern) else { return };
    let Ok(value) = serde_json::from_str::<Value>(value) else { return };
    let rule = Rule::object([
        ("a", Field::required(Rule::Text(line))),
        ("n", Field::optional(Rule::Int { min: -5, max: 1_000 })),
        ("l", Field::optional(Rule::List { items: Box::new(Rule::Nullable(Box::new(Rule::Bool))), min: 1, max: 2 })),
        ("e", Field::optional(Rule::Enum(vec!["one".to_owned(), "two".to_owned()]))),
    ]);
    if rule.check(&value).is_err() {
        return;
    }
    let members = value.as_object().expect("an object was asked for");
    let text = members["a"].as_str().expect("a text was asked for");
    assert!(text.chars().count() <= 20 && !text.chars().any(char::is_control), "{text:?}");
    let number = members.get("n").map_or(0.0, |number| number.as_f64().expect("a number was asked for"));
    assert!((-5.0..=1_000.0).contains(&number) && number.fract() == 0.0, "{number}");
    let is_known = |name: &String| ["a", "n", "l", "e"].contains(&name.as_str());
    assert!(members.keys().all(is_known), "no member that is not named");
}

const HOST: &str = "api.example.com";

static URLS: LazyLock<UrlPolicy> = LazyLock::new(|| UrlPolicy::new().host(HOST).expect("a host name is a rule"));
static ROOT: LazyLock<Root> =
    LazyLock::new(|| Root::open(std::env::temp_dir(), Access::READ).expect("there is a directory for temporary files"));
static COMMANDS: LazyLock<CommandSet> = LazyLock::new(|| {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/bin/true"));
    let flag = |notation: &str| Flag::parse(notation).expect("a flag of the policy notation");
    let mut spec = CommandSpec::new("run", program, Cwd::Dir(std::env::temp_dir()));
    spec.grammar = Grammar {
        flags: BTreeMap::from([
            ("-n".to_owned(), flag("int 1..9")),
            ("--name".to_owned(), flag("word")),
            ("--all".to_owned(), flag("none x2")),
        ]),
        operands: vec![
            Operand { value: ArgValue::Word, min: 0, max: 2 },
            Operand { value: ArgValue::GitRef, min: 0, max: 3 },
        ],
        ..Grammar::default()
    };
    CommandSet::new([spec]).expect("the test itself is a program")
});

pub(crate) fn validator_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "https://api.example.com/a?b#c",
        "https://api.example.com:443@evil.example/",
        "https://api.example.com\\@evil.example/",
        "HTTPS://API.EXAMPLE.COM./%2e%2e/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f.1/",
        "a/b/c.txt",
        "a/../b",
        "/etc/passwd",
        "a/./b//c/",
        "-n\u{1f}5\u{1f}--name=x\u{1f}--\u{1f}y",
        "--name\u{1f}x\u{1f}refs/heads/a",
        "--all\u{1f}--all\u{1f}--all",
    ])
}

pub(crate) fn validators(data: &[u8]) {
    let text = text(data);
    if let Ok(url) = URLS.check(&text) {
        assert_eq!(url.host(), HOST, "only the host of the policy");
        assert!(url.is_https(), "only https unless said otherwise");
    }
    if ROOT.check_text(&*text).is_ok() {
        assert!(!text.split('/').any(|part| part == ".."), "no path climbs");
        assert!(!text.contains(['\0', '\\', '\n']), "no character that means something to somebody else");
    }
    let args: Vec<&str> = text.split('\u{1f}').collect();
    if let Ok(invocation) = COMMANDS.check("run", &args) {
        let flags = invocation.argv().iter().take_while(|arg| *arg != "--");
        let mut value_follows = false;
        for arg in flags {
            let is_known = ["-n", "--name", "--all"].contains(&arg.as_str())
                || arg.starts_with("--name=")
                || arg.starts_with("-n");
            assert!(value_follows || !arg.starts_with('-') || is_known, "no flag that is not listed: {arg:?}");
            value_follows = arg == "-n" || arg == "--name";
        }
        assert!(invocation.argv().iter().all(|arg| !arg.contains('\0')));
    }
}

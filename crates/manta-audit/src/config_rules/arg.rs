//! Questions about reduced arguments.

use std::collections::BTreeSet;

use manta_flow::engine::analysis::{ArgInfo, CallInfo};
use manta_flow::engine::config::{FunctionFacts, Made};
use manta_flow::engine::credentials::Credential;

/// The value of a field of a record, or of a keyword argument something was made with.
pub(super) fn field<'a>(value: &'a ArgInfo, name: &str) -> Option<&'a ArgInfo> {
    let fields = match value {
        ArgInfo::Record(fields) => fields,
        ArgInfo::Made(made) => &made.fields,
        ArgInfo::OneOf(values) => return values.iter().find_map(|value| field(value, name)),
        _ => return None,
    };
    lookup(fields, name)
}

/// The value under a name.
pub(super) fn lookup<'a>(fields: &'a [(String, ArgInfo)], name: &str) -> Option<&'a ArgInfo> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// A keyword argument, or an option in a positional record.
pub(super) fn option<'a>(call: &'a CallInfo, name: &str) -> Option<&'a ArgInfo> {
    lookup(&call.named, name).or_else(|| call.args.iter().find_map(|value| field(value, name)))
}

/// The alternatives of a value.
pub(super) fn alternatives(value: &ArgInfo) -> Vec<&ArgInfo> {
    match value {
        ArgInfo::OneOf(values) => values.iter().flat_map(alternatives).collect(),
        _ => vec![value],
    }
}

/// Constant texts among the alternatives.
pub(super) fn texts(value: &ArgInfo) -> Vec<&str> {
    alternatives(value)
        .into_iter()
        .filter_map(|value| match value {
            ArgInfo::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// Whether the value is certainly absent, null or false.
pub(super) fn is_off(value: Option<&ArgInfo>) -> bool {
    value.is_none_or(|value| {
        alternatives(value).into_iter().all(|value| matches!(value, ArgInfo::Null | ArgInfo::Bool(false)))
    })
}

/// Whether the value is absent, null or false unless the administrator configures something else.
pub(super) fn is_off_by_default(value: Option<&ArgInfo>) -> bool {
    let usual = value.and_then(|value| alternatives(value).into_iter().next());
    is_off(value) || matches!(usual, Some(ArgInfo::Null | ArgInfo::Bool(false)))
}

/// Whether the value may be absent, null or false.
pub(super) fn may_be_off(value: &ArgInfo) -> bool {
    alternatives(value).into_iter().any(|value| matches!(value, ArgInfo::Null | ArgInfo::Bool(false)))
}

/// Whether what stands first among alternatives, and so holds by default, is nothing or a function that asks for no
/// credential: `TOKEN ? requireBearerAuth(…) : (req, res, next) => next()`.
pub(super) fn lets_pass_by_default(value: &ArgInfo) -> bool {
    match value {
        ArgInfo::OneOf(values) => values.first().is_some_and(|first| match first {
            ArgInfo::Null | ArgInfo::Bool(false) => true,
            ArgInfo::Function(facts) => !facts.decides_on.contains("credential") && !facts.refuses,
            _ => false,
        }),
        _ => false,
    }
}

/// As [`lets_pass_by_default`], for alternatives of which one is the given function.
pub(super) fn is_passed_by_default(value: &ArgInfo, facts: &FunctionFacts) -> bool {
    functions(value).into_iter().any(|own| std::ptr::eq(own, facts)) && lets_pass_by_default(value)
}

/// Visits a value and everything in it.
pub(super) fn walk<'a>(value: &'a ArgInfo, visit: &mut dyn FnMut(&'a ArgInfo)) {
    visit(value);
    match value {
        ArgInfo::List(values) | ArgInfo::OneOf(values) => values.iter().for_each(|value| walk(value, visit)),
        ArgInfo::Record(fields) => fields.iter().for_each(|(_, value)| walk(value, visit)),
        ArgInfo::Made(made) => {
            made.args.iter().for_each(|value| walk(value, visit));
            made.fields.iter().for_each(|(_, value)| walk(value, visit));
        }
        _ => {}
    }
}

/// Every argument of a call, keyword arguments last.
pub(super) fn all(call: &CallInfo) -> impl Iterator<Item = &ArgInfo> {
    call.args.iter().chain(call.named.iter().map(|(_, value)| value))
}

/// Functions in a value.
pub(super) fn functions(value: &ArgInfo) -> Vec<&FunctionFacts> {
    let mut found = Vec::new();
    walk(value, &mut |value| {
        if let ArgInfo::Function(facts) = value {
            found.push(&**facts);
        }
    });
    found
}

/// Things made outside the target in a value.
pub(super) fn made(value: &ArgInfo) -> Vec<&Made> {
    let mut found = Vec::new();
    walk(value, &mut |value| {
        if let ArgInfo::Made(made) = value {
            found.push(&**made);
        }
    });
    found
}

/// Access paths in a value.
pub(super) fn apis(value: &ArgInfo) -> Vec<&str> {
    let mut found = Vec::new();
    walk(value, &mut |value| match value {
        ArgInfo::Api(api) => found.push(api.as_str()),
        ArgInfo::Made(made) => found.push(made.api.as_str()),
        _ => {}
    });
    found
}

/// Credentials in a value. What a library made with one (a client, an answer) is none, headers excepted.
pub(super) fn credentials(value: &ArgInfo) -> BTreeSet<Credential> {
    match value {
        ArgInfo::Holds(credentials) => credentials.iter().cloned().collect(),
        ArgInfo::Api(api) => Credential::of_path(api).into_iter().collect(),
        ArgInfo::List(values) | ArgInfo::OneOf(values) => values.iter().flat_map(credentials).collect(),
        ArgInfo::Record(fields) => fields.iter().flat_map(|(_, value)| credentials(value)).collect(),
        ArgInfo::Made(made) if made.api.ends_with("Headers()") => made.args.iter().flat_map(credentials).collect(),
        _ => BTreeSet::new(),
    }
}

/// The last name of an access path.
pub(super) fn last(api: &str) -> &str {
    api.trim_end_matches("()").rsplit(['.', '/']).next().unwrap_or(api)
}

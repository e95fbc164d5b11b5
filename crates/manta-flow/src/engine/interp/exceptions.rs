//! Which exceptions a handler catches (Python's `except`).
//!
//! Handlers that certainly don't catch what is thrown stay out of its way: a check that raises its own error inside of
//! `try … except ValueError` holds.

use super::Interp;
use crate::engine::api::ApiId;
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, Val};
use crate::ir::Handler;

/// Python's exceptions and what each is derived from (the hierarchy in "Built-in Exceptions", and those of the standard
/// library that checks meet).
const PARENTS: &[(&str, &str)] = &[
    ("Exception", "BaseException"),
    ("KeyboardInterrupt", "BaseException"),
    ("SystemExit", "BaseException"),
    ("GeneratorExit", "BaseException"),
    ("asyncio.CancelledError", "BaseException"),
    ("ArithmeticError", "Exception"),
    ("OverflowError", "ArithmeticError"),
    ("ZeroDivisionError", "ArithmeticError"),
    ("AssertionError", "Exception"),
    ("AttributeError", "Exception"),
    ("BufferError", "Exception"),
    ("EOFError", "Exception"),
    ("ImportError", "Exception"),
    ("ModuleNotFoundError", "ImportError"),
    ("LookupError", "Exception"),
    ("IndexError", "LookupError"),
    ("KeyError", "LookupError"),
    ("MemoryError", "Exception"),
    ("NameError", "Exception"),
    ("UnboundLocalError", "NameError"),
    ("OSError", "Exception"),
    ("BlockingIOError", "OSError"),
    ("ChildProcessError", "OSError"),
    ("ConnectionError", "OSError"),
    ("BrokenPipeError", "ConnectionError"),
    ("ConnectionAbortedError", "ConnectionError"),
    ("ConnectionRefusedError", "ConnectionError"),
    ("ConnectionResetError", "ConnectionError"),
    ("FileExistsError", "OSError"),
    ("FileNotFoundError", "OSError"),
    ("InterruptedError", "OSError"),
    ("IsADirectoryError", "OSError"),
    ("NotADirectoryError", "OSError"),
    ("PermissionError", "OSError"),
    ("ProcessLookupError", "OSError"),
    ("TimeoutError", "OSError"),
    ("socket.gaierror", "OSError"),
    ("socket.herror", "OSError"),
    ("ReferenceError", "Exception"),
    ("RuntimeError", "Exception"),
    ("NotImplementedError", "RuntimeError"),
    ("RecursionError", "RuntimeError"),
    ("StopIteration", "Exception"),
    ("StopAsyncIteration", "Exception"),
    ("SyntaxError", "Exception"),
    ("SystemError", "Exception"),
    ("TypeError", "Exception"),
    ("ValueError", "Exception"),
    ("UnicodeError", "ValueError"),
    ("UnicodeDecodeError", "UnicodeError"),
    ("UnicodeEncodeError", "UnicodeError"),
    ("ipaddress.AddressValueError", "ValueError"),
    ("ipaddress.NetmaskValueError", "ValueError"),
    ("json.JSONDecodeError", "ValueError"),
    ("subprocess.SubprocessError", "Exception"),
    ("subprocess.CalledProcessError", "subprocess.SubprocessError"),
    ("subprocess.TimeoutExpired", "subprocess.SubprocessError"),
];

/// Other names of the same classes, old ones and those of other modules.
const ALIASES: &[(&str, &str)] = &[
    ("IOError", "OSError"),
    ("EnvironmentError", "OSError"),
    ("WindowsError", "OSError"),
    ("os.error", "OSError"),
    ("select.error", "OSError"),
    ("socket.error", "OSError"),
    ("socket.timeout", "TimeoutError"),
    ("asyncio.TimeoutError", "TimeoutError"),
    ("asyncio.exceptions.TimeoutError", "TimeoutError"),
    ("asyncio.exceptions.CancelledError", "asyncio.CancelledError"),
    ("concurrent.futures.TimeoutError", "TimeoutError"),
    ("json.decoder.JSONDecodeError", "json.JSONDecodeError"),
];

impl Interp<'_> {
    /// Whether a handler catches what is thrown; none when that is not known.
    pub(super) fn catches(&mut self, handler: &Handler, thrown: &Val) -> Option<bool> {
        if handler.types.is_empty() {
            return Some(true);
        }
        let mut verdict = Some(false);
        for kind in &handler.types {
            let kind = self.eval(*kind);
            match self.is_exception_of(thrown, &kind) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => verdict = None,
            }
        }
        verdict
    }

    fn is_exception_of(&self, thrown: &Val, kind: &Val) -> Option<bool> {
        match thrown.kind {
            // An instance of a class of the target, or the class itself.
            Kind::Obj(id) => {
                let class = match self.store.obj(id).kind {
                    ObjKind::Instance(class) => class,
                    ObjKind::Class(_) => id,
                    _ => return None,
                };
                let order = self.class_val(class)?.order.clone();
                let mut verdict = Some(false);
                for ancestor in order.iter() {
                    let is_it = match (&ancestor.kind, &kind.kind) {
                        (Kind::Obj(ancestor), Kind::Obj(kind)) => Some(ancestor == kind),
                        (Kind::Obj(_), Kind::Api(..)) => Some(false),
                        (Kind::Api(api, _), _) => self.is_external_exception_of(*api, kind),
                        _ => None,
                    };
                    match is_it {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => verdict = None,
                    }
                }
                verdict
            }
            Kind::Api(api, _) => self.is_external_exception_of(api, kind),
            _ => None,
        }
    }

    fn is_external_exception_of(&self, api: ApiId, kind: &Val) -> Option<bool> {
        match kind.kind {
            Kind::Api(kind, _) => is_derived(exception(&self.apis.name(api)), exception(&self.apis.name(kind))),
            // No class from elsewhere is derived from one of the target.
            Kind::Obj(_) => Some(false),
            _ => None,
        }
    }
}

/// The class in the name of a class or of what it makes: `builtins.ValueError()`.
fn exception(name: &str) -> &str {
    let name = name.strip_suffix("()").unwrap_or(name);
    let name = name.strip_prefix("builtins.").unwrap_or(name);
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name)
}

/// Whether one exception is another or derived from it. Those that aren't listed are exceptions like any other.
fn is_derived(name: &str, from: &str) -> Option<bool> {
    let of = |name: &str| PARENTS.iter().find(|(child, _)| *child == name).map(|(_, parent)| *parent);
    if name == from || matches!(from, "Exception" | "BaseException") && of(name).is_none() {
        return Some(true);
    }
    let ancestors = std::iter::successors(Some(of(name)?), |name| of(name));
    Some(ancestors.into_iter().any(|ancestor| ancestor == from))
}

#[cfg(test)]
mod tests {
    use super::{exception, is_derived};

    #[test]
    fn exceptions_are_derived_as_python_has_it() {
        for (name, from, expected) in [
            ("PermissionError", "ValueError", Some(false)),
            ("PermissionError", "OSError", Some(true)),
            ("PermissionError", "IOError", Some(true)),
            ("OSError", "socket.error", Some(true)),
            ("builtins.TimeoutError()", "asyncio.TimeoutError", Some(true)),
            ("json.JSONDecodeError", "json.decoder.JSONDecodeError", Some(true)),
            ("ValueError", "Exception", Some(true)),
            ("ValueError", "ValueError", Some(true)),
            ("ValueError", "httpx.HTTPError", Some(false)),
            ("UnicodeDecodeError", "ValueError", Some(true)),
            ("socket.gaierror", "OSError", Some(true)),
            ("KeyboardInterrupt", "Exception", Some(false)),
            ("httpx.ConnectError", "httpx.HTTPError", None),
            ("httpx.ConnectError", "Exception", Some(true)),
        ] {
            assert_eq!(is_derived(exception(name), exception(from)), expected, "{name} from {from}");
        }
    }
}

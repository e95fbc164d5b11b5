//! `when = "…"`: a condition in CEL over the arguments of one call (feature `cel`).
//!
//! It can only take away: it is asked after every argument has passed its own rule, and everything but a
//! plain `true` refuses the call, an error in the expression included.

use serde_json::{Map, Value};

/// What a condition may speak of.
const VARIABLES: [&str; 3] = ["args", "tool", "principal"];

/// A parsed condition.
pub(super) struct Condition {
    text: String,
    #[cfg(feature = "cel")]
    program: cel::Program,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl Condition {
    /// As it is written in the policy.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(not(feature = "cel"))]
impl Condition {
    /// A rule that cannot be enforced must not load.
    pub(super) fn parse(_: &str) -> Result<Self, String> {
        Err("`when` needs a build with feature `cel`".to_owned())
    }

    pub(super) fn check(&self, _: &str, _: &str, _: &Map<String, Value>) -> Result<(), String> {
        Err(format!("nothing here can read conditions over {}", VARIABLES.join(", ")))
    }
}

#[cfg(feature = "cel")]
mod evaluate {
    use std::collections::HashMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, LazyLock};

    use cel::common::ast::{EntryExpr, Expr};
    use cel::objects::{Key, Map as CelMap};
    use cel::{Context, Env, IdedExpr, Value as Cel};

    use super::{Condition, Map, VARIABLES, Value};

    /// Built once: making the standard functions costs more than most conditions.
    static STANDARD: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

    impl Condition {
        /// Parses a condition; a name that does not exist is an error here and not at the first call.
        pub(in super::super) fn parse(text: &str) -> Result<Self, String> {
            // The parser is generated code over text; whatever happens in it is a mistake in the policy.
            let parsed = catch_unwind(|| STANDARD.compile(text)).map_err(|_| "cannot be parsed".to_owned())?;
            let program = parsed.map_err(|error| error.to_string().replace('\n', " "))?;
            if let Some(unknown) = free_variable(program.expression(), &mut Vec::new()) {
                return Err(format!("`{unknown}` is not known here; there are {}", VARIABLES.join(", ")));
            }
            Ok(Self { text: text.to_owned(), program })
        }

        /// Whether the condition holds for a call.
        pub(in super::super) fn check(
            &self,
            tool: &str,
            principal: &str,
            args: &Map<String, Value>,
        ) -> Result<(), String> {
            let evaluate = || {
                let mut context = Context::with_env(Arc::clone(&STANDARD));
                context.add_variable_from_value("args", object(args));
                context.add_variable_from_value("tool", tool);
                context.add_variable_from_value("principal", principal);
                self.program.execute(&context)
            };
            match catch_unwind(AssertUnwindSafe(evaluate)) {
                Ok(Ok(Cel::Bool(true))) => Ok(()),
                Ok(Ok(Cel::Bool(false))) => Err("does not hold".to_owned()),
                Ok(Ok(_)) => Err("is neither true nor false".to_owned()),
                // The error may quote what the caller sent at full length.
                Ok(Err(error)) => Err(format!("cannot be decided: {}", super::super::shown(&error.to_string()))),
                Err(_) => Err("cannot be decided".to_owned()),
            }
        }
    }

    /// The first name that neither we nor a macro such as `all(x, …)` defines.
    fn free_variable<'e>(expression: &'e IdedExpr, bound: &mut Vec<&'e str>) -> Option<&'e str> {
        let inner: Vec<&IdedExpr> = match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => Vec::new(),
            Expr::Ident(name) => {
                let is_known = name.starts_with('@') || VARIABLES.contains(&name.as_str()) || is_type(name);
                return (!is_known && !bound.contains(&name.as_str())).then_some(name);
            }
            Expr::Select(select) => vec![&select.operand],
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
            Expr::List(list) => list.elements.iter().collect(),
            Expr::Map(map) => map.entries.iter().flat_map(|entry| parts(&entry.expr)).collect(),
            Expr::Struct(members) => members.entries.iter().flat_map(|entry| parts(&entry.expr)).collect(),
            Expr::Comprehension(each) => {
                let outside =
                    [&each.iter_range, &each.accu_init].into_iter().find_map(|part| free_variable(part, bound));
                let before = bound.len();
                bound.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
                bound.extend(each.iter_var2.as_deref());
                let inside = [&each.loop_cond, &each.loop_step, &each.result];
                let inside = inside.into_iter().find_map(|part| free_variable(part, bound));
                bound.truncate(before);
                return outside.or(inside);
            }
        };
        inner.into_iter().find_map(|part| free_variable(part, bound))
    }

    fn parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
        match entry {
            EntryExpr::StructField(field) => vec![&field.value],
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        }
    }

    /// Names of types are values in CEL: `type(args.n) == int`.
    fn is_type(name: &str) -> bool {
        ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"].contains(&name)
    }

    /// Whole numbers are `int` wherever they fit, so that `args.n + 1` means what it says.
    fn value(value: &Value) -> Cel {
        match value {
            Value::Null => Cel::Null,
            Value::Bool(is) => Cel::Bool(*is),
            Value::String(text) => Cel::String(Arc::new(text.clone())),
            Value::Array(items) => Cel::List(Arc::new(items.iter().map(self::value).collect())),
            Value::Object(members) => object(members),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(int), _, _) => Cel::Int(int),
                (None, Some(uint), _) => Cel::UInt(uint),
                (None, None, Some(float)) => Cel::Float(float),
                (None, None, None) => Cel::Null,
            },
        }
    }

    fn object(members: &Map<String, Value>) -> Cel {
        let map: HashMap<Key, Cel> =
            members.iter().map(|(name, member)| (Key::from(name.clone()), value(member))).collect();
        Cel::Map(CelMap { map: Arc::new(map) })
    }
}

//! The policy in words, its own tests, a first file to start from, and the schema for editors.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::args::{Arg, Check};
use super::spec::Access;
use super::{Decision, LOCAL, Match, Policy, ToolRule};

/// A commented policy for a project directory: read-only files, nothing else.
pub const TEMPLATE: &str = include_str!("template.toml");

/// What became of one `[[test]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// Its name, or the tool and its arguments.
    pub name: String,
    /// Line in the policy file.
    pub line: usize,
    /// Whether the decision was the expected one.
    pub passed: bool,
    /// What was expected and what came out.
    pub detail: String,
}

impl Policy {
    /// Runs the file's `[[test]]` table.
    #[must_use]
    pub fn run_tests(&self) -> Vec<CaseResult> {
        self.file.spec().test.iter().map(|case| self.run_test(case)).collect()
    }

    fn run_test(&self, case: &toml::Spanned<super::spec::CaseSpec>) -> CaseResult {
        let (line, case) = (self.file.line(&case.span()), case.get_ref());
        let args = match serde_json::to_value(&case.args) {
            Ok(Value::Object(args)) => args,
            _ => Map::new(), // a TOML table always is an object
        };
        let name = case.name.clone().unwrap_or_else(|| format!("{} {}", case.tool, Value::Object(args.clone())));
        let principal = case.principal.as_deref().unwrap_or(LOCAL);
        let (got, rule, detail) = match self.decide_for(principal, &case.tool, &args) {
            Decision::Deny(denial) => (Access::Deny, denial.rule.name.clone(), denial.to_string()),
            Decision::Allow(grant) => match grant.would_deny {
                Some(denial) => (Access::Deny, denial.rule.name.clone(), denial.to_string()),
                None => (Access::Allow, grant.rule.name.clone(), format!("allowed by {}", grant.rule)),
            },
        };
        let is_rule = case.rule.as_ref().is_none_or(|wanted| *wanted == rule);
        let detail = match (got == case.expect, is_rule) {
            (true, true) => detail,
            (true, false) => format!("expected rule {}; {detail}", case.rule.clone().unwrap_or_default()),
            (false, _) => format!("expected {}; {detail}", if case.expect == Access::Allow { "allow" } else { "deny" }),
        };
        CaseResult { name, line, passed: got == case.expect && is_rule, detail }
    }

    /// What the policy says about a tool, one line per rule, for people.
    #[must_use]
    pub fn explain_tool(&self, tool: &str) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = match self.tools.find(tool) {
            Match::Nothing if self.is_default_allow => {
                writeln!(out, "{tool}: allowed, because `default = \"allow\"`")
            }
            Match::Nothing => writeln!(out, "{tool}: denied, because no section names it"),
            Match::Respelled(twin, rule) => {
                writeln!(
                    out,
                    "{tool}: denied, because it is another spelling of `{twin}`, which {} is about",
                    rule.rule
                )
            }
            Match::Rule(rule) if rule.is_denied => writeln!(out, "{tool}: denied by {}", rule.rule),
            Match::Rule(rule) => {
                let _ = writeln!(out, "{tool}: allowed by {}, if", rule.rule);
                rule.explain(&mut out);
                Ok(())
            }
        };
        out
    }

    /// What the policy says about one call, and why.
    #[must_use]
    pub fn explain_call(&self, principal: &str, tool: &str, args: &Map<String, Value>) -> String {
        let mut out = String::new();
        let denial = match self.decide_for(principal, tool, args) {
            Decision::Deny(denial) => {
                let _ = writeln!(out, "deny   {denial}");
                Some(denial)
            }
            Decision::Allow(grant) => {
                let _ = writeln!(out, "allow  by {}", grant.rule);
                for limit in grant.limits.iter() {
                    let _ =
                        writeln!(out, "limit  {}: {} calls in {} s", limit.name, limit.calls, limit.per.as_secs_f64());
                }
                if let Some(denial) = &grant.would_deny {
                    let _ = writeln!(out, "shadow would be {denial}");
                }
                grant.would_deny
            }
        };
        if let Some(fix) = denial.and_then(|denial| denial.fix) {
            let _ = writeln!(out, "fix    {fix}");
        }
        out
    }
}

impl ToolRule {
    fn explain(&self, out: &mut String) {
        for (name, arg) in &self.args {
            let need = if arg.is_required { "is given and " } else { "" };
            let _ = writeln!(out, "  `{name}` {need}{} ({}:{})", arg.explain(), arg.rule.file.display(), arg.rule.line);
        }
        if !self.passes_extra {
            let _ = writeln!(out, "  there is no other argument");
        }
        if let Some(condition) = &self.when {
            let _ = writeln!(out, "  `{}` holds", condition.text());
        }
        for limit in self.limits.iter() {
            let _ = writeln!(
                out,
                "  limit `{}` admits it: {} calls in {} s",
                limit.name,
                limit.calls,
                limit.per.as_secs_f64()
            );
        }
    }
}

impl Arg {
    fn explain(&self) -> String {
        match &self.check {
            Check::Path { names, wanted, .. } => {
                let rights = [
                    (wanted.read, "read"),
                    (wanted.write, "write"),
                    (wanted.create, "create"),
                    (wanted.delete, "delete"),
                ];
                let rights: Vec<&str> = rights.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
                format!("is a path below {} to {}", names.join(" or "), rights.join(", "))
            }
            Check::Url { sets } => {
                let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
                format!("is a URL to hosts {}", names.join(" or "))
            }
            Check::Command { names, .. } => format!("is a call of {} within its grammar", names.join(" or ")),
            Check::String { max, .. } if *max == usize::MAX => "is text".to_owned(),
            Check::String { max, .. } => format!("is text of at most {max} characters"),
            Check::Int { .. } => "is a whole number in range".to_owned(),
            Check::Number { .. } => "is a number in range".to_owned(),
            Check::Bool => "is true or false".to_owned(),
            Check::Enum(values) => format!("is one of {}", values.join(", ")),
            Check::List { item: Some(item), max, .. } => {
                format!("has at most {max} elements, each of which {}", item.explain())
            }
            Check::List { item: None, max, .. } => format!("has at most {max} elements"),
            Check::Object(fields) => {
                format!("has only the members {}", fields.keys().cloned().collect::<Vec<_>>().join(", "))
            }
            Check::Any => "is anything".to_owned(),
        }
    }
}

/// JSON Schema of the policy file.
#[cfg(feature = "schema")]
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(super::spec::PolicySpec).to_value()
}

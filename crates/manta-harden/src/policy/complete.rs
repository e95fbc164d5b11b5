//! Values that a server proposes while an argument is typed (`completion/complete`).
//!
//! To propose values a server looks where the unfinished one leads: `/etc/` is answered with what is in there. So the
//! rules of a prompt's arguments, and the addresses of resources, hold for what is typed as well, as far as something
//! unfinished can keep them.

use serde_json::{Map, Value};

use super::args::{self, Found};
use super::{Decision, Denial, Match, Policy, ToolRule, shown};

/// What an argument belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes<'a> {
    /// A prompt, by its name.
    Prompt(&'a str),
    /// A template of resources, such as `notes://{name}`.
    Template(&'a str),
}

impl Policy {
    /// Decides whether values may be proposed for `argument`, of which `typed` is there, beside `others` that are
    /// finished. A `when` is not asked: it speaks of whole calls.
    #[must_use]
    pub fn decide_completion(
        &self,
        principal: &str,
        of: Completes<'_>,
        argument: &str,
        typed: &str,
        others: &Map<String, Value>,
    ) -> Decision {
        let name = match of {
            Completes::Template(template) => return self.decide_resource(&filled(template, argument, typed, others)),
            Completes::Prompt(name) => name,
        };
        let rule = match self.prompts.find(name) {
            Match::Rule(rule) => rule,
            Match::Respelled(twin, rule) => return self.respelled("prompts", name, twin, rule),
            Match::Nothing => return self.unnamed("prompts", name),
        };
        let mut found = Found { reader: self.reader.as_ref(), ..Found::default() };
        let limits = std::sync::Arc::clone(&rule.limits);
        match rule.check_unfinished(principal, name, (argument, typed), others, &mut found) {
            Err(denial) => self.refuse(denial, limits),
            Ok(()) => Decision::Allow(self.grant(rule.rule.clone(), limits)),
        }
    }
}

impl ToolRule {
    fn check_unfinished(
        &self,
        principal: &str,
        name: &str,
        (argument, typed): (&str, &str),
        others: &Map<String, Value>,
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        self.check_caller(principal, name)?;
        let unnamed = |extra: &str| match args::twin(&self.args, extra) {
            None if self.passes_extra => Ok(()),
            _ => Err(self.complain(extra, false)),
        };
        for (other, value) in others {
            match self.args.get(other) {
                Some(rule) => rule.check(other, value, others, found)?,
                None => unnamed(other)?,
            }
        }
        match self.args.get(argument) {
            Some(rule) => rule.check_unfinished(argument, typed, found),
            None => unnamed(argument),
        }
    }

    /// Whether the policy denies it, or has a list of callers that this one isn't on.
    pub(super) fn check_caller(&self, principal: &str, name: &str) -> Result<(), Denial> {
        let deny = |message| Err(Denial { rule: self.rule.clone(), message, fix: None });
        if self.is_denied {
            return deny(format!("{} is denied", shown(name)));
        }
        match self.is_for(principal) {
            true => Ok(()),
            false => deny(format!("{} may not call {}", shown(principal), shown(name))),
        }
    }
}

/// The address that a template becomes (RFC 6570): what is known stands in place of its expressions, the rest as it is
/// written. Values get no percent codes, as from a server that puts them in by itself.
fn filled(template: &str, argument: &str, typed: &str, others: &Map<String, Value>) -> String {
    let value = |variable: &str| {
        let name = variable.split(':').next().unwrap_or_default().trim_end_matches('*');
        if name == argument { Some(typed) } else { others.get(name).and_then(Value::as_str) }
    };
    let mut uri = String::new();
    let mut rest = template;
    while let Some((before, expression, after)) = rest
        .split_once('{')
        .and_then(|(before, from)| from.split_once('}').map(|(inside, after)| (before, inside, after)))
    {
        uri.push_str(before);
        let (operator, variables) = match expression.chars().next() {
            Some(operator @ ('/' | '#' | '?' | '&' | '.' | ';')) => (Some(operator), &expression[1..]),
            Some('+') => (None, &expression[1..]),
            _ => (None, expression),
        };
        let known: Vec<&str> = variables.split(',').filter_map(value).collect();
        if known.is_empty() {
            uri.push_str(&rest[before.len()..rest.len() - after.len()]);
        } else {
            uri.extend(operator);
            uri.push_str(&known.join(","));
        }
        rest = after;
    }
    uri + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::PolicyFile;

    fn policy(directory: &std::path::Path) -> Policy {
        std::fs::create_dir(directory.join("notes")).unwrap();
        let text = r#"
            version = 1
            [roots.notes]
            at = "notes"
            [resources]
            allow = ["notes://docs/*"]
            [prompts.summary]
            principals = ["alice"]
            [prompts.summary.args]
            path = { kind = "path", roots = ["notes"] }
            style = { kind = "enum", values = ["short", "long"] }
            [prompts.free]
            extra = "pass"
            [prompts.free.args]
            path = { kind = "path", roots = ["notes"] }
        "#;
        std::fs::write(directory.join("manta.toml"), text).unwrap();
        Policy::compile(PolicyFile::load(directory.join("manta.toml")).unwrap()).unwrap()
    }

    #[test]
    fn what_is_typed_leads_no_further_than_what_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let policy = policy(directory.path());
        let is_ok = |of, argument: &str, typed: &str, others: Value| {
            policy.decide_completion("alice", of, argument, typed, others.as_object().unwrap()).is_allowed()
        };
        let summary = Completes::Prompt("summary");
        for typed in ["", "a", "sub/fi", "."] {
            assert!(is_ok(summary, "path", typed, json!({})), "{typed}");
        }
        for typed in ["/etc/", "../", "a/../../x", "/"] {
            assert!(!is_ok(summary, "path", typed, json!({})), "{typed}");
        }
        assert!(is_ok(summary, "style", "sh", json!({ "path": "a" })), "a word is not finished yet");
        assert!(!is_ok(summary, "style", "sh", json!({ "path": "/etc/passwd" })));
        assert!(!is_ok(summary, "style", "sh", json!({ "style": "sh" })), "what is finished keeps its rule");
        assert!(!is_ok(summary, "other", "x", json!({})) && !is_ok(summary, "style", "", json!({ "other": "x" })));
        assert!(is_ok(Completes::Prompt("free"), "other", "/etc/", json!({})));
        assert!(!is_ok(Completes::Prompt("free"), "Path", "/etc/", json!({})));
        assert!(!is_ok(Completes::Prompt("nothing"), "a", "", json!({})));
        assert!(!policy.decide_completion("bob", summary, "path", "a", &Map::new()).is_allowed());
    }

    #[test]
    fn a_template_is_judged_by_the_address_it_becomes() {
        let directory = tempfile::tempdir().unwrap();
        let policy = policy(directory.path());
        let is_ok = |template: &str, typed: &str, others: Value| {
            let of = Completes::Template(template);
            policy.decide_completion("alice", of, "p", typed, others.as_object().unwrap()).is_allowed()
        };
        for (template, typed) in [
            ("notes://docs/{p}", "re"),
            ("notes://docs/{p}", ""),
            ("notes://docs/{q}/{p}", "a"),
            ("notes://docs/x{?p,q}", "1"),
            ("notes://docs/{p}", "a}b{c"),
        ] {
            assert!(is_ok(template, typed, json!({})), "{template} {typed}");
        }
        for (template, typed) in [
            ("notes://docs/{p}", "../../etc/"),
            ("notes://docs/{+p}", "%2e%2e/x"),
            ("notes://docs/{p}", "/etc/"),
            ("notes://{p}", "secret/a"),
            ("notes://docs{/p*}", "../x"),
            ("notes://docs/{p:3}", ".."),
            ("file:///{p}", "etc"),
        ] {
            assert!(!is_ok(template, typed, json!({})), "{template} {typed}");
        }
        assert!(!is_ok("notes://docs/{q}/{p}", "a", json!({ "q": ".." })), "others count as well");
        assert!(is_ok("notes://{p}", "docs/a", json!({})), "it may become an address that can be read");
    }
}

//! Methods of regular expressions.

use manta_core::Span;

use crate::engine::interp::{Args, Interp};
use crate::engine::value::Val;
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    pub(crate) fn js_regex_test(&mut self, regex: &crate::engine::value::RegexVal, value: &Val, span: Span) -> Val {
        let mode = crate::domain::regex::PythonMode::Search;
        // What is found in one character is all of it.
        let pattern =
            if self.is_character(value) { format!("^(?:{})$", regex.pattern) } else { regex.pattern.to_string() };
        match self.regex(&pattern, &regex.flags, Lang::JavaScript, mode) {
            Some(parsed) => self.regex_test(&parsed, value, span),
            None => Val::any_bool(),
        }
    }

    pub(super) fn regex_method(
        &mut self,
        regex: &crate::engine::value::RegexVal,
        name: Symbol,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let first = args.get(0).cloned();
        if self.lang() == Lang::Python {
            let (pattern, flags) = (regex.pattern.clone(), regex.flags.clone());
            return self.python_regex_call(&pattern, &flags, name, args, span);
        }
        match name.as_str() {
            "test" => {
                let value = self.as_text(&first?);
                Some(self.js_regex_test(regex, &value, span))
            }
            "exec" => {
                let value = self.as_text(&first?);
                let test = self.js_regex_test(regex, &value, span);
                if test.truth() == Some(false) {
                    return Some(Val::null());
                }
                Some(self.match_result(regex, crate::domain::regex::PythonMode::Search, &value, &test))
            }
            "source" | "flags" | "toString" => Some(Val::str(&regex.pattern)),
            _ => None,
        }
    }
}

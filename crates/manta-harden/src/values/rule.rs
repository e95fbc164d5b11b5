//! What one argument may be.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::text::TextRule;

/// What a JSON value may be. Everything has a bound; objects refuse members they don't name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rule {
    /// A string.
    Text(TextRule),
    /// A whole number. `5.0` counts as 5; `1e3` as 1000.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A finite number.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// `true` or `false`.
    Bool,
    /// One of these strings, exactly.
    Enum(Vec<String>),
    /// An array.
    List {
        /// Rule for every element.
        items: Box<Rule>,
        /// Fewest elements.
        min: usize,
        /// Most elements.
        max: usize,
    },
    /// An object with these members and no others.
    Object(BTreeMap<String, Field>),
    /// The rule, or `null`.
    Nullable(Box<Rule>),
    /// Any JSON. Bound its size before parsing.
    Any,
}

/// A member of an object.
#[derive(Debug, Clone)]
pub struct Field {
    /// What its value may be.
    pub rule: Rule,
    /// It must be there.
    pub required: bool,
}

impl Field {
    /// A member that must be there.
    #[must_use]
    pub const fn required(rule: Rule) -> Self {
        Self { rule, required: true }
    }

    /// A member that may be left out.
    #[must_use]
    pub const fn optional(rule: Rule) -> Self {
        Self { rule, required: false }
    }
}

impl Rule {
    /// An object with these members and no others.
    #[must_use]
    pub fn object<S: Into<String>>(fields: impl IntoIterator<Item = (S, Field)>) -> Self {
        Self::Object(fields.into_iter().map(|(name, field)| (name.into(), field)).collect())
    }

    /// Whether `value` is admitted.
    ///
    /// # Errors
    /// The first problem and where it is.
    pub fn check(&self, value: &Value) -> Result<(), ValueError> {
        let refuse = |message: String| Err(ValueError { pointer: String::new(), message });
        match (self, value) {
            (Self::Text(rule), Value::String(text)) => rule.check(text).or_else(|problem| refuse(problem.to_string())),
            (Self::Int { min, max }, Value::Number(number))
                if whole(number).is_some_and(|n| (*min..=*max).contains(&n)) =>
            {
                Ok(())
            }
            (Self::Number { min, max }, Value::Number(number))
                if number.as_f64().is_some_and(|n| (*min..=*max).contains(&n)) =>
            {
                Ok(())
            }
            (Self::Bool, Value::Bool(_)) | (Self::Any, _) | (Self::Nullable(_), Value::Null) => Ok(()),
            (Self::Enum(values), Value::String(text)) if values.contains(text) => Ok(()),
            (Self::List { items, min, max }, Value::Array(list)) if (*min..=*max).contains(&list.len()) => list
                .iter()
                .enumerate()
                .try_for_each(|(i, item)| items.check(item).map_err(|error| error.below(&i.to_string()))),
            (Self::Object(fields), Value::Object(members)) => check_members(fields, members),
            (Self::Nullable(rule), value) => rule.check(value),
            _ => refuse(format!("expected {self}")),
        }
    }
}

fn check_members(fields: &BTreeMap<String, Field>, members: &serde_json::Map<String, Value>) -> Result<(), ValueError> {
    for (name, value) in members {
        let Some(field) = fields.get(name) else {
            let known = fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(ValueError {
                pointer: String::new(),
                message: format!("unknown member; the known ones are: {known}"),
            });
        };
        field.rule.check(value).map_err(|error| error.below(name))?;
    }
    match fields.iter().find(|(name, field)| field.required && !members.contains_key(*name)) {
        Some((name, _)) => Err(ValueError { pointer: String::new(), message: format!("`{name}` is missing") }),
        None => Ok(()),
    }
}

/// A number without fraction as `i64`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    if let Some(n) = number.as_i64() {
        return Some(n);
    }
    let float = number.as_f64()?;
    // Below 2^53 every whole float is exact.
    (float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0).then_some(float as i64)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("text"),
            Self::Int { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Number { min, max } => write!(f, "a number from {min} to {max}"),
            Self::Bool => f.write_str("true or false"),
            Self::Enum(values) => write!(f, "one of: {}", values.join(", ")),
            Self::List { items, min, max } => write!(f, "a list of {min} to {max} values, each {items}"),
            Self::Object(_) => f.write_str("an object"),
            Self::Nullable(rule) => write!(f, "{rule}, or null"),
            Self::Any => f.write_str("anything"),
        }
    }
}

/// A refused value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    pointer: String,
    message: String,
}

impl ValueError {
    /// JSON pointer to the value that was refused; empty for the whole.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    fn below(mut self, name: &str) -> Self {
        self.pointer = format!("/{}{}", name.replace('~', "~0").replace('/', "~1"), self.pointer);
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.pointer, self.message)
        }
    }
}

impl std::error::Error for ValueError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Charset, TextRule};
    use super::*;

    #[test]
    fn every_rule_has_a_bound_and_keeps_it() {
        let int = Rule::Int { min: -3, max: 7 };
        let number = Rule::Number { min: 0.0, max: 1.0 };
        let list = Rule::List { items: Box::new(Rule::Bool), min: 1, max: 2 };
        let one_of = Rule::Enum(vec!["a".to_owned()]);
        let cases: [(&Rule, &[Value], &[Value]); 5] = [
            (
                &int,
                &[json!(-3), json!(7), json!(5.0)],
                &[json!(-4), json!(8), json!(1.5), json!("5"), json!(true), json!(null), json!(1e300), json!(u64::MAX)],
            ),
            (&number, &[json!(0), json!(0.5), json!(1)], &[json!(1.0000001), json!(-0.1), json!("0.5")]),
            (
                &list,
                &[json!([true]), json!([true, false])],
                &[json!([]), json!([true, true, true]), json!([1]), json!({})],
            ),
            (&one_of, &[json!("a")], &[json!("A"), json!("a "), json!(["a"])]),
            (&Rule::Nullable(Box::new(Rule::Bool)), &[json!(null), json!(true)], &[json!(0)]),
        ];
        for (rule, good, bad) in cases {
            good.iter().for_each(|value| assert!(rule.check(value).is_ok(), "{rule}: {value}"));
            bad.iter().for_each(|value| assert!(rule.check(value).is_err(), "{rule}: {value}"));
        }
    }

    #[test]
    fn texts_keep_length_characters_and_form() {
        let check = |rule: &TextRule, text: &str| rule.check(text).is_ok();
        let text = TextRule::default().min_len(1).max_len(4);
        assert!(
            check(&text, "éé\nñ") && !check(&text, "") && !check(&text, "12345") && !check(&text, &"x".repeat(1 << 20))
        );
        for hidden in ["\u{1b}", "\0", "\u{202e}", "\u{200b}", "\u{e0041}", "\u{feff}", "\u{85}", "\u{2028}"] {
            assert!(!check(&TextRule::default(), &format!("a{hidden}b")), "{hidden:?}");
            assert!(check(&TextRule::default().charset(Charset::Any), hidden));
        }
        assert!(!check(&TextRule::line(), "a\nb") && !check(&TextRule::line(), "a\rb"));
        assert!(check(&TextRule::default(), "👩\u{200d}💻 नमस्\u{200d}ते"));
        assert!(!check(&TextRule::default().charset(Charset::Ascii), "é"));
        assert!(
            check(&TextRule::identifier(), "a-b.c_9")
                && !check(&TextRule::identifier(), "-a")
                && !check(&TextRule::identifier(), "a/b")
        );
        let pattern = TextRule::default().pattern("a|b").unwrap();
        assert!(check(&pattern, "a") && !check(&pattern, "ab") && !check(&pattern, "a\n"));
        assert!(TextRule::default().pattern("a)|(?:b").is_err());
        assert!(TextRule::default().pattern("(a{1000}){1000}").is_err());
        let quadratic = TextRule::default().max_len(100_000).pattern("(a+)+$").unwrap();
        assert!(!check(&quadratic, &("a".repeat(99_999) + "!")));
    }
}

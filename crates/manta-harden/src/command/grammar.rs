//! The only ways a program may be called: its subcommands, flags and operands.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{CommandError, CommandRule};
use super::value::Value;

/// One flag.
#[derive(Debug, Clone)]
pub struct Flag {
    /// What its value may be; `None` when it takes none.
    pub value: Option<Value>,
    /// How often it may be given.
    pub most: usize,
}

impl Flag {
    /// A flag without value, once.
    #[must_use]
    pub const fn switch() -> Self {
        Self { value: None, most: 1 }
    }

    /// A flag with a value, once.
    #[must_use]
    pub const fn with(value: Value) -> Self {
        Self { value: Some(value), most: 1 }
    }

    /// Reads the notation of policy files: `none`, or what [`Value::parse`] reads; ` x8` at the end
    /// admits the flag up to eight times.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (kind, most) = Self::split_count(text);
        let flag = if kind.trim() == "none" { Self::switch() } else { Self::with(Value::parse(kind)?) };
        Ok(flag.up_to(most))
    }

    /// Takes ` x8` off the end.
    pub(crate) fn split_count(text: &str) -> (&str, usize) {
        let counted = text.trim_end().rsplit_once(" x").and_then(|(kind, count)| Some((kind, count.parse().ok()?)));
        counted.filter(|&(_, count)| count > 0).unwrap_or((text, 1))
    }

    /// The same flag, admitted up to `most` times.
    #[must_use]
    pub const fn up_to(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

/// A run of operands of one type.
#[derive(Debug, Clone)]
pub struct Operand {
    /// What each may be.
    pub value: Value,
    /// Fewest.
    pub min: usize,
    /// Most.
    pub max: usize,
}

/// What is put between flags and operands, so that the program reads no operand as a flag even if
/// its own parser permutes. Operands that begin with `-` are refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndOfOptions {
    /// `--`.
    #[default]
    DoubleDash,
    /// `--end-of-options` before revisions and `--` before paths: git from 2.24.
    Git,
    /// Nothing, for programs that know neither.
    None,
}

/// A level of a command line. All is refused that is not listed.
#[derive(Debug, Clone, Default)]
pub struct Grammar {
    /// Flags with their dashes, matched exactly: `--max-count`, `-n`, `-name`. An abbreviation or
    /// a bundle (`-abc`) is an unknown flag.
    pub flags: BTreeMap<String, Flag>,
    /// Subcommands. When there are any, one must be given and `operands` stays empty.
    pub sub: BTreeMap<String, Grammar>,
    /// Operands in order. A value that doesn't fit a run that has its minimum goes to the next.
    pub operands: Vec<Operand>,
    /// Operands go before flags, as `find` wants it.
    pub operands_first: bool,
    /// Put before everything the caller says at this level, such as `--no-ext-diff`.
    pub args_before: Vec<String>,
}

impl Grammar {
    /// Refuses grammars that can't mean what they say.
    pub(super) fn validate(&self) -> Result<(), CommandError> {
        let policy = |detail: &str| Err(CommandError::new(CommandRule::Policy, detail));
        if !self.sub.is_empty() && !self.operands.is_empty() {
            return policy("a command has subcommands or operands, not both");
        }
        let is_flag = |name: &String| name.len() > 1 && name.starts_with('-') && name != "--" && !name.contains('=');
        if !self.flags.keys().all(is_flag) {
            return policy("a flag is written with its dashes and without `=`");
        }
        if self.sub.keys().any(|name| name.is_empty() || name.starts_with(['-', '@'])) {
            return policy("a subcommand must not begin with `-` or `@`");
        }
        if self.operands.iter().any(|operand| operand.min > operand.max) {
            return policy("an operand's `min` is more than its `max`");
        }
        self.sub.values().try_for_each(Self::validate)
    }

    /// Checks `args` and writes them anew in one form: flags, end of options, operands.
    pub(super) fn normalise(
        &self,
        args: &[String],
        end: EndOfOptions,
        cwd: &Path,
    ) -> Result<Vec<String>, CommandError> {
        let mut reader = Reader { args, position: 0, cwd };
        let mut line = Vec::with_capacity(args.len() + 2);
        let mut level = self;
        loop {
            line.extend(level.args_before.iter().cloned());
            let parsed = reader.level(level)?;
            match parsed.sub {
                Some((name, next)) => {
                    line.extend(parsed.flags);
                    line.push(name);
                    level = next;
                }
                None => {
                    let operands = level.place(parsed.operands, end, cwd)?;
                    match level.operands_first {
                        true => line.extend(operands.into_iter().chain(parsed.flags)),
                        false => line.extend(parsed.flags.into_iter().chain(operands)),
                    }
                    return Ok(line);
                }
            }
        }
    }

    /// Assigns operands to runs and checks them.
    fn place(&self, given: Vec<Given<'_>>, end: EndOfOptions, cwd: &Path) -> Result<Vec<String>, CommandError> {
        let mut placed: Vec<Vec<String>> = vec![Vec::new(); self.operands.len()];
        let mut run = 0;
        for operand in given {
            let is_path = |run: usize| matches!(self.operands[run].value, Value::Path { .. });
            let mut refusal = CommandError::new(CommandRule::Operands, "more operands than this command takes");
            loop {
                let Some(slot) = self.operands.get(run) else { return Err(refusal.at(operand.position)) };
                let is_skipped = operand.after_dashes && !is_path(run) && (run..self.operands.len()).any(is_path);
                if placed[run].len() < slot.max && !is_skipped {
                    match slot.value.check(operand.text, cwd) {
                        Ok(text) => {
                            placed[run].push(text);
                            break;
                        }
                        Err(error) if placed[run].len() < slot.min => return Err(error.at(operand.position)),
                        Err(error) => refusal = error,
                    }
                }
                run += 1;
            }
        }
        if placed.iter().zip(&self.operands).any(|(values, slot)| values.len() < slot.min) {
            return Err(CommandError::new(CommandRule::Operands, "fewer operands than this command needs"));
        }
        Ok(self.separate(placed, end))
    }

    fn separate(&self, placed: Vec<Vec<String>>, end: EndOfOptions) -> Vec<String> {
        let mut line = Vec::new();
        let mut seen_path = false;
        for (values, slot) in placed.into_iter().zip(&self.operands).filter(|(values, _)| !values.is_empty()) {
            let is_path = matches!(slot.value, Value::Path { .. });
            match end {
                EndOfOptions::DoubleDash if line.is_empty() => line.push("--".to_owned()),
                EndOfOptions::Git if is_path && !seen_path => line.push("--".to_owned()),
                EndOfOptions::Git if line.is_empty() => line.push("--end-of-options".to_owned()),
                _ => {}
            }
            seen_path |= is_path;
            line.extend(values);
        }
        line
    }
}

struct Reader<'a> {
    args: &'a [String],
    position: usize,
    cwd: &'a Path,
}

struct Given<'a> {
    text: &'a str,
    position: usize,
    /// The caller wrote `--` before it.
    after_dashes: bool,
}

struct Level<'a, 'g> {
    flags: Vec<String>,
    sub: Option<(String, &'g Grammar)>,
    operands: Vec<Given<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads up to a subcommand or the end.
    fn level<'g>(&mut self, grammar: &'g Grammar) -> Result<Level<'a, 'g>, CommandError> {
        let mut level = Level { flags: Vec::new(), sub: None, operands: Vec::new() };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut after_dashes = false;
        while let Some(text) = self.args.get(self.position).map(String::as_str) {
            let position = self.position;
            self.position += 1;
            if text == "--" && !after_dashes {
                after_dashes = true;
            } else if text.starts_with('-') && !after_dashes {
                self.flag(grammar, text, &mut counts, &mut level.flags).map_err(|error| error.at(position))?;
            } else if !grammar.sub.is_empty() {
                let unknown =
                    || CommandError::new(CommandRule::Subcommand, "this subcommand is not allowed").at(position);
                let sub = grammar.sub.get(text).filter(|_| !after_dashes).ok_or_else(unknown)?;
                level.sub = Some((text.to_owned(), sub));
                return Ok(level);
            } else {
                level.operands.push(Given { text, position, after_dashes });
            }
        }
        if !grammar.sub.is_empty() {
            return Err(CommandError::new(CommandRule::Subcommand, "a subcommand is needed"));
        }
        Ok(level)
    }

    /// `--flag=value` and `--flag value` become `--flag=value`, which no parser can take apart
    /// differently; a flag with one dash keeps its value as the next argument.
    fn flag<'g>(
        &mut self,
        grammar: &'g Grammar,
        text: &str,
        counts: &mut BTreeMap<&'g str, usize>,
        line: &mut Vec<String>,
    ) -> Result<(), CommandError> {
        let is_long = text.starts_with("--");
        let (name, attached) = match text.split_once('=').filter(|_| is_long) {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let (name, flag) = grammar
            .flags
            .get_key_value(name)
            .ok_or_else(|| CommandError::new(CommandRule::UnknownFlag, "this flag is not allowed"))?;
        let count = counts.entry(name).or_default();
        *count += 1;
        if *count > flag.most {
            return Err(CommandError::new(CommandRule::RepeatedFlag, "this flag was given too often"));
        }
        let Some(value) = &flag.value else {
            if attached.is_some() {
                return Err(CommandError::new(CommandRule::FlagValue, "this flag takes no value"));
            }
            line.push(name.clone());
            return Ok(());
        };
        let given = match attached {
            Some(given) => given,
            None => self.next().ok_or_else(|| CommandError::new(CommandRule::FlagValue, "this flag needs a value"))?,
        };
        let checked = value.check(given, self.cwd)?;
        match is_long {
            true => line.push(format!("{name}={checked}")),
            false => line.extend([name.clone(), checked]),
        }
        Ok(())
    }

    fn next(&mut self) -> Option<&'a str> {
        let text = self.args.get(self.position)?;
        self.position += 1;
        Some(text)
    }
}

//! Secrets in command lines, as a list of words and as a text: `--password …`, `mysql -p…`, `curl -u name:…`.

use std::ops::Range;

use super::assigned::Says;

/// How deep commands inside quotes are looked into: `ssh host "bash -c '…'"`.
const MAX_DEPTH: usize = 3;

/// What of a word is the secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// All of it.
    Whole,
    /// What follows the first of these: `name:secret`, `name%secret`, `name=secret`.
    After(char),
    /// What follows `pass:`, as openssl has it beside `env:` and `file:`.
    Pass,
    /// All of it, where it looks like one.
    Made,
}

/// A flag of some programs whose value is a secret.
struct Known {
    programs: &'static [&'static str],
    /// A word without which the flag means something else.
    with: &'static str,
    flag: &'static str,
    /// Whether the value may be the next word; it may always be glued to the flag.
    apart: bool,
    shape: Shape,
}

const fn known(programs: &'static [&'static str], flag: &'static str, apart: bool) -> Known {
    Known { programs, with: "", flag, apart, shape: Shape::Whole }
}

/// What the manuals of programs call a password, where its name does not say so.
static KNOWN: &[Known] = &[
    known(&["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mariadb", "mariadb-dump"], "-p", false),
    known(&["sshpass"], "-p", true),
    known(&["7z", "7za", "7zr", "7zz", "rar", "unrar"], "-p", false),
    known(&["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"], "-p", true),
    known(
        &["unzip", "zip", "zipcloak", "ipmitool", "sqlcmd", "bcp", "osql", "mosquitto_pub", "mosquitto_sub"],
        "-P",
        true,
    ),
    known(&["redis-cli", "valkey-cli"], "-a", true),
    known(
        &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldapcompare", "ldappasswd"],
        "-w",
        true,
    ),
    known(&["xfreerdp", "wfreerdp", "freerdp"], "/p:", false),
    Known { with: "login", ..known(&["docker", "podman", "nerdctl", "buildah", "skopeo", "oras", "az"], "-p", true) },
    Known { shape: Shape::After('%'), ..known(&["smbclient", "rpcclient", "smbget", "net"], "-U", true) },
    Known { shape: Shape::After('='), ..known(&["curl"], "-b", true) },
];

/// Flags of any program with a name and a password in one.
const USER: &[&str] = &["-u", "-U", "--user", "--proxy-user"];

/// What has been seen of a command.
#[derive(Default)]
struct Command<'a> {
    words: Vec<&'a str>,
    has_user: bool,
    pending: Option<Shape>,
}

impl<'a> Command<'a> {
    /// Takes the next word; the part of it that is a secret.
    fn next(&mut self, word: &'a str, says: &dyn Fn(&str) -> Says) -> Option<Range<usize>> {
        let secret = self.pending.take().and_then(|shape| part(shape, word)).or_else(|| self.flag(word, says));
        self.words.push(word);
        secret
    }

    fn flag(&mut self, word: &'a str, says: &dyn Fn(&str) -> Says) -> Option<Range<usize>> {
        if !word.starts_with(['-', '/']) {
            return None;
        }
        let known = KNOWN.iter().filter(|known| word.starts_with(known.flag) && self.runs(known));
        for known in known {
            if word.len() > known.flag.len() {
                let glued = unquoted(word, known.flag.len());
                return part(known.shape, &word[glued.clone()]).map(|secret| shifted(&secret, glued.start));
            }
            if known.apart {
                self.pending = Some(known.shape);
                return None;
            }
        }
        if let Some((flag, value)) = word.split_once('=').filter(|(flag, _)| is_flag(flag)) {
            let start = flag.len() + 1;
            let value = unquoted(word, word.len() - value.len());
            return match () {
                () if USER.contains(&flag) => after(&word[start..], ':').map(|secret| shifted(&secret, start)),
                () => (!value.is_empty() && says(flag) == Says::Surely).then_some(value),
            };
        }
        let glued = USER[..2].iter().find_map(|flag| word.strip_prefix(flag)).filter(|value| !value.is_empty());
        if USER.contains(&word) {
            self.has_user = true;
            self.pending = Some(Shape::After(':'));
        } else if let Some(value) = glued {
            self.has_user = true;
            return after(value, ':').map(|secret| shifted(&secret, word.len() - value.len()));
        } else if matches!(word, "--username" | "-l" | "--login") {
            self.has_user = true;
        } else if word.starts_with("--") && is_flag(word) && !word.starts_with("---") && says(word) > Says::Nothing {
            self.pending = Some(match says(word) {
                _ if word.ends_with("cookie") => Shape::After('='),
                Says::Surely => Shape::Whole,
                _ => Shape::Made,
            });
        } else if word.starts_with("-pass") {
            self.pending = Some(Shape::Pass);
        } else if self.has_user && (word == "-p" || word == "-P") {
            self.pending = Some(Shape::Made);
        } else if self.has_user && (word.starts_with("-p") || word.starts_with("-P")) {
            let glued = unquoted(word, 2);
            return looks_made(&word[glued.clone()]).then_some(glued);
        }
        None
    }

    /// Whether one of the programs runs here, with the word that it takes.
    fn runs(&self, known: &Known) -> bool {
        let at = self.words.iter().position(|word| known.programs.contains(&program(word)));
        at.is_some_and(|at| known.with.is_empty() || self.words[at..].contains(&known.with))
    }
}

/// Whether a word is the name of a program that is known here, and so names nothing else.
pub(super) fn is_program(word: &str) -> bool {
    KNOWN.iter().any(|known| known.programs.contains(&program(word)))
}

fn program(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
}

/// The secret in a list of words, for each.
pub(super) fn in_words<'a>(
    words: impl IntoIterator<Item = &'a str>,
    says: &dyn Fn(&str) -> Says,
) -> Vec<Option<Range<usize>>> {
    let mut command = Command::default();
    words.into_iter().map(|word| command.next(word, says)).collect()
}

/// Where the secrets of the commands in a text stand.
pub(super) fn find(text: &str, says: &dyn Fn(&str) -> Says, found: &mut Vec<Range<usize>>) {
    if text.contains(" -") || text.contains(" /p:") {
        in_text(text, 0, 0, says, found);
    }
}

fn in_text(text: &str, offset: usize, depth: usize, says: &dyn Fn(&str) -> Says, found: &mut Vec<Range<usize>>) {
    let mut command = Command::default();
    let mut at = 0;
    while at < text.len() {
        let Some(word) = next_word(text, at) else { break };
        if text[at..word.start].contains('\n') {
            command = Command::default();
        }
        let inner = unquoted(text, word.start).end.min(word.end).max(word.start);
        let inner = if text[word.clone()].starts_with(['"', '\'']) { word.start + 1..inner } else { word.clone() };
        let words = &text[inner.clone()];
        if depth < MAX_DEPTH && words.contains(' ') {
            in_text(words, offset + inner.start, depth + 1, says, found);
        }
        if matches!(words, "|" | "||" | "&&" | ";" | "&") {
            command = Command::default();
        } else if let Some(secret) = command.next(words, says) {
            found.push(shifted(&secret, offset + inner.start));
        }
        if words.ends_with(';') {
            command = Command::default();
        }
        at = word.end;
    }
}

/// The next word of a command line, with its quotes.
fn next_word(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let start = from + bytes[from..].iter().position(|b| !b.is_ascii_whitespace())?;
    let (mut at, mut quote) = (start, None);
    while let Some(byte) = bytes.get(at) {
        match quote {
            Some(open) if open == *byte => quote = None,
            Some(_) => {}
            // A quote inside a word is one only where it can close: `don't` is prose.
            None if matches!(byte, b'"' | b'\'')
                && bytes[at + 1..].contains(byte)
                && (at == start || !bytes[at - 1].is_ascii_lowercase()) =>
            {
                quote = Some(*byte);
            }
            None if byte.is_ascii_whitespace() => break,
            None => {}
        }
        at += 1;
    }
    Some(start..at)
}

/// From there to the end, or what stands between the quotes that begin there.
fn unquoted(text: &str, from: usize) -> Range<usize> {
    let quote = text[from..].chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else { return from..text.len() };
    let inner = &text[from + 1..];
    from + 1..from + 1 + inner.find(quote).unwrap_or(inner.len())
}

/// `--password` and `-p`; what has other signs in it is a text that begins with a dash.
fn is_flag(word: &str) -> bool {
    word.starts_with('-') && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn after(word: &str, separator: char) -> Option<Range<usize>> {
    let (name, secret) = word.split_once(separator)?;
    // `--user 1000:1000` and `docker cp -u a:` name nobody's password.
    let are_numbers = [name, secret].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    (!name.is_empty() && !secret.is_empty() && !are_numbers).then(|| name.len() + 1..word.len())
}

fn part(shape: Shape, word: &str) -> Option<Range<usize>> {
    match shape {
        Shape::Whole => (!word.is_empty() && !is_variable(word)).then_some(0..word.len()),
        Shape::After(separator) => after(word, separator),
        Shape::Pass => word.strip_prefix("pass:").map(|_| 5..word.len()).filter(|secret| !secret.is_empty()),
        Shape::Made => looks_made(word).then_some(0..word.len()),
    }
}

/// `$PASSWORD`, `${PASSWORD}` and `<password>` are put in by somebody else.
fn is_variable(word: &str) -> bool {
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'{' | b'}'));
    let between = word.strip_prefix('<').and_then(|word| word.strip_suffix('>'));
    word.strip_prefix('$').or(between).is_some_and(is_name)
}

/// Whether a word looks like a password rather than a name, a number, a port or a path: letters and digits or signs,
/// in one piece.
pub(super) fn looks_made(word: &str) -> bool {
    let has = |of: &dyn Fn(u8) -> bool| word.bytes().any(of);
    let signs = |b: u8| matches!(b, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'+' | b'?');
    word.len() >= 6
        && has(&|b| b.is_ascii_alphabetic())
        && (has(&|b| b.is_ascii_digit()) || has(&signs))
        && !has(&|b| b.is_ascii_whitespace() || matches!(b, b'/' | b':' | b'=' | b',' | b'.' | b'(' | b'{' | b'['))
        && !word.starts_with(['-', '$', '<', '%'])
}

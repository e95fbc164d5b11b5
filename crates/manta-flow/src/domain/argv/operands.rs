//! What programs do with the operands of their command line: the address they fetch, the files they read or change.

use super::{is_option_value, program, program_name};

/// What a program does with an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// It is an address that the program asks for what is there.
    Fetches,
    /// It is a file or directory that the program reads.
    Reads,
    /// It is a file that the program changes, moves, deletes or writes.
    Changes,
    /// It is a file or directory that the program makes, without content of the caller's.
    Creates,
}

use Operand::{Changes, Creates, Fetches, Reads};

/// What is known of some programs.
struct Row {
    names: &'static [&'static str],
    operand: Operand,
    /// Operands that come before those: a pattern, a mode.
    skipped: usize,
    /// Letters of options that take a value, for programs of which nothing else is known.
    valued: &'static str,
}

const fn row(names: &'static [&'static str], operand: Operand, skipped: usize, valued: &'static str) -> Row {
    Row { names, operand, skipped, valued }
}

/// Programs that only tell of a file (`ls`, `stat`, `wc`) are left out: what they say is not what it holds.
const ROWS: &[Row] = &[
    row(
        &["curl", "wget", "aria2c", "lynx", "w3m", "links", "httrack", "yt-dlp", "youtube-dl", "xh"],
        Fetches,
        0,
        "oOdHXu",
    ),
    row(&["cat", "bat", "less", "more", "tac", "nl", "strings", "uniq", "pdftotext"], Reads, 0, "nfl"),
    row(&["head", "tail", "od", "xxd", "hexdump", "base64"], Reads, 0, "ncNjAtlswe"),
    row(&["sort", "cut"], Reads, 0, "ktodfcbST"),
    row(&["grep", "egrep", "fgrep", "rg", "ag", "ack", "jq", "yq", "sed", "awk", "gawk"], Reads, 1, "efmABCgtTjdFvL"),
    row(&["rm", "rmdir", "unlink", "shred", "tee", "mv", "cp", "ln"], Changes, 0, "tSns"),
    row(&["truncate"], Changes, 0, "sr"),
    row(&["chmod", "chown", "chgrp"], Changes, 1, ""),
    row(&["mkdir", "touch"], Creates, 0, "mdtr"),
];

/// Options that take the place of the operand which is skipped: patterns and programs.
const PATTERN_OPTIONS: [&str; 5] = ["-e", "-f", "--regexp", "--expression", "--file"];

/// Options whose value is such an operand.
const VALUES: &[(&str, &str, Operand)] =
    &[("curl", "--url", Fetches), ("ffmpeg", "-i", Reads), ("ffprobe", "-i", Reads)];

/// What the program does with the word at `index`, if the word is an operand and that is known. Words that are not known
/// are anything.
#[must_use]
pub fn operand(words: &[String], index: usize) -> Option<Operand> {
    let name = program_name(words.first().filter(|_| index > 0)?);
    let before = words[index - 1].as_str();
    if let Some((.., operand)) = VALUES.iter().find(|(program, option, _)| *program == name && *option == before) {
        return Some(*operand);
    }
    let row = ROWS.iter().find(|row| row.names.contains(&name.as_str()))?;
    let known = program(&name);
    // What may be an option makes a value of what follows.
    let is_unknown = |word: &str| word.is_empty() || word.contains('\0');
    if index > 1 && is_unknown(before) && words[..index].iter().all(|word| word != "--") {
        return None;
    }
    let takes_value = |option: &str| match option.strip_prefix('-') {
        _ if known.is_some() => is_option_value(known, Some(option)),
        Some(letters) if !letters.starts_with('-') => letters.ends_with(|letter| row.valued.contains(letter)),
        _ => is_option_value(None, Some(option)),
    };
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let is_operand =
        |at: usize| at > end || at != end && !words[at].starts_with('-') && !(at > 1 && takes_value(&words[at - 1]));
    let before = (1..index).filter(|&at| is_operand(at)).count();
    // `grep -e pattern file`: the pattern is no operand then.
    let is_given = row.skipped > 0 && words[1..index].iter().any(|word| PATTERN_OPTIONS.contains(&word.as_str()));
    (is_operand(index) && (is_given || before >= row.skipped)).then_some(row.operand)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Operand> {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('?', "")).collect();
        operand(&words, line.split(' ').position(|word| word == "?").expect("a word"))
    }

    #[test]
    fn operands_are_told_from_options_values_and_patterns() {
        assert_eq!(of("curl -s ?"), Some(Fetches));
        assert_eq!(of("/usr/bin/curl -s -o /tmp/x ?"), Some(Fetches));
        assert_eq!(of("curl -o ? https://a.example"), None);
        assert_eq!(of("curl --url ?"), Some(Fetches));
        assert_eq!(of("cat -- ?"), Some(Reads));
        assert_eq!(of("grep -r ? /srv"), None);
        assert_eq!(of("grep -r x ?"), Some(Reads));
        assert_eq!(of("grep -r -e x -- ?"), Some(Reads));
        assert_eq!(of("grep -e ? /srv"), None);
        assert_eq!(of("rm -rf ?"), Some(Changes));
        assert_eq!(of("head -n ? /srv/x"), None);
        assert_eq!(of("head -n 5 ?"), Some(Reads));
        assert_eq!(of("ls -- ?"), None);
        assert_eq!(of("chmod ? /srv/x"), None);
        assert_eq!(of("chmod 755 ?"), Some(Changes));
        assert_eq!(of("ffmpeg -y -i ? out.mp4"), Some(Reads));
        assert_eq!(of("git log ?"), None);
        assert_eq!(of("?"), None);
    }
}

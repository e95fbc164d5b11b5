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

/// Programs, what they do with operands, and how many operands come before those (a pattern, a mode).
const OPERANDS: &[(&[&str], Operand, usize)] = &[
    (&["curl", "wget", "aria2c", "lynx", "w3m", "links", "httrack", "yt-dlp", "youtube-dl", "gallery-dl", "xh"], Fetches, 0),
    (&["cat", "bat", "head", "tail", "less", "more", "tac", "nl", "od", "xxd", "hexdump", "strings", "base64"], Reads, 0),
    (&["sort", "uniq", "cut", "wc", "ls", "tree", "stat", "du", "file", "pdftotext", "pdfinfo", "exiftool"], Reads, 0),
    (&["ffprobe", "mediainfo", "identify", "md5sum", "sha1sum", "sha256sum", "readlink", "realpath"], Reads, 0),
    (&["grep", "egrep", "fgrep", "rg", "ag", "ack", "jq", "yq", "sed", "awk", "gawk"], Reads, 1),
    (&["rm", "rmdir", "unlink", "shred", "truncate", "tee", "mv", "cp", "ln"], Changes, 0),
    (&["chmod", "chown", "chgrp"], Changes, 1),
    (&["mkdir", "touch"], Creates, 0),
];

/// Options whose value is such an operand.
const VALUES: &[(&str, &str, Operand)] = &[("curl", "--url", Fetches), ("ffmpeg", "-i", Reads), ("ffprobe", "-i", Reads)];

/// What the program does with the word at `index`, if the word is an operand and that is known. Words that are not known
/// are anything.
#[must_use]
pub fn operand(words: &[String], index: usize) -> Option<Operand> {
    let name = program_name(words.first().filter(|_| index > 0)?);
    let before = words[index - 1].as_str();
    if let Some((.., operand)) = VALUES.iter().find(|(program, option, _)| *program == name && *option == before) {
        return Some(*operand);
    }
    let (_, operand, skipped) = OPERANDS.iter().find(|(names, ..)| names.contains(&name.as_str()))?;
    let known = program(&name);
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let is_operand = |at: usize| {
        at > end
            || at != end && !words[at].starts_with('-') && !(at > 1 && is_option_value(known, Some(&words[at - 1])))
    };
    let before = (1..index).filter(|&at| is_operand(at)).count();
    (is_operand(index) && before >= *skipped).then_some(*operand)
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
        assert_eq!(of("rm -rf ?"), Some(Changes));
        assert_eq!(of("chmod ? /srv/x"), None);
        assert_eq!(of("chmod 755 ?"), Some(Changes));
        assert_eq!(of("ffmpeg -y -i ? out.mp4"), Some(Reads));
        assert_eq!(of("git log ?"), None);
        assert_eq!(of("?"), None);
    }
}

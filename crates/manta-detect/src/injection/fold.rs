//! A copy of a text for matching: what only disguises a letter is taken away.

use std::ops::Range;

use crate::hidden;

/// A copy for matching, and where each of its bytes came from.
pub(super) struct Folded {
    pub(super) text: String,
    /// Start of the original character, for every byte of `text`, and the original length at the end.
    origin: Vec<usize>,
}

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        if hidden::is_plain(text) { Self::plain(text) } else { Self::undisguised(text) }
    }

    fn undisguised(text: &str) -> Self {
        let stripped: Vec<Range<usize>> = hidden::find(text).into_iter().map(|m| m.range).collect();
        let native = native_words(text);
        let mut next_native = native.iter().peekable();
        let mut folded = Self { text: String::with_capacity(text.len()), origin: Vec::with_capacity(text.len() + 1) };
        let mut next_hidden = stripped.iter().peekable();
        for (start, c) in text.char_indices() {
            while next_hidden.next_if(|range| range.end <= start).is_some() {}
            if next_hidden.peek().is_some_and(|range| range.contains(&start)) {
                continue;
            }
            // A soft hyphen shows where a word may be broken, a combining mark decorates the letter before it.
            if matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}') {
                continue;
            }
            while next_native.next_if(|range| range.end <= start).is_some() {}
            folded.push(start, c, next_native.peek().is_some_and(|range| range.contains(&start)));
        }
        folded.origin.push(text.len());
        folded
    }

    /// The same for a text of plain ASCII, which most are: nothing in it is disguised.
    fn plain(text: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(text.len()), origin: Vec::with_capacity(text.len() + 1) };
        let mut is_gap = false;
        for (start, byte) in text.bytes().enumerate() {
            let is_space = byte.is_ascii_whitespace();
            if !(is_space && is_gap) {
                folded.text.push(if is_space { ' ' } else { char::from(byte.to_ascii_lowercase()) });
                folded.origin.push(start);
            }
            is_gap = is_space;
        }
        folded.origin.push(text.len());
        folded
    }

    fn push(&mut self, start: usize, c: char, is_native: bool) {
        if c.is_whitespace() {
            if !self.text.ends_with(' ') {
                self.text.push(' ');
                self.origin.push(start);
            }
            return;
        }
        let before = self.text.len();
        match latin(c).filter(|_| !is_native) {
            Some(letter) => self.text.push(letter),
            None => self.text.extend(c.to_lowercase()),
        }
        self.origin.resize(self.origin.len() + self.text.len() - before, start);
    }

    /// Where paragraphs and items of lists begin in the copy, which has no lines. A line that goes on in the middle of a
    /// sentence is only wrapped.
    pub(super) fn breaks(&self, text: &str) -> Vec<usize> {
        let mut breaks = Vec::new();
        let mut start = 0;
        let mut was_empty = true;
        for line in text.split_inclusive('\n') {
            let words = line.trim();
            if words.is_empty() || was_empty || !is_wrapped(words) {
                let at = self.origin.partition_point(|origin| *origin < start);
                // The space that the line break became.
                breaks.extend(at.checked_sub(1).filter(|at| self.text.is_char_boundary(*at)));
            }
            was_empty = words.is_empty();
            start += line.len();
        }
        breaks.dedup();
        breaks
    }

    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let start = self.origin[range.start];
        // Up to the next character that made another byte; what was folded away belongs to the match.
        let last = self.origin[range.end - 1];
        let end = self.origin[range.end..].iter().copied().find(|origin| *origin > last);
        start..end.unwrap_or_else(|| *self.origin.last().expect("the length is always there"))
    }
}

/// Whether a line goes on with what the line before it said.
fn is_wrapped(line: &str) -> bool {
    let is_lower = line.starts_with(|c: char| c.is_lowercase() || matches!(c, '(' | '"' | '`' | '\''));
    let name = line.split(':').next().filter(|name| name.len() < line.len());
    let is_entry = name.is_some_and(|name| name.split_whitespace().count() < 3 && name.len() < 40);
    is_lower && !is_entry
}

/// Words of letters that are no disguise: some look like Latin ones and some don't, and none is Latin.
fn native_words(text: &str) -> Vec<Range<usize>> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, c.is_alphabetic()) {
            (None, true) => start = Some(at),
            (Some(first), false) => {
                let word = &text[first..at];
                let is_foreign = |c: char| !c.is_ascii() && latin(c).is_none();
                if !word.contains(|c: char| c.is_ascii()) && word.contains(is_foreign) {
                    words.push(first..at);
                }
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// The ASCII letter that a character looks like: full-width, mathematical, accented, Cyrillic, Greek.
pub(crate) fn latin(c: char) -> Option<char> {
    const MATH: Range<u32> = 0x1d400..0x1d6a4;
    Some(match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?.to_ascii_lowercase(),
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => '\'',
        // In circles, brackets and squares, and as the halves of flags.
        '\u{24b6}'..='\u{24e9}' => nth_letter(c, 0x24b6)?,
        '\u{249c}'..='\u{24b5}' => nth_letter(c, 0x249c)?,
        '\u{1f110}'..='\u{1f129}' => nth_letter(c, 0x1f110)?,
        '\u{1f130}'..='\u{1f149}' => nth_letter(c, 0x1f130)?,
        '\u{1f150}'..='\u{1f169}' => nth_letter(c, 0x1f150)?,
        '\u{1f170}'..='\u{1f189}' => nth_letter(c, 0x1f170)?,
        '\u{1f1e6}'..='\u{1f1ff}' => nth_letter(c, 0x1f1e6)?,
        _ if MATH.contains(&u32::from(c)) => nth_letter(c, MATH.start)?,
        'а' | 'А' | 'α' | 'Α' | 'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'À' | 'Á' | 'Â' | 'Ä' | 'Ã' | 'Å' | 'ą' => {
            'a'
        }
        'в' | 'В' | 'Β' => 'b',
        'с' | 'С' | 'ç' | 'Ç' | 'ϲ' | 'ć' | 'č' | 'Č' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'Ε' | 'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' | 'Ë' | 'ę' | 'ě' => 'e',
        'ɡ' => 'g',
        'Н' | 'һ' | 'Η' => 'h',
        'і' | 'І' | 'ι' | 'Ι' | 'í' | 'ì' | 'î' | 'ï' | 'ı' | 'Í' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'κ' | 'Κ' => 'k',
        'ӏ' => 'l',
        'м' | 'М' | 'Μ' => 'm',
        'ñ' | 'Ν' | 'ո' | 'ń' | 'ň' => 'n',
        'о' | 'О' | 'ο' | 'Ο' | 'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'Ö' | 'Ó' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ѕ' | 'Ѕ' | 'ş' | 'ś' | 'š' | 'Ş' | 'Ś' | 'Š' => 's',
        'т' | 'Т' | 'τ' | 'Τ' => 't',
        'ú' | 'ù' | 'û' | 'ü' | 'υ' | 'Ü' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'ү' | 'Υ' | 'ý' => 'y',
        'Ζ' | 'ż' | 'ź' | 'ž' | 'Ż' | 'Ž' => 'z',
        'ğ' => 'g',
        'ł' | 'Ł' => 'l',
        _ => return small(c),
    })
}

/// The letter by its place in a block of alphabets.
fn nth_letter(c: char, first: u32) -> Option<char> {
    char::from_u32(0x61 + (u32::from(c) - first) % 26)
}

/// Small capitals, letters above and below the line, and the letters that mathematics had before it got whole alphabets.
fn small(c: char) -> Option<char> {
    const SHAPES: [(char, &str); 26] = [
        ('a', "ᴀᵃᴬₐª"),
        ('b', "ʙᵇᴮℬ"),
        ('c', "ᴄᶜℂℭ"),
        ('d', "ᴅᵈᴰⅆ"),
        ('e', "ᴇᵉᴱₑℯℰⅇ"),
        ('f', "ꜰᶠℱ"),
        ('g', "ɢᵍᴳℊ"),
        ('h', "ʜʰᴴₕℍℋℌℎ"),
        ('i', "ɪⁱᴵᵢℐℑⅈ"),
        ('j', "ᴊʲᴶⱼⅉ"),
        ('k', "ᴋᵏᴷₖ"),
        ('l', "ʟˡᴸₗℒℓ"),
        ('m', "ᴍᵐᴹₘℳ"),
        ('n', "ɴⁿᴺₙℕ"),
        ('o', "ᴏᵒᴼₒℴº"),
        ('p', "ᴘᵖᴾₚℙ"),
        ('q', "ǫꞯ𐞥ℚ"),
        ('r', "ʀʳᴿᵣℝℛℜ"),
        ('s', "ꜱˢₛ"),
        ('t', "ᴛᵗᵀₜ"),
        ('u', "ᴜᵘᵁᵤ"),
        ('v', "ᴠᵛⱽᵥ"),
        ('w', "ᴡʷᵂ"),
        ('x', "ˣₓ"),
        ('y', "ʏʸ"),
        ('z', "ᴢᶻℤℨ"),
    ];
    if !matches!(c, '\u{aa}' | '\u{ba}' | '\u{1eb}' | '\u{262}'..='\u{2e3}' | '\u{1d00}'..='\u{1dbf}' | '\u{2070}'..='\u{214f}' | '\u{2c7c}' | '\u{2c7d}' | '\u{a730}'..='\u{a7af}' | '\u{107a5}')
    {
        return None;
    }
    SHAPES.iter().find(|(_, shapes)| shapes.contains(c)).map(|(letter, _)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_are_folded_as_all_others() {
        for text in ["", " ", " A\n\tb  C", "x\r\n\r\ny ", "~/.SSH/id_rsa `a`"] {
            let (plain, other) = (Folded::plain(text), Folded::undisguised(text));
            assert_eq!((plain.text, plain.origin), (other.text, other.origin), "{text:?}");
        }
        for (text, _) in super::super::tests::ATTACKS.iter().filter(|(text, _)| hidden::is_plain(text)) {
            let (plain, other) = (Folded::plain(text), Folded::undisguised(text));
            assert_eq!((plain.text, plain.origin), (other.text, other.origin), "{text}");
        }
    }
}

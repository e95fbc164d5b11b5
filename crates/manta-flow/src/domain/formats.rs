//! Named string formats of schema libraries: what a value looks like once the library has accepted it.
//!
//! Accepted is not harmless: `z.string().url()` admits quotes and `$(…)`, an e-mail address may start with a dash.

use super::charset::CharSet;
use super::props::StrProps;
use super::url::{Scheme, UrlState};

/// Formats of zod (`z.string().email()`, `z.email()`), by method name, as zod 3 and 4 implement them. `None`: the format
/// is not known or says nothing.
#[must_use]
pub fn zod(name: &str) -> Option<StrProps> {
    let of = |chars: &str| StrProps::of_charset(CharSet::ALNUM.union(CharSet::of(chars)));
    Some(match name {
        "email" => sized(of("_'+-.@"), 5, None),
        // `/^c[^\s-]{8,}$/i`: nearly anything after the first letter.
        "cuid" => {
            let anything = CharSet::ALL.minus(CharSet::SPACE.union(CharSet::of("-")));
            StrProps { first: CharSet::of("cC"), ..sized(StrProps::of_charset(anything), 9, None) }
        }
        "cuid2" => StrProps::of_charset(CharSet::LOWER.union(CharSet::DIGITS)),
        "ulid" => sized(of(""), 26, Some(26)),
        "nanoid" => sized(of("_-"), 21, Some(21)),
        "ksuid" => sized(of(""), 27, Some(27)),
        "xid" => sized(of(""), 20, Some(20)),
        "hostname" => hostname(),
        "jwt" => sized(of("_-."), 5, None),
        "e164" => StrProps::of_charset(CharSet::DIGITS.union(CharSet::of("+"))),
        "hex" => StrProps::of_charset(CharSet::HEX),
        "base64" => StrProps::of_charset(CharSet::ALNUM.union(CharSet::of("+/="))),
        "base64url" => of("_-"),
        "ip" => addresses(""),
        "cidr" => addresses("/"),
        "cidrv4" => StrProps::of_charset(CharSet::DIGITS.union(CharSet::of("./"))),
        "cidrv6" => addresses("/"),
        // RFC 3339 allows a blank between date and time, zod does not.
        "datetime" => StrProps {
            first: CharSet::DIGITS,
            ..sized(StrProps::of_charset(CharSet::DIGITS.union(CharSet::of("-:.TZ+"))), 10, None)
        },
        name => return json_schema(name),
    })
    .map(|props| props.refine(&StrProps::top()))
}

/// Formats of JSON Schema (`format: …`), where they are asserted at all. `None`: not known.
#[must_use]
pub fn json_schema(name: &str) -> Option<StrProps> {
    let over = |chars: &str| StrProps::of_charset(CharSet::DIGITS.union(CharSet::of(chars)));
    Some(match name {
        "uuid" | "guid" | "uuidv4" | "uuidv6" | "uuidv7" => StrProps::uuid(),
        "url" | "uri" => url(),
        // The characters of an atom (RFC 5322), most of which a shell understands.
        "email" => sized(StrProps::of_charset(CharSet::ALNUM.union(CharSet::of("!#$%&'*+/=?^_`{|}~.@-"))), 3, None),
        "ipv4" => sized(over("."), 7, Some(15)),
        "ipv6" => addresses(""),
        "hostname" => hostname(),
        "date" => sized(over("-"), 10, Some(10)),
        "time" => sized(over(":.Zz+-"), 5, None),
        "date-time" => sized(over("-:.TtZz+ "), 10, None),
        "duration" => StrProps::of_charset(CharSet::DIGITS.union(CharSet::of("PYMWDTHS.,+-"))),
        _ => return None,
    })
    .map(|props| starts_with_digit(name, props).refine(&StrProps::top()))
}

/// A string that `new URL()` accepts. It stays as written, so only its start is known: a scheme, perhaps after blanks and
/// control characters, which the parser ignores.
#[must_use]
pub fn url() -> StrProps {
    let ignored = CharSet::range(0, 0x20);
    sized(StrProps { first: CharSet::ALPHA.union(ignored), ..StrProps::top() }, 3, None)
}

/// The text of a parsed web URL (`HttpUrl` of pydantic, `new URL(u).href`): printed by a URL parser, so it starts with its
/// scheme and what may not stand in a URL is percent-encoded.
#[must_use]
pub fn web_url() -> StrProps {
    // A parser leaves `'`, `|`, `$`, parentheses and more in path and query.
    let printed = CharSet::range(b'!', b'~').minus(CharSet::of("\"<>`"));
    let text = StrProps { first: CharSet::of("h"), ..StrProps::of_charset(printed) };
    StrProps { url: UrlState { scheme: Scheme::Web, ..UrlState::UNKNOWN }, ..sized(text, 8, None) }
}

fn hostname() -> StrProps {
    let label = CharSet::ALNUM;
    StrProps {
        first: label,
        last: label.union(CharSet::of(".")),
        ..sized(StrProps::of_charset(label.union(CharSet::of("-."))), 1, Some(254))
    }
}

/// IPv4 and IPv6 addresses, and what else may follow them.
fn addresses(more: &str) -> StrProps {
    let address = CharSet::HEX.union(CharSet::of(":."));
    StrProps {
        first: CharSet::HEX.union(CharSet::of(":")),
        ..sized(StrProps::of_charset(address.union(CharSet::of(more))), 2, Some(49))
    }
}

fn starts_with_digit(name: &str, props: StrProps) -> StrProps {
    match name {
        "date" | "date-time" | "time" | "ipv4" => StrProps { first: CharSet::DIGITS, ..props },
        _ => props,
    }
}

fn sized(props: StrProps, min_len: u32, max_len: Option<u32>) -> StrProps {
    StrProps { min_len, max_len, ..props }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_texts_are_admitted() {
        for (name, text) in [
            ("email", "o'neil+x@mail.example.com"),
            ("cuid", "c1234567$(id)"),
            ("ulid", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("nanoid", "V1StGXR8_Z5jdHi6B-myT"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
            ("url", " https://x.example/?q=`id`"),
            ("ipv4", "10.0.0.1"),
            ("ipv6", "::ffff:1.2.3.4"),
            ("cidr", "fe80::/10"),
            ("datetime", "2026-11-24T13:00:00.000+01:00"),
            ("date", "2026-11-24"),
            ("jwt", "eyJ.eyJ.a-_"),
            ("hostname", "a-b.example"),
        ] {
            assert!(zod(name).expect(name).admits(text), "{name}: {text}");
        }
        assert!(json_schema("email").expect("known").admits("a$b|c@x"));
        assert!(web_url().admits("http://x.example/$(id)?a='b'"));
        assert_eq!(zod("startsWith"), None);
    }

    #[test]
    fn what_a_format_rules_out() {
        assert!(zod("url").expect("known").first.excludes("-"), "an option cannot be a URL");
        assert!(!zod("url").expect("known").charset.excludes(";$`\""));
        assert!(!zod("email").expect("known").first.excludes("-"));
        assert!(zod("email").expect("known").charset.excludes(";$` "));
        assert!(zod("date").expect("known").charset.excludes("/."));
        assert!(zod("datetime").expect("known").charset.excludes(" /"));
    }
}

//! The JSON Canonicalization Scheme (RFC 8785): one text per value, so that a digest of a tool's
//! description is the digest of what it says and not of how it was written.

use std::fmt::Write as _;

use serde_json::Value;

/// Canonical text of a value: keys sorted by UTF-16 code units, no white space, shortest escapes,
/// numbers as ECMAScript prints them.
#[must_use]
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => write_list(out, '[', ']', items.iter(), write_value),
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            write_list(out, '{', '}', sorted.into_iter(), |out, (key, value)| {
                write_string(out, key);
                out.push(':');
                write_value(out, value);
            });
        }
    }
}

fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

/// serde_json escapes exactly what RFC 8785 asks for.
fn write_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).expect("a string always serialises to JSON"));
}

fn write_number(out: &mut String, number: &serde_json::Number) {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) if integer.unsigned_abs() <= crate::walk::MAX_SAFE_INTEGER => {
            write!(out, "{integer}").expect("writing to a string can't fail");
        }
        (_, Some(double)) => write_double(out, double),
        // Not reachable without arbitrary precision; the digits are at least unambiguous.
        _ => out.push_str(&number.to_string()),
    }
}

/// ECMAScript's `Number::toString`, from the shortest digits that round-trip.
fn write_double(out: &mut String, double: f64) {
    if double == 0.0 {
        out.push('0');
        return;
    }
    let scientific = format!("{double:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` always prints an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` prints a decimal exponent");
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    out.push_str(sign);
    let count = i32::try_from(digits.len()).expect("a double has at most 17 digits");
    // Position of the decimal point relative to the digits.
    let point = exponent + 1;
    if (1..=21).contains(&point) {
        write_fixed(out, &digits, count, point);
    } else if (-5..=0).contains(&point) {
        out.push_str("0.");
        (point..0).for_each(|_| out.push('0'));
        out.push_str(&digits);
    } else {
        out.push_str(&digits[..1]);
        if count > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        write!(out, "e{exponent:+}").expect("writing to a string can't fail");
    }
}

fn write_fixed(out: &mut String, digits: &str, count: i32, point: i32) {
    if point >= count {
        out.push_str(digits);
        (count..point).for_each(|_| out.push('0'));
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).expect("the point is positive here"));
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        to_string(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_example_of_the_specification() {
        let input = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(input), expected);
    }

    #[test]
    fn keys_sort_by_utf16_units() {
        // U+1F600 starts with the surrogate D83D, which sorts before U+FB33.
        assert_eq!(
            canonical("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\":3,\"a\":4}"),
            "{\"\":3,\"a\":4,\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn numbers_print_as_in_javascript() {
        for (input, expected) in [
            ("-0.0", "0"),
            ("1.0", "1"),
            ("123456789012345680000", "123456789012345680000"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("-1.5e-10", "-1.5e-10"),
            ("9007199254740991", "9007199254740991"),
            ("5e-324", "5e-324"),
        ] {
            assert_eq!(canonical(input), expected);
        }
    }
}

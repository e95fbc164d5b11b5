//! TOML with the places of its keys and values.

use toml::de::{DeTable, DeValue};

use super::{Key, MAX_DEPTH, Node, Problem, Value, span};

pub(super) fn read(text: &str) -> Result<Node, Problem> {
    let table = DeTable::parse(text).map_err(|error| Problem {
        offset: error.span().map_or(0, |span| span.start),
        message: error.message().to_owned(),
    })?;
    Ok(Node { span: span(0, text.len()), value: map(table.get_ref(), 0) })
}

fn map(table: &DeTable<'_>, depth: usize) -> Value {
    let mut members: Vec<(Key, Node)> = table
        .iter()
        .map(|(key, value)| {
            let place = key.span();
            let key = Key { span: span(place.start, place.end), text: key.get_ref().to_string() };
            let place = value.span();
            (key, Node { span: span(place.start, place.end), value: convert(value.get_ref(), depth + 1) })
        })
        .collect();
    // The parser sorts by name; people read from top to bottom.
    members.sort_by_key(|(key, _)| key.span.start);
    Value::Map(members)
}

fn convert(value: &DeValue<'_>, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Datetime(time) => Value::Number(time.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| {
                    let place = item.span();
                    Node { span: span(place.start, place.end), value: convert(item.get_ref(), depth + 1) }
                })
                .collect(),
        ),
        DeValue::Table(table) => map(table, depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_their_places() {
        let text = "[mcp_servers.fs]\ncommand = \"npx\"\nargs = ['-y', \"pkg\"]\nenv = { KEY = \"v\" }\n";
        let node = read(text).unwrap();
        let server = node.at(&["mcp_servers", "fs"]).unwrap();
        let command = server.get("command").unwrap();
        assert_eq!(command.text(), Some("npx"));
        assert_eq!(&text[command.span.start as usize..command.span.end as usize], "\"npx\"");
        assert_eq!(server.get("args").unwrap().items()[1].text(), Some("pkg"));
        assert_eq!(server.at(&["env", "KEY"]).and_then(Node::text), Some("v"));
    }

    #[test]
    fn errors_have_a_place() {
        assert_eq!(read("a = 1\nb = = 2").unwrap_err().offset, 10);
    }
}

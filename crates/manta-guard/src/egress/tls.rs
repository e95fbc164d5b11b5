//! The name in a TLS greeting (RFC 8446 §4.1.2, RFC 6066 §3), without a TLS library: the guard
//! doesn't end the encryption, it only looks at whom the server asks for.

/// Longest greeting; larger ones exist only to be split.
const MAX_BYTES: usize = 64 << 10;

const CHANGE_CIPHER: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Largest record, encrypted.
const MAX_RECORD: usize = (1 << 14) + 256;
/// What stands in place of the random of a server that wants another greeting (RFC 8446 §4.1.3).
pub(crate) const ASKS_AGAIN: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What a greeting says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// The server name, in the form it was sent.
    pub(crate) name: Option<String>,
    /// The real greeting may be hidden inside.
    is_encrypted: bool,
    /// Bytes that it takes up.
    pub(crate) length: usize,
}

impl Greeting {
    /// Whom it names, for the message that refuses it.
    pub(crate) fn described(&self) -> String {
        let name = self
            .name
            .as_deref()
            .map_or_else(|| "no name".to_owned(), |name| manta_core::Untrusted(name).for_terminal());
        match self.is_encrypted {
            // Browsers send a mere imitation as well, which nobody can tell from the real thing: that is its purpose.
            true => format!(
                "{name}, which may hide another (encrypted client hello: browsers leave it out with \
                             --disable-features=EncryptedClientHello)"
            ),
            false => name,
        }
    }

    /// Whether the peer will take it for a connection to `host`, and nothing else.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let without_dot = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let host = without_dot(host);
        let is_literal = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
        let is_named = match &self.name {
            Some(name) => without_dot(name) == host,
            None => is_literal,
        };
        is_named && !self.is_encrypted
    }
}

/// How far the bytes go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Done(Greeting),
    Incomplete,
    Invalid(&'static str),
}

/// Reads the greeting at the start of a connection.
pub(crate) fn greeting(bytes: &[u8]) -> Read {
    let mut message = Vec::new();
    let mut rest = bytes;
    let mut is_whole = true;
    // The greeting may be spread over several records.
    loop {
        match rest {
            [] | [HANDSHAKE] | [HANDSHAKE, 3] => break,
            [HANDSHAKE, 3, _, ..] => {}
            _ => return Read::Invalid("not TLS"),
        }
        let [_, _, _, high, low, body @ ..] = rest else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length == 0 || length > 1 << 14 {
            return Read::Invalid("TLS record of an impossible length");
        }
        message.extend_from_slice(&body[..length.min(body.len())]);
        if body.len() < length {
            is_whole = false;
            break;
        }
        rest = &body[length..];
        if complete(&message).is_some() {
            break;
        }
    }
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Read::Invalid("not a TLS greeting");
    }
    match complete(&message).filter(|_| is_whole) {
        // Another message in the same record would be a second greeting, or nothing that TLS knows.
        Some(body) if message.len() > body.len() + 4 => Read::Invalid("something behind the TLS greeting"),
        Some(body) => match parse(body) {
            Some(greeting) => Read::Done(Greeting { length: bytes.len() - rest.len(), ..greeting }),
            None => Read::Invalid("malformed TLS greeting"),
        },
        None if bytes.len() > MAX_BYTES => Read::Invalid("TLS greeting is too long"),
        None => Read::Incomplete,
    }
}

/// What a client sends next, while the server may still want another greeting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A record of so many bytes that names nobody.
    Pass(usize),
    /// Another greeting, which can name another host than the first.
    Greeting(Greeting),
    Incomplete,
    Invalid(&'static str),
}

/// Reads on behind a greeting. What a server of TLS 1.2 is sent next is no greeting either; some of it is encrypted, and
/// looks like one only by chance.
pub(crate) fn next(bytes: &[u8]) -> Next {
    let [kind, major, _, high, low, body @ ..] = bytes else { return Next::Incomplete };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if *major != 3 || length > MAX_RECORD || !(CHANGE_CIPHER..=APPLICATION_DATA).contains(kind) {
        return Next::Invalid("not TLS");
    }
    let whole = if body.len() < length { Next::Incomplete } else { Next::Pass(5 + length) };
    match (*kind, body) {
        (HANDSHAKE, [CLIENT_HELLO, ..]) if length < 6 => Next::Invalid("a TLS greeting in splinters"),
        (HANDSHAKE, [CLIENT_HELLO, _, _, _, 3, _, ..]) => match greeting(bytes) {
            Read::Done(greeting) => Next::Greeting(greeting),
            Read::Incomplete => Next::Incomplete,
            Read::Invalid(why) => Next::Invalid(why),
        },
        (HANDSHAKE, body) if body.len() < 6 => whole,
        (CHANGE_CIPHER | ALERT | HANDSHAKE | APPLICATION_DATA, _) => whole,
        _ => Next::Invalid("not TLS"),
    }
}

/// Whether a server's first bytes ask for another greeting; `None` while too few are there.
pub(crate) fn asks_again(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [HANDSHAKE, _, _, _, _, SERVER_HELLO, rest @ ..] => rest.get(5..37).map(|random| random == ASKS_AGAIN),
        [HANDSHAKE] | [HANDSHAKE, _] | [HANDSHAKE, _, _] | [HANDSHAKE, _, _, _] | [HANDSHAKE, _, _, _, _] | [] => None,
        _ => Some(false),
    }
}

/// The body of the handshake message when all of it is there.
fn complete(message: &[u8]) -> Option<&[u8]> {
    let [_, a, b, c, body @ ..] = message else { return None };
    let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    body.get(..length)
}

fn parse(body: &[u8]) -> Option<Greeting> {
    let mut reader = Reader(body);
    reader.take(2 + 32)?; // version and random
    reader.short()?; // session id
    reader.long()?; // cipher suites
    reader.short()?; // compression
    let mut greeting = Greeting { name: None, is_encrypted: false, length: 0 };
    if reader.0.is_empty() {
        return Some(greeting);
    }
    let mut extensions = Reader(reader.long()?);
    if !reader.0.is_empty() {
        return None; // something that another reader may take for more extensions
    }
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let data = extensions.long()?;
        match kind {
            SERVER_NAME if greeting.name.is_some() => return None,
            SERVER_NAME => greeting.name = Some(server_name(data)?),
            ENCRYPTED_CLIENT_HELLO => greeting.is_encrypted = true,
            _ => {}
        }
    }
    Some(greeting)
}

fn server_name(data: &[u8]) -> Option<String> {
    let mut data = Reader(data);
    let mut list = Reader(data.long()?);
    let kind = list.take(1)?;
    let name = list.long()?;
    // One name of the one type there is; more would be a second reading.
    if kind != [0] || !list.0.is_empty() || !data.0.is_empty() {
        return None;
    }
    String::from_utf8(name.to_vec()).ok()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A vector with one byte of length.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(length.into())
    }

    /// A vector with two bytes of length.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.into())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
    }

    pub(crate) fn name_extension(name: &str) -> Vec<u8> {
        let entry = [&[0][..], &(name.len() as u16).to_be_bytes(), name.as_bytes()].concat();
        extension(0, &[&(entry.len() as u16).to_be_bytes()[..], &entry].concat())
    }

    /// A greeting as a record, with these extensions.
    pub(crate) fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
        let extensions = extensions.concat();
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        body.extend([0, 2, 0x13, 0x01, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let message = [&[1][..], &(body.len() as u32).to_be_bytes()[1..], &body].concat();
        [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
    }

    #[test]
    fn the_name_is_read_whatever_the_pieces() {
        let bytes = hello(&[extension(43, &[2, 3, 4]), name_extension("api.example.com")]);
        for end in 0..bytes.len() {
            assert_eq!(greeting(&bytes[..end]), Read::Incomplete, "{end}");
        }
        let Read::Done(read) = greeting(&bytes) else { panic!("complete") };
        assert!(read.is_for("API.example.com"));
        assert!(!read.is_for("other.example.com"));
    }

    #[test]
    fn records_may_split_the_greeting() {
        let bytes = hello(&[name_extension("api.example.com")]);
        let (message, mut split) = (&bytes[5..], Vec::new());
        for piece in message.chunks(7) {
            split.extend([22, 3, 1]);
            split.extend((piece.len() as u16).to_be_bytes());
            split.extend(piece);
        }
        let Read::Done(read) = greeting(&split) else { panic!("complete") };
        assert!(read.is_for("api.example.com"));
    }

    #[test]
    fn other_things_are_not_for_the_host() {
        assert_eq!(greeting(b"GET / HTTP/1.1\r\n"), Read::Invalid("not TLS"));
        assert_eq!(greeting(b"SSH-2.0-x"), Read::Invalid("not TLS"));
        let Read::Done(unnamed) = greeting(&hello(&[])) else { panic!("complete") };
        assert!(!unnamed.is_for("api.example.com"));
        assert!(unnamed.is_for("192.0.2.1"));
        let Read::Done(hidden) = greeting(&hello(&[name_extension("api.example.com"), extension(0xfe0d, &[0])])) else {
            panic!("complete")
        };
        assert!(!hidden.is_for("api.example.com"));
        let twice = hello(&[name_extension("api.example.com"), name_extension("evil.example")]);
        assert_eq!(greeting(&twice), Read::Invalid("malformed TLS greeting"));
        let Read::Done(dotted) = greeting(&hello(&[name_extension("api.example.com..")])) else { panic!("complete") };
        assert!(!dotted.is_for("api.example.com"));
        // What follows the list of names, or the extensions.
        let mut entry = name_extension("api.example.com");
        entry.push(0);
        entry[3] += 1;
        assert_eq!(greeting(&hello(&[entry])), Read::Invalid("malformed TLS greeting"));
        let mut trailing = hello(&[name_extension("api.example.com")]);
        trailing.push(0);
        trailing[4] += 1;
        trailing[8] += 1;
        assert_eq!(greeting(&trailing), Read::Invalid("malformed TLS greeting"));
    }

    #[test]
    fn what_follows_a_greeting_is_read_until_it_can_be_no_other() {
        let other = hello(&[name_extension("evil.example")]);
        let Next::Greeting(second) = next(&other) else { panic!("a greeting") };
        assert!(second.is_for("evil.example") && second.length == other.len());
        for end in 0..other.len() {
            assert_eq!(next(&other[..end]), Next::Incomplete, "{end}");
        }
        assert_eq!(next(&[20, 3, 3, 0, 1, 1, 22]), Next::Pass(6));
        assert_eq!(next(&[23, 3, 3, 0, 2, 9, 9, 9]), Next::Pass(7));
        assert_eq!(next(&[22, 3, 3, 0, 7, 16, 0, 0, 3, 1, 2, 3]), Next::Pass(12), "a key of TLS 1.2");
        assert_eq!(next(&[22, 3, 3, 0, 7, 1, 0, 0, 3, 9, 2, 3]), Next::Pass(12), "encrypted");
        assert_eq!(next(&[22, 3, 3, 0, 2, 1, 0, 22]), Next::Invalid("a TLS greeting in splinters"));
        assert_eq!(next(b"GET / HTTP/1.1"), Next::Invalid("not TLS"));
        // Two in one record.
        let mut twice = [&other[..], &other[5..]].concat();
        let length = (twice.len() - 5) as u16;
        twice[3..5].copy_from_slice(&length.to_be_bytes());
        assert_eq!(greeting(&twice), Read::Invalid("something behind the TLS greeting"));
    }

    /// A server's answer that asks for another greeting, or does not.
    pub(crate) fn answer(random: &[u8; 32]) -> Vec<u8> {
        [&[22, 3, 3, 0, 40, 2, 0, 0, 36, 3, 3][..], random, &[0, 0]].concat()
    }

    #[test]
    fn a_server_asks_again_by_one_number() {
        let (again, ordinary) = (answer(&ASKS_AGAIN), answer(&[7; 32]));
        for end in 0..43 {
            assert_eq!(asks_again(&again[..end]), None, "{end}");
        }
        assert_eq!((asks_again(&again), asks_again(&ordinary)), (Some(true), Some(false)));
        assert_eq!(asks_again(&[21, 3, 3, 0, 2, 2, 40]), Some(false));
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut state = 1_u32;
        let mut bytes = hello(&[name_extension("a.example")]);
        for _ in 0..50_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % bytes.len();
            bytes[at] = (state >> 24) as u8;
            let _ = (greeting(&bytes), next(&bytes), asks_again(&bytes));
        }
    }
}

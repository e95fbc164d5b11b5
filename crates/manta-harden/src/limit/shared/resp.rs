//! The part of the Redis protocol (RESP 2) that one script needs: about a hundred lines instead of a
//! dependency with an async runtime.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::StoreError;

/// Longest text and array that a server may answer with.
const MAX_TEXT: usize = 64 << 10;
const MAX_ITEMS: usize = 64;

/// Where the store is.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreAddress {
    /// `host:port`.
    host: String,
    database: u32,
    /// Never printed.
    password: Option<String>,
    /// Put before every key; processes with the same prefix share limits.
    pub prefix: String,
    /// Longest time for a connection and for an answer.
    pub timeout: Duration,
}

impl std::fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreAddress").field("host", &self.host).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl StoreAddress {
    /// Reads `redis://host:port/database`. A password does not belong into a URL that ends up in logs and
    /// process lists; give it to [`StoreAddress::password`].
    ///
    /// # Errors
    /// [`StoreError::Address`].
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let bad = |message: &str| StoreError::Address(format!("{message}; write redis://host:port/0"));
        let rest = text.strip_prefix("redis://").ok_or_else(|| bad("only redis:// is known"))?;
        let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(bad("name the variable with the password instead of writing it here"));
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = if has_port { host.to_owned() } else { format!("{host}:6379") };
        let database = if database.is_empty() { Ok(0) } else { database.parse() };
        let database = database.map_err(|_| bad("the database is not a number"))?;
        let (prefix, timeout) = ("manta".to_owned(), Duration::from_millis(250));
        Ok(Self { host, database, password: None, prefix, timeout })
    }

    /// The same address with a password.
    #[must_use]
    pub fn password(mut self, password: String) -> Self {
        self.password = Some(password);
        self
    }
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Text(String),
    Int(i64),
    Null,
    Array(Vec<Reply>),
}

impl Reply {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A number, as such or as text. Never negative.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(super) fn open(address: &StoreAddress) -> Result<Self, StoreError> {
        let away = |error: &dyn std::fmt::Display| StoreError::Unreachable(error.to_string());
        let socket = address
            .host
            .to_socket_addrs()
            .map_err(|error| away(&error))?
            .next()
            .ok_or_else(|| away(&"the name has no address"))?;
        let stream = TcpStream::connect_timeout(&socket, address.timeout).map_err(|error| away(&error))?;
        let prepared = stream
            .set_read_timeout(Some(address.timeout))
            .and_then(|()| stream.set_write_timeout(Some(address.timeout)))
            .and_then(|()| stream.set_nodelay(true));
        prepared.map_err(|error| away(&error))?;
        let mut connection = Self { stream: BufReader::new(stream) };
        if let Some(password) = &address.password {
            connection.call(&["AUTH".to_owned(), password.clone()])?;
        }
        if address.database != 0 {
            connection.call(&["SELECT".to_owned(), address.database.to_string()])?;
        }
        Ok(connection)
    }

    /// Loads a script; the answer is its digest.
    pub(super) fn load(&mut self, script: &str) -> Result<String, StoreError> {
        match self.call(&["SCRIPT".to_owned(), "LOAD".to_owned(), script.to_owned()])? {
            Reply::Text(digest) => Ok(digest),
            _ => Err(StoreError::Unreachable("SCRIPT LOAD gave no digest".to_owned())),
        }
    }

    /// Sends one command and reads its answer.
    pub(super) fn call(&mut self, command: &[String]) -> Result<Reply, StoreError> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for argument in command {
            bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            bytes.extend_from_slice(argument.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        let sent = self.stream.get_mut().write_all(&bytes);
        sent.map_err(|error| StoreError::Unreachable(error.to_string()))?;
        reply(&mut self.stream, 0)
    }
}

/// Reads one answer; lists stand at the top only.
pub(super) fn reply(stream: &mut impl BufRead, depth: usize) -> Result<Reply, StoreError> {
    let line = line(stream)?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| garbage("an empty line"))?;
    let number = || rest.parse::<i64>().map_err(|_| garbage("no number"));
    match kind {
        "+" => Ok(Reply::Text(rest.to_owned())),
        "-" => Err(StoreError::Refused(rest.to_owned())),
        ":" => Ok(Reply::Int(number()?)),
        "$" | "*" if number()? < 0 => Ok(Reply::Null),
        "$" => bulk(stream, length(number()?, MAX_TEXT)?),
        "*" if depth == 0 => {
            let items = length(number()?, MAX_ITEMS)?;
            (0..items).map(|_| reply(stream, depth + 1)).collect::<Result<_, _>>().map(Reply::Array)
        }
        _ => Err(garbage("an unknown type")),
    }
}

fn line(stream: &mut impl BufRead) -> Result<String, StoreError> {
    let mut bytes = Vec::new();
    let mut limited = stream.take(MAX_TEXT as u64);
    limited.read_until(b'\n', &mut bytes).map_err(|error| StoreError::Unreachable(error.to_string()))?;
    let line = bytes.strip_suffix(b"\r\n").ok_or_else(|| garbage("a line without an end"))?;
    String::from_utf8(line.to_vec()).map_err(|_| garbage("no UTF-8"))
}

fn bulk(stream: &mut impl BufRead, length: usize) -> Result<Reply, StoreError> {
    let mut bytes = vec![0; length + 2];
    stream.read_exact(&mut bytes).map_err(|error| StoreError::Unreachable(error.to_string()))?;
    let text = bytes.strip_suffix(b"\r\n").ok_or_else(|| garbage("a text without an end"))?;
    String::from_utf8(text.to_vec()).map(Reply::Text).map_err(|_| garbage("no UTF-8"))
}

fn length(number: i64, most: usize) -> Result<usize, StoreError> {
    usize::try_from(number).ok().filter(|length| *length <= most).ok_or_else(|| garbage("too much"))
}

fn garbage(what: &str) -> StoreError {
    StoreError::Unreachable(format!("not a Redis answer: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says `answer` to whatever it is told.
    fn ask(answer: &'static [u8]) -> Result<Reply, StoreError> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = StoreAddress::parse(&format!("redis://{}", listener.local_addr().unwrap())).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 256]);
            let _ = stream.write_all(answer);
        });
        let reply = Connection::open(&address).unwrap().call(&["PING".to_owned()]);
        server.join().unwrap();
        reply
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(ask(b"+PONG\r\n"), Ok(Reply::Text("PONG".into())));
        assert_eq!(ask(b"*2\r\n:1\r\n$3\r\nabc\r\n"), Ok(Reply::Array(vec![Reply::Int(1), Reply::Text("abc".into())])));
        assert_eq!(ask(b"$-1\r\n"), Ok(Reply::Null));
        assert_eq!(ask(b"-NOSCRIPT no\r\n"), Err(StoreError::Refused("NOSCRIPT no".into())));
    }

    #[test]
    fn hostile_answers_are_errors_and_reserve_no_memory() {
        for answer in [
            b"$99999999999\r\n".as_slice(),
            b"*99999999999\r\n",
            b"*1\r\n*1\r\n:1\r\n",
            b"?\r\n",
            b"\r\n",
            b"",
            b"$3\r\nabcde",
            b"+no end",
            b":x\r\n",
            b"+\xff\r\n",
        ] {
            assert!(matches!(ask(answer), Err(StoreError::Unreachable(_))), "{answer:?}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(StoreAddress::parse("redis://h").unwrap().host, "h:6379");
        assert_eq!(StoreAddress::parse("redis://[::1]:7/2").unwrap().database, 2);
        for text in ["http://h", "redis://user:pw@h", "redis://h/x"] {
            assert!(StoreAddress::parse(text).is_err(), "{text}");
        }
        let secret = StoreAddress::parse("redis://h").unwrap().password("hunter2".into());
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}

//! Reading a body that may be endless or much larger than it looks (CWE-409, CWE-770).

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};

use super::{ClientLimits, FetchError};

/// Small bodies may have any ratio: 64 KiB of zeros compress a thousandfold.
const FREE: usize = 64 * 1024;

/// The whole body, decompressed, within the limits.
pub(super) async fn read(
    mut incoming: Incoming,
    headers: &HeaderMap,
    limits: &ClientLimits,
) -> Result<Vec<u8>, FetchError> {
    let too_large = FetchError::Limit("the size of the response");
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.body as u64) {
        return Err(too_large);
    }
    let mut sink = Sink::new(headers, limits)?;
    let mut received = 0;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| FetchError::Protocol)?;
        let Some(data) = frame.data_ref() else { continue };
        received += data.len();
        if received > limits.body {
            return Err(too_large);
        }
        sink.write(data, received)?;
    }
    // An answer to HEAD, or a 204, may name an encoding and have no body.
    if received == 0 { Ok(Vec::new()) } else { sink.finish() }
}

enum Sink {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

impl Sink {
    fn new(headers: &HeaderMap, limits: &ClientLimits) -> Result<Self, FetchError> {
        let capped = Capped { content: Vec::new(), max: limits.body, ratio: limits.ratio, received: 0, is_over: false };
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        let encoding = encodings.next().map(|value| value.as_bytes().to_ascii_lowercase());
        match (encoding.as_deref(), encodings.next()) {
            (None | Some(b"" | b"identity"), None) => Ok(Self::Plain(capped)),
            (Some(b"gzip" | b"x-gzip"), None) => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(capped)))),
            // Nothing else was asked for; several layers would multiply the ratio.
            _ => Err(FetchError::Protocol),
        }
    }

    fn write(&mut self, data: &[u8], received: usize) -> Result<(), FetchError> {
        let (outcome, capped) = match self {
            Self::Plain(capped) => (capped.write_all(data), capped),
            Self::Gzip(decoder) => {
                decoder.get_mut().received = received;
                (decoder.write_all(data), decoder.get_mut())
            }
        };
        outcome.map_err(|_| capped.failure())
    }

    fn finish(self) -> Result<Vec<u8>, FetchError> {
        match self {
            Self::Plain(capped) => Ok(capped.content),
            Self::Gzip(mut decoder) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().content)),
                Err(_) => Err(decoder.get_mut().failure()),
            },
        }
    }
}

/// A buffer that refuses to grow beyond the limits.
struct Capped {
    content: Vec<u8>,
    max: usize,
    ratio: usize,
    /// Compressed bytes so far; 0 when nothing is decompressed.
    received: usize,
    is_over: bool,
}

impl Capped {
    const fn failure(&self) -> FetchError {
        if self.is_over { FetchError::Limit("the size of the response") } else { FetchError::Protocol }
    }
}

impl Write for Capped {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let size = self.content.len() + data.len();
        let by_ratio = if self.received == 0 { usize::MAX } else { self.received.saturating_mul(self.ratio).max(FREE) };
        if size > self.max.min(by_ratio) {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.content.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

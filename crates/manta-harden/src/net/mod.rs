//! Destinations on the network: an allow-list, and connections that obey it.
//!
//! Server-side request forgery (CWE-918) gets past a check in one of four gaps: the text means
//! another host to the next parser; the name resolves to a private address; it resolves to another
//! address the second time; or the server answers with a redirect. Here the URL is read by rules
//! on which parsers agree, resolved once, every address checked, the connection made to a checked
//! address and its other end verified, and a redirect starts again at the top.
//!
//! | attack | what stops it |
//! |---|---|
//! | `https://good@evil`, `https:\\evil`, tabs, `%00` in hosts | bytes refused before parsing |
//! | `0x7f.1`, `2130706433`, `①②⑦.0.0.1`, `[::ffff:7f00:1]` | written host must equal the parsed one; literals only when listed |
//! | `127.0.0.1.nip.io`, metadata services | every address must be public by the IANA registries |
//! | rebinding (CVE-2026-77265, CVE-2026-77242) | one look-up; the checked address is the connected one |
//! | redirect to a private host | each hop is a new URL with the full check |
//! | `HTTP_PROXY` in the environment | never read |
//! | decompression bomb, endless body | caps on bytes, ratio and time |

#[cfg(feature = "client")]
mod client;
mod connect;
mod error;
mod host;
mod policy;

#[cfg(feature = "client")]
pub use client::{ClientLimits, Duplex, FetchError, Method, Request, Response, SafeClient, Stream};
pub use connect::{Resolve, SystemResolver, connect, resolve};
pub use error::{UrlError, UrlRule};
pub use policy::{CheckedUrl, PublicAddr, UrlArg, UrlPolicy};

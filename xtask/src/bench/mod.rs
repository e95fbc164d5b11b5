//! Measuring `manta scan` on code it was not written for.
//!
//! The measured servers are other people's and stay outside the repository. What is here is the
//! runner ([`scan`]), the facts about known vulnerabilities ([`truth`]), the scores computed from
//! both ([`score`]) and the two reports. Scoring is pure, so that its definitions are unit-tested;
//! only [`scan`] starts processes.

mod around;
mod benign;
mod editor;
mod oracle;
mod pairs;
mod scan;
mod score;
mod speed;
mod text;
mod truth;

pub(crate) use around::{AroundArgs, run as around};
pub(crate) use benign::{BenignArgs, run as benign};
pub(crate) use editor::{EditorArgs, run as editor};
pub(crate) use oracle::{OracleArgs, run as oracle};
pub(crate) use pairs::{PairsArgs, run as pairs};
pub(crate) use speed::{SpeedArgs, run as speed};
pub(crate) use text::{TextArgs, run as text};

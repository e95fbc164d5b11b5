//! Measuring `manta scan` on code it was not written for.
//!
//! The measured servers are other people's and stay outside the repository. What is here is the
//! runner ([`scan`]), the facts about known vulnerabilities ([`truth`]), the scores computed from
//! both ([`score`]) and the two reports. Scoring is pure, so that its definitions are unit-tested;
//! only [`scan`] starts processes.

mod benign;
mod pairs;
mod scan;
mod score;
mod speed;
mod truth;

pub(crate) use benign::{BenignArgs, run as benign};
pub(crate) use pairs::{PairsArgs, run as pairs};
pub(crate) use speed::{SpeedArgs, run as speed};

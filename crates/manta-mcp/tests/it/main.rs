//! The strict wire, case by case and under random mutation.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should panic")]

mod properties;
mod refusals;

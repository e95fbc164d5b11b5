//! The strict wire, case by case and under random mutation.

mod properties;
mod refusals;

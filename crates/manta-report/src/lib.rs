//! How results look: one file per output format.
//!
//! A renderer takes finished reports and gives back text. It filters nothing, decides nothing and knows no rule;
//! it escapes everything for its own medium, because what it prints may have been written by an attacker.
#![forbid(unsafe_code)]

pub mod github;
pub mod gitlab;
pub mod html;
pub mod human;
pub mod json;
mod json_text;
pub mod junit;
pub mod markdown;
pub mod page;
mod paint;
mod place;
pub mod sarif;
mod snippet;
pub mod tools;
mod words;

use std::fmt;
use std::str::FromStr;

use manta_core::ScanReport;

pub use json_text::{compact as compact_json, pretty as pretty_json};

/// The formats a scan can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For people at a terminal.
    Human,
    /// `manta/findings/v1`, documented in `schemas/`.
    Json,
    /// SARIF 2.1.0, for code scanning services and editors.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
    /// A Code Quality report for GitLab.
    Gitlab,
    /// Markdown, for a pull request.
    Markdown,
    /// One self-contained page.
    Html,
    /// JUnit XML, which every build service shows.
    Junit,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] =
        &[Self::Human, Self::Json, Self::Sarif, Self::Github, Self::Gitlab, Self::Markdown, Self::Html, Self::Junit];

    /// The word used on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Junit => "junit",
        }
    }

    /// Whether the output is one document that nothing else may be mixed with.
    #[must_use]
    pub const fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Sarif | Self::Gitlab | Self::Html | Self::Junit)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|format| format.as_str() == given).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.as_str()).collect();
            format!("`{}` is none of {}", manta_core::Untrusted(given).for_terminal(), known.join(", "))
        })
    }
}

/// How to render, apart from the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The version of manta, for the formats that name their producer.
    pub version: &'static str,
    /// Colours for a terminal; only [`Format::Human`] looks at it.
    pub color: bool,
    /// Only headlines and the last line; only [`Format::Human`] looks at it.
    pub quiet: bool,
    /// The run has more than one target, which makes [`Format::Json`] write one line for each.
    pub several: bool,
}

/// What stands around and between the [`part`]s of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Before the first part.
    pub before: &'static str,
    /// Between two parts.
    pub between: &'static str,
    /// After the last part.
    pub after: &'static str,
}

impl Format {
    /// The text around the parts. Written this way, a run over thousands of targets never holds more than one
    /// report.
    #[must_use]
    pub const fn frame(self) -> Frame {
        match self {
            Self::Human => Frame { before: "", between: "\n", after: "" },
            Self::Json | Self::Github | Self::Markdown => Frame { before: "", between: "", after: "" },
            Self::Sarif => sarif::FRAME,
            Self::Gitlab => gitlab::FRAME,
            Self::Html => html::FRAME,
            Self::Junit => junit::FRAME,
        }
    }
}

/// Renders the report of one target; may be empty, and then nothing goes between it and its neighbours.
#[must_use]
pub fn part(format: Format, report: &ScanReport, options: &Options) -> String {
    match format {
        Format::Human => human::render(report, options),
        Format::Json => json::render(report, options),
        Format::Sarif => sarif::render(report, options),
        Format::Github => github::render(report),
        Format::Gitlab => gitlab::render(report),
        Format::Markdown => markdown::render(report),
        Format::Html => html::render(report),
        Format::Junit => junit::render(report),
    }
}

/// Renders the reports of one run, one per target, as one text.
#[must_use]
pub fn render(format: Format, reports: &[ScanReport], options: &Options) -> String {
    let Frame { before, between, after } = format.frame();
    let parts = reports.iter().map(|report| part(format, report, options));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    format!("{before}{}{after}", parts.join(between))
}

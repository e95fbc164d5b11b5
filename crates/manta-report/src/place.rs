//! Locations as every format writes them: relative path, lines and columns.

use manta_core::{Location, ScanReport};
use serde::Serialize;

/// A location for people. Lines and columns are 1-based, columns count characters, the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
}

impl Place {
    /// Where `location` is. A location in a file that isn't part of the report, which no analysis should
    /// deliver, reads as line 1 of `?` instead of failing the whole report.
    pub(crate) fn of(location: Location, report: &ScanReport) -> Self {
        let Some(file) = report.sources.get(location.file) else {
            return Self { file: "?".to_owned(), line: 1, column: 1, end_line: 1, end_column: 1 };
        };
        let start = file.line_column(location.span.start);
        let end = file.line_column(location.span.end.max(location.span.start));
        Self {
            file: file.path.clone(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

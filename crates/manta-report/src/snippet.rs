//! One line of source with what matters underlined; long lines, as in minified bundles, are cut around it, and
//! credentials are left out: reports end up in logs and on pages that more people read than the source.

use std::ops::Range;

use manta_core::{Location, ScanReport, Untrusted};
use manta_detect::secrets;
use unicode_width::UnicodeWidthStr as _;

use crate::place::Place;

/// Characters of source shown at most; a bundle's line has thousands.
const WIDTH: usize = 96;
/// Characters shown before the place when a line has to be cut.
const LEAD: usize = 24;
/// Bytes of a line around the place in which credentials are looked for.
const NEAR: usize = 4000;
/// What is shown of a credential.
const VEIL: &str = "***";

/// A line cut to what fits, already safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snippet {
    pub(crate) line: u32,
    /// The source, without indentation common to nothing: leading blanks are dropped.
    pub(crate) text: String,
    /// Columns on the screen before the underlined part.
    pub(crate) indent: usize,
    /// Columns on the screen that are underlined, at least one.
    pub(crate) width: usize,
}

/// The line `location` starts in; `None` when there is nothing to show.
pub(crate) fn at(location: Location, report: &ScanReport) -> Option<Snippet> {
    let file = report.sources.get(location.file)?;
    let place = Place::of(location, report);
    let text = file.line_text(place.line);
    let blank = text.chars().take_while(|character| character.is_whitespace()).count();
    let length = text.chars().count();
    let start = place.column as usize - 1;
    let end = if place.end_line == place.line { place.end_column as usize - 1 } else { length };
    let (start, end) = (start.min(length), end.min(length));

    let first = if length - blank <= WIDTH { blank } else { start.saturating_sub(LEAD).max(blank) }.min(start);
    let last = length.min(first + WIDTH);
    let veiled = veiled(location, place.line, text, report);
    let shown_from = text.char_indices().nth(first).map_or(text.len(), |(at, _)| at);
    let piece = |from: usize, to: usize| -> String {
        let chars = text.char_indices().skip(from).take(to.saturating_sub(from));
        let shown = chars.filter_map(|(at, character)| match veiled.iter().find(|range| range.contains(&at)) {
            Some(range) => VEIL.chars().nth(text[range.start.max(shown_from)..at].chars().count()),
            None => Some(character),
        });
        Untrusted(&shown.collect::<String>()).for_source_line()
    };
    let (before, marked, after) = (piece(first, start), piece(start, end.min(last)), piece(end.min(last), last));
    let (cut_before, cut_after) = (if first > blank { "…" } else { "" }, if last < length { "…" } else { "" });
    let snippet = Snippet {
        line: place.line,
        indent: cut_before.width() + before.width(),
        width: marked.trim_end().width().max(1),
        text: format!("{cut_before}{before}{marked}{after}{cut_after}").trim_end().to_owned(),
    };
    (!snippet.text.is_empty()).then_some(snippet)
}

/// Where credentials stand in a line: those that the scan knows, and what looks like one.
fn veiled(location: Location, line: u32, text: &str, report: &ScanReport) -> Vec<Range<usize>> {
    let Some(file) = report.sources.get(location.file) else { return Vec::new() };
    let within = file.line_span(line);
    let offset = |at: u32| (at.saturating_sub(within.start) as usize).min(text.len());
    let known = report.credentials.iter().filter(|known| known.file == location.file);
    let known = known.map(|known| offset(known.span.start)..offset(known.span.end)).filter(|range| !range.is_empty());
    let at = offset(location.span.start);
    let from = text.floor_char_boundary(at.saturating_sub(NEAR));
    let near = &text[from..text.ceil_char_boundary((at + NEAR).min(text.len()))];
    let looks = secrets::find_in_code(near).into_iter().chain(secrets::find(near));
    known.chain(looks.map(|found| found.range.start + from..found.range.end + from)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use manta_core::{FileId, SourceFile, SourceMap, Span};

    use super::*;

    fn snippet(text: &str, marked: &str) -> Snippet {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.js", text));
        let report = ScanReport { sources: Arc::new(sources), ..ScanReport::default() };
        let start = u32::try_from(text.find(marked).unwrap()).unwrap();
        let span = Span::new(start, start + u32::try_from(marked.len()).unwrap());
        at(Location::new(FileId(0), span), &report).unwrap()
    }

    #[test]
    fn the_mark_lies_under_wide_characters() {
        let snippet = snippet("x\n\t日本 = exec(cmd);\n", "exec(cmd)");
        assert_eq!((snippet.line, snippet.text.as_str()), (2, "日本 = exec(cmd);"));
        assert_eq!((snippet.indent, snippet.width), (7, 9));
    }

    #[test]
    fn a_bundle_is_cut_around_the_place() {
        let bundle = format!("{}exec(cmd);{}", "var a=1;".repeat(5_000), "b();".repeat(5_000));
        let snippet = snippet(&bundle, "exec(cmd)");
        assert!(snippet.text.chars().count() <= WIDTH + 2);
        assert_eq!(snippet.text.chars().skip(snippet.indent).take(snippet.width).collect::<String>(), "exec(cmd)");
        assert!(snippet.text.starts_with('…') && snippet.text.ends_with('…'));
    }

    #[test]
    fn credentials_are_left_out_whatever_is_marked() {
        let key = ["ghp_", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"].concat();
        let shown = snippet(&format!("x = exec(cmd, \"{key}\") + 1"), "exec(cmd");
        assert_eq!((shown.text.as_str(), shown.indent, shown.width), ("x = exec(cmd, \"***\") + 1", 4, 8));
        let shown = snippet(&format!("日 = \"{key}\", exec(cmd)"), "exec(cmd)");
        assert_eq!((shown.text.as_str(), shown.indent, shown.width), ("日 = \"***\", exec(cmd)", 12, 9));
        let shown = snippet(&format!("x = \"{key}\""), &key);
        assert_eq!((shown.text.as_str(), shown.indent, shown.width), ("x = \"***\"", 5, 3));

        // What only the scan knows, over several lines.
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.yaml", "args:\n  - hunter2 and\n    more, run\n"));
        let credentials = vec![Location::new(FileId(0), Span::new(10, 30))];
        let report = ScanReport { sources: Arc::new(sources), credentials, ..ScanReport::default() };
        let shown = at(Location::new(FileId(0), Span::new(32, 35)), &report).unwrap();
        assert_eq!((shown.text.as_str(), shown.indent), ("***, run", 5));
    }

    #[test]
    fn a_mark_over_several_lines_stops_at_the_end_of_the_first() {
        let snippet = snippet("exec(\n  cmd)", "exec(\n  cmd)");
        assert_eq!((snippet.indent, snippet.width), (0, 5));
    }
}

//! Leading `/** */` comments, found by the position of what they document.

use std::sync::Arc;

use oxc_ast::ast::Program;

/// JSDoc comments of a file, sorted by the token they are attached to.
pub(crate) struct Docs<'a> {
    text: &'a str,
    comments: Vec<(u32, oxc_span::Span)>,
}

impl<'a> Docs<'a> {
    pub(crate) fn new(program: &'a Program<'a>) -> Self {
        let mut comments: Vec<_> = program
            .comments
            .iter()
            .filter(|comment| comment.is_jsdoc())
            .map(|comment| (comment.attached_to, comment.content_span()))
            .collect();
        comments.sort_by_key(|(attached_to, span)| (*attached_to, span.start));
        Self { text: program.source_text, comments }
    }

    /// The text of the comment directly before the token at `start`, without stars.
    pub(crate) fn before(&self, start: u32) -> Option<Arc<str>> {
        let end = self.comments.partition_point(|(attached_to, _)| *attached_to <= start);
        let (attached_to, span) = self.comments.get(end.checked_sub(1)?)?;
        if *attached_to != start {
            return None;
        }
        let raw = self.text.get(span.start as usize..span.end as usize)?;
        let lines = raw.lines().map(|line| line.trim().trim_start_matches('*').trim());
        let text: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        Some(Arc::from(text.join("\n")))
    }
}

//! Several roots side by side, or one inside another.

use std::path::Path;
use std::sync::Arc;

use super::error::{PathError, PathRule};
use super::input::RelPath;
use super::{PathText, Root, Symlinks};

/// Roots, of which the innermost governs a path.
///
/// Where one root lies inside another, the outer one loses the inner directory: otherwise
/// `outer/inner/x` would have the outer root's rights. It also refuses every link, because a link
/// could lead into the inner one under another name.
#[derive(Debug, Clone)]
pub struct Roots(Vec<Root>);

impl Roots {
    /// Takes the roots in order. Relative paths belong to the first.
    ///
    /// # Errors
    /// [`PathRule::OtherRoot`] when two roots are the same directory.
    pub fn new(roots: impl IntoIterator<Item = Root>) -> Result<Self, PathError> {
        let mut roots: Vec<Root> = roots.into_iter().collect();
        let places: Vec<_> = roots.iter().map(|root| root.0.real.clone()).collect();
        for (i, root) in roots.iter_mut().enumerate() {
            for (j, place) in places.iter().enumerate().filter(|&(j, _)| j != i) {
                let Ok(below) = place.strip_prefix(&places[i]) else { continue };
                if below.as_os_str().is_empty() {
                    let _ = j;
                    return Err(PathRule::OtherRoot.into());
                }
                let inner = Arc::make_mut(&mut root.0);
                inner.options.symlinks = Symlinks::Refuse;
                inner.other_roots.push(RelPath::parse_listed(&below.to_string_lossy().replace('\\', "/")));
            }
        }
        Ok(Self(roots))
    }

    /// The root that governs `path`, and the path below it. Nothing is opened; give the result to
    /// that root's operations.
    ///
    /// Absolute paths are compared with the roots by whole components and the longest match wins.
    ///
    /// # Errors
    /// [`PathRule::OutsideRoot`] when no root holds it, or the rule about text that refuses it.
    pub fn find(&self, path: impl PathText) -> Result<(&Root, String), PathError> {
        let text = path.path_text();
        let first = self.0.first().ok_or(PathRule::OutsideRoot)?;
        let (governing, below) = match Path::new(text).is_absolute() {
            true => {
                let governing = self.innermost(Path::new(text)).ok_or(PathRule::OutsideRoot)?;
                (governing, governing.relative(text)?)
            }
            false => self.below_first(first, first.relative(text)?)?,
        };
        Ok((governing, below.into_text()))
    }

    /// The root that governs a path below the first one.
    fn below_first<'a>(&'a self, first: &'a Root, path: RelPath) -> Result<(&'a Root, RelPath), PathError> {
        if self.0.len() == 1 {
            return Ok((first, path));
        }
        let full = first.path().join(path.as_str());
        match self.innermost(&full) {
            Some(governing) if !Arc::ptr_eq(&governing.0, &first.0) => {
                Ok((governing, governing.relative(&full.to_string_lossy())?))
            }
            _ => Ok((first, path)),
        }
    }

    fn innermost(&self, path: &Path) -> Option<&Root> {
        let inside = self.0.iter().filter_map(|root| Some((root.strip(path)?.components().count(), root)));
        inside.min_by_key(|&(rest, _)| rest).map(|(_, root)| root)
    }

    /// The roots in order, as restricted by each other.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.0.iter()
    }

    /// The root of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Root> {
        self.0.iter().find(|root| root.name() == name)
    }
}

//! `cargo xtask generate`: writes anew what is made from the code and kept in the repository. The tests that compare it
//! with the code do the writing, so that the two can't differ.

use std::path::Path;
use std::process::Command;

/// What is generated: the test that keeps it current.
const GENERATED: [&[&str]; 3] = [
    &["-p", "manta", "--lib", "config::schema::tests::the_published_schema_is_the_code"],
    &["-p", "manta", "--test", "it", "book::the_generated_pages_are_current"],
    &["-p", "manta-harden", "--lib", "--features", "schema", "the_published_schema_is_the_code"],
];

/// Writes all of it.
///
/// # Errors
/// When cargo can't be run or a test fails for another reason.
pub(crate) fn run(root: &Path) -> Result<String, String> {
    for arguments in GENERATED {
        let mut command = Command::new(env!("CARGO"));
        command.arg("test").args(arguments).current_dir(root);
        command.env("MANTA_WRITE_BOOK", "1").env("MANTA_WRITE_SCHEMA", "1");
        let status = command.status().map_err(|error| format!("run cargo: {error}"))?;
        if !status.success() {
            return Err(format!("cargo test {}: {status}", arguments.join(" ")));
        }
    }
    Ok("book/src and schemas are current\n".to_owned())
}

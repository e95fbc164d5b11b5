//! `uvx PACKAGE`: its environment found, or made, in one sandbox, and its program run in another.
//!
//! uv writes to its cache whenever it runs, also to start what is there already, and whatever could write there could
//! change the code of every other tool of the user. As with [`crate::npx`] the two are apart: one sandbox with the
//! network and the cache, in which nothing of the package runs, and then the package's own program, from an environment
//! that is read-only, without uv.

use std::path::{Path, PathBuf};

/// What a uvx command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Words between the program and its options: `tool run` of uv.
    before: Vec<String>,
    /// Options that say what the environment holds, as written.
    options: Vec<String>,
    /// What to install, where it is not what the program is called.
    from: Option<String>,
    /// The program, with a version where nothing else says what to install.
    name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Options that stand alone, and those with a value.
const ALONE: &[&str] =
    &["-q", "--quiet", "-v", "--verbose", "--isolated", "--no-config", "--no-progress", "--native-tls"];
const WITH_VALUE: &[&str] = &[
    "-w",
    "--with",
    "-p",
    "--python",
    "-c",
    "--constraints",
    "--index",
    "--default-index",
    "-i",
    "--index-url",
    "--extra-index-url",
    "--index-strategy",
    "--prerelease",
    "--resolution",
    "--exclude-newer",
];

/// Python that says where it is. Neither the package's modules nor its `.pth` files are looked at.
const SAY_WHERE: [&str; 5] = ["python", "-I", "-S", "-c", "import sys; print(sys.executable)"];

/// Reads a command; `None` for forms that name no package of an index, and for options that are not known here.
#[must_use]
pub fn parse(program: &str, arguments: &[String]) -> Option<Tool> {
    let is_uv = Path::new(program).file_name().is_some_and(|name| name == "uv");
    let before: &[String] = match (is_uv, arguments) {
        (false, _) => &[],
        (true, [tool, run, ..]) if tool == "tool" && run == "run" => &arguments[..2],
        (true, _) => return None,
    };
    let (mut options, mut from) = (Vec::new(), None);
    let mut words = arguments[before.len()..].iter();
    let name = loop {
        let word = words.next()?;
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        match name {
            "--from" => from = Some(value.map_or_else(|| words.next().cloned(), |value| Some(value.to_owned()))?),
            _ if ALONE.contains(&name) => options.push(word.clone()),
            _ if WITH_VALUE.contains(&name) => {
                options.push(word.clone());
                if value.is_none() {
                    options.push(words.next()?.clone());
                }
            }
            _ if word.starts_with('-') => return None,
            _ => break word.clone(),
        }
    };
    let spec = from.as_ref().unwrap_or(&name);
    // Directories and addresses are not packages of an index.
    let is_index = !spec.starts_with(['.', '/', '~', '-']) && !spec.contains("://") && !spec.contains("..");
    let tool = Tool { before: before.to_vec(), options, from, name, arguments: words.cloned().collect() };
    let is_name = |name: &str| !name.is_empty() && name != ".." && name != "." && !name.contains('/');
    (is_index && is_name(tool.program())).then_some(tool)
}

impl Tool {
    /// The name of its program: `name[extra]@1.2` is `name`.
    fn program(&self) -> &str {
        let end = self.name.find(['@', '[', '=', '<', '>', '~', '!', ';', ' ']);
        &self.name[..end.filter(|_| self.from.is_none()).unwrap_or(self.name.len())]
    }

    /// The command that makes its environment, or finds it without the network, and says where it is.
    #[must_use]
    pub fn find_command(&self, program: &str, is_offline: bool) -> Vec<String> {
        let offline = is_offline.then(|| "--offline".to_owned());
        let from = ["--from".to_owned(), self.from.clone().unwrap_or_else(|| self.name.clone())];
        let words = std::iter::once(program.to_owned()).chain(self.before.iter().cloned()).chain(offline);
        words.chain(self.options.iter().cloned()).chain(from).chain(SAY_WHERE.map(str::to_owned)).collect()
    }

    /// The command that runs it, from what the other one said. Its first line is for a shell, which would need other programs
    /// to find the Python beside it.
    #[must_use]
    pub fn run_command(&self, said: &str) -> Option<Vec<String>> {
        let python = said.lines().map(str::trim).rfind(|line| line.starts_with('/'))?;
        let script: PathBuf = Path::new(python).parent()?.join(self.program());
        let script = script.is_file().then(|| script.to_string_lossy().into_owned())?;
        Some([python.to_owned(), script].into_iter().chain(self.arguments.iter().cloned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Tool> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        parse(&words[0], &words[1..])
    }

    #[test]
    fn the_forms_of_uvx_name_their_package() {
        let tool = parsed("uvx mcp-server-time --local-timezone UTC").unwrap();
        assert_eq!((tool.program(), tool.arguments.len()), ("mcp-server-time", 2));
        let found = tool.find_command("/bin/uvx", true).join(" ");
        assert!(found.starts_with("/bin/uvx --offline --from mcp-server-time python -I -S -c "), "{found}");
        let tool = parsed("uvx --python=3.12 --with extra -q name[all]@1.2.3 --from x").unwrap();
        assert_eq!((tool.program(), tool.arguments.join(" ")), ("name", "--from x".to_owned()));
        let found = tool.find_command("uvx", false).join(" ");
        assert!(found.starts_with("uvx --python=3.12 --with extra -q --from name[all]@1.2.3 python"), "{found}");
        let tool = parsed("/opt/uv tool run --from some-package==1.0 some-server").unwrap();
        assert_eq!(tool.program(), "some-server");
        assert!(
            tool.find_command("/opt/uv", false)
                .join(" ")
                .starts_with("/opt/uv tool run --from some-package==1.0 python")
        );
        for other in [
            "uvx",
            "uvx --from",
            "uvx --unknown x y",
            "uvx ./local",
            "uvx --from git+https://example.com/x y",
            "uvx --from a ../b",
            "uv run server.py",
            "uv --directory x run server",
        ] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn the_program_lies_beside_the_python_of_its_environment() {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("server"), "").unwrap();
        let said = format!("a word before\n{}\n", bin.join("python").display());
        let tool = parsed("uvx server --flag").unwrap();
        let command = tool.run_command(&said).unwrap();
        let place = |name: &str| bin.join(name).to_string_lossy().into_owned();
        assert_eq!(command, [place("python"), place("server"), "--flag".to_owned()]);
        assert_eq!(parsed("uvx other").unwrap().run_command(&said), None);
        assert_eq!(tool.run_command("nothing"), None);
    }
}

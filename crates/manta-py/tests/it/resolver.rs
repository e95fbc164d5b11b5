//! Roots, entries, imports and dependencies of projects written down here, file by file.

use std::collections::BTreeMap;

use manta_flow::frontend::{FrontEnd as _, ProjectFiles, Resolution, Resolver};
use manta_py::Python;

struct Files {
    paths: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl ProjectFiles for Files {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }
}

fn project(files: &[(&str, &str)]) -> Box<dyn Resolver> {
    let texts: BTreeMap<String, String> = files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
    Python.project(&Files { paths: texts.keys().cloned().collect(), texts })
}

fn entries(project: &dyn Resolver) -> Vec<(String, &'static str)> {
    project.entries().into_iter().map(|entry| (entry.path, entry.reason)).collect()
}

fn file(path: &str) -> Resolution {
    Resolution::File(path.into())
}

fn external(root: &str, path: &[&str]) -> Resolution {
    Resolution::External { root: root.into(), path: path.iter().map(|name| (*name).into()).collect() }
}

const SERVER: &str = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n";

/// What one package needs of another is declared like anything installed, and is beside it.
#[test]
fn a_dependency_that_is_a_package_of_the_repository() {
    let project = project(&[
        ("pyproject.toml", "[project]\nname = \"graph-core\"\ndependencies = [\"driver\"]\n"),
        ("graph_core/__init__.py", ""),
        ("graph_core/search/filters.py", ""),
        ("driver.py", ""),
        (
            "server/pyproject.toml",
            "[project]\nname = \"server\"\ndependencies = [\"graph-core[all]==1.2.3\", \"other\"]\n\
             [project.scripts]\nserver = \"main:main\"\n",
        ),
        ("server/src/main.py", SERVER),
        ("elsewhere/other.py", ""),
    ]);
    let from = "server/src/main.py";
    assert_eq!(project.resolve(from, "graph_core"), file("graph_core/__init__.py"));
    assert_eq!(project.resolve(from, "graph_core.search.filters"), file("graph_core/search/filters.py"));
    assert_eq!(project.resolve(from, "other"), external("other", &[]));
}

#[test]
fn src_layout_with_scripts() {
    let project = project(&[
        ("pyproject.toml", "[project]\nname = \"my-server\"\n[project.scripts]\nmy-server = \"my_server:main\"\n"),
        ("src/my_server/__init__.py", "from .server import serve\n"),
        ("src/my_server/server.py", SERVER),
        ("src/my_server/tools/__init__.py", ""),
        ("src/my_server/tools/run.py", ""),
        ("tests/test_server.py", "import mcp\n"),
    ]);
    assert_eq!(entries(&*project), [("src/my_server/__init__.py".to_owned(), "script")]);
    let from = "src/my_server/server.py";
    assert_eq!(project.resolve(from, "my_server"), file("src/my_server/__init__.py"));
    assert_eq!(project.resolve(from, "my_server.tools.run"), file("src/my_server/tools/run.py"));
    assert_eq!(project.resolve(from, "."), file("src/my_server/__init__.py"));
    assert_eq!(project.resolve(from, ".tools"), file("src/my_server/tools/__init__.py"));
    assert_eq!(project.resolve("src/my_server/tools/run.py", "..server"), file(from));
    assert_eq!(project.resolve("src/my_server/tools/__init__.py", ".run"), file("src/my_server/tools/run.py"));
    assert_eq!(project.resolve("tests/test_server.py", "my_server.server"), file(from));
    assert_eq!(project.resolve(from, ".gone"), Resolution::Missing);
    assert_eq!(project.resolve(from, "my_server.gone"), Resolution::Missing);
    assert_eq!(project.resolve(from, "....too.far"), Resolution::Missing);
    assert_eq!(project.resolve(from, "os.path"), external("os", &["path"]));
    assert_eq!(project.resolve(from, "mcp.server.fastmcp"), external("mcp", &["server", "fastmcp"]));
    assert_eq!(project.package(from), (String::new(), Some("my-server".into())));
}

#[test]
fn what_an_entry_imports_is_no_entry_but_what_nothing_imports_is() {
    let project = project(&[
        ("main.py", "from tools import (\n    shell,  # runs things\n    files,\n)\nfrom mcp import X\n"),
        ("tools/shell.py", SERVER),
        ("tools/files.py", SERVER),
        ("plugins/extra.py", SERVER),
        ("plugins/helper.py", ""),
        ("examples/demo.py", SERVER),
    ]);
    let expected = [("main.py".to_owned(), "convention"), ("plugins/extra.py".to_owned(), "convention")];
    assert_eq!(entries(&*project), expected);
    assert_eq!(project.resolve("main.py", "tools"), Resolution::Namespace("tools".into()));
    assert_eq!(
        project.resolve("main.py", "plugins.installed.elsewhere"),
        external("plugins", &["installed", "elsewhere"])
    );
    assert_eq!(project.siblings("plugins"), ["plugins/extra.py", "plugins/helper.py"]);
}

#[test]
fn examples_and_tests_count_only_alone() {
    let alone = project(&[("examples/a/server.py", SERVER), ("examples/a/util.py", "")]);
    assert_eq!(entries(&*alone), [("examples/a/server.py".to_owned(), "convention")]);
    let beside = project(&[("tests/python/test_a.py", SERVER), ("src/index.ts", "")]);
    assert_eq!(entries(&*beside), []);
    let nothing_known = project(&[("lib/handler.py", "def f(): pass\n")]);
    assert_eq!(entries(&*nothing_known), [("lib/handler.py".to_owned(), "convention")]);
}

#[test]
fn monorepo_with_several_packages() {
    let project = project(&[
        ("uv.lock", "[[package]]\nname = \"mcp\"\nversion = \"1.9.4\"\n"),
        (
            "servers/a/pyproject.toml",
            "[project]\nname = \"a\"\ndependencies = [\"mcp>=1.2\", \"httpx[http2] ~= 0.28 ; python_version > '3.9'\"]\n[project.scripts]\na = \"a_server.main:run\"\n",
        ),
        ("servers/a/a_server/__init__.py", ""),
        ("servers/a/a_server/main.py", "import common.http\nimport utils\n"),
        (
            "servers/b/pyproject.toml",
            "[tool.poetry]\nname = \"b\"\npackages = [{ include = \"b_server\", from = \"lib\" }]\n[tool.poetry.dependencies]\nrequests = { version = \"^2.1\", extras = [\"socks\"] }\n[tool.poetry.scripts]\nb = \"b_server:main\"\n",
        ),
        ("servers/b/lib/b_server/__init__.py", "import utils\n"),
        ("servers/b/lib/utils.py", ""),
        ("servers/a/utils.py", ""),
        (
            "shared/setup.py",
            "setup(name='common', package_dir={'': 'python'}, install_requires=['pyyaml>=6', \"click\"])\n",
        ),
        ("shared/python/common/__init__.py", ""),
        ("shared/python/common/http.py", ""),
    ]);
    let expected = [
        ("servers/a/a_server/main.py".to_owned(), "script"),
        ("servers/b/lib/b_server/__init__.py".to_owned(), "script"),
    ];
    assert_eq!(entries(&*project), expected);
    let a = "servers/a/a_server/main.py";
    assert_eq!(project.resolve(a, "common.http"), file("shared/python/common/http.py"));
    assert_eq!(project.resolve(a, "utils"), file("servers/a/utils.py"));
    assert_eq!(project.resolve("servers/b/lib/b_server/__init__.py", "utils"), file("servers/b/lib/utils.py"));
    assert_eq!(project.package(a), ("servers/a".into(), Some("a".into())));
    assert_eq!(project.package("shared/python/common/http.py"), ("shared".into(), Some("common".into())));
    assert_eq!(project.dependency(a, "mcp").as_deref(), Some("1.9.4"));
    assert_eq!(project.dependency(a, "HTTPX").as_deref(), Some("~= 0.28"));
    assert_eq!(project.dependency(a, "requests"), None);
    assert_eq!(project.dependency("servers/b/lib/b_server/__init__.py", "requests").as_deref(), Some("^2.1"));
    assert_eq!(project.dependency("shared/python/common/http.py", "PyYAML").as_deref(), Some(">=6"));
    assert_eq!(project.dependency("shared/python/common/http.py", "click").as_deref(), Some("*"));
}

#[test]
fn wheels_sdists_and_setup_cfg() {
    let wheel = project(&[
        ("pkg/__init__.py", ""),
        ("pkg/cli.py", SERVER),
        (
            "pkg-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: pkg\nRequires-Dist: mcp>=1.10.0\nRequires-Dist: rich; extra == 'cli'\n\nRequires-Dist: prose\n",
        ),
        ("pkg-1.0.dist-info/entry_points.txt", "[console_scripts]\npkg = pkg.cli:main\n\n[pytest11]\nplugin = pkg\n"),
    ]);
    assert_eq!(entries(&*wheel), [("pkg/cli.py".to_owned(), "script")]);
    assert_eq!(wheel.package("pkg/cli.py"), (String::new(), Some("pkg".into())));
    assert_eq!(wheel.dependency("pkg/cli.py", "mcp").as_deref(), Some(">=1.10.0"));
    assert_eq!(wheel.dependency("pkg/cli.py", "prose"), None);
    let sdist = project(&[
        ("pkg-1.0/PKG-INFO", "Name: pkg\n"),
        (
            "pkg-1.0/setup.cfg",
            "[metadata]\nname = pkg\n[options]\npackage_dir =\n    = source\ninstall_requires =\n    mcp ==1.2.3\n    # not this\n[options.entry_points]\nconsole_scripts =\n    pkg = pkg.app:main\n",
        ),
        ("pkg-1.0/source/pkg/__init__.py", ""),
        ("pkg-1.0/source/pkg/app.py", ""),
    ]);
    assert_eq!(entries(&*sdist), [("pkg-1.0/source/pkg/app.py".to_owned(), "script")]);
    assert_eq!(sdist.dependency("pkg-1.0/source/pkg/app.py", "mcp").as_deref(), Some("==1.2.3"));
}

#[test]
fn libraries_are_not_shadowed_by_accident() {
    let project = project(&[
        (
            "requirements.txt",
            "--index-url https://example.invalid\nrequests==2.31.0 \\\n    --hash=sha256:00\n# comment\ndocker\n",
        ),
        ("server/__init__.py", ""),
        ("server/mcp/__init__.py", ""),
        ("server/mcp/server.py", SERVER),
        ("server/logging.py", "import logging\n"),
        ("deploy/docker/build.py", ""),
        ("scripts/email.py", "import email.mime.text\n"),
    ]);
    let from = "server/logging.py";
    assert_eq!(project.resolve(from, "logging"), external("logging", &[]));
    assert_eq!(project.resolve(from, "mcp.server"), external("mcp", &["server"]));
    assert_eq!(project.resolve(from, ".mcp.server"), file("server/mcp/server.py"));
    assert_eq!(project.resolve(from, "docker"), external("docker", &[]));
    assert_eq!(project.resolve("scripts/email.py", "email.mime.text"), external("email", &["mime", "text"]));
    assert_eq!(project.dependency(from, "requests").as_deref(), Some("==2.31.0"));
}

#[test]
fn wrong_guesses_of_the_root_are_made_up_for_by_the_tail() {
    let project = project(&[
        ("deep/nested/app/core/engine.py", ""),
        ("deep/nested/app/core/util.py", ""),
        ("other/place/util.py", ""),
        ("run/start.py", "from app.core import engine\n"),
    ]);
    assert_eq!(project.resolve("run/start.py", "app.core.engine"), file("deep/nested/app/core/engine.py"));
    assert_eq!(project.resolve("run/start.py", "core.util"), file("deep/nested/app/core/util.py"));
    assert_eq!(project.resolve("run/start.py", "util"), external("util", &[]), "two candidates, neither nearer");
    assert_eq!(project.resolve("run/start.py", "numpy"), external("numpy", &[]));
}

#[test]
fn single_file_programs_declare_their_dependencies() {
    let text = "# /// script\n# requires-python = \">=3.11\"\n# dependencies = [\n#   \"fastmcp>=2.3\",\n# ]\n# ///\nimport fastmcp\n";
    let project = project(&[("tool.py", text)]);
    assert_eq!(project.dependency("tool.py", "fastmcp").as_deref(), Some(">=2.3"));
    assert_eq!(entries(&*project), [("tool.py".to_owned(), "convention")]);
}

#[test]
fn broken_manifests_cost_only_themselves() {
    let project = project(&[
        ("pyproject.toml", "[project\nname = "),
        ("uv.lock", "package = 3"),
        ("setup.cfg", "[[[\n= =\n"),
        ("setup.py", "setup(install_requires=['a"),
        ("src/x.py", SERVER),
    ]);
    assert_eq!(entries(&*project), [("src/x.py".to_owned(), "convention")]);
    assert_eq!(project.resolve("src/x.py", ""), Resolution::Missing);
    assert_eq!(project.resolve("src/x.py", "."), Resolution::Namespace("src".into()));
}

#[test]
fn a_target_that_is_a_package_is_imported_by_a_name_of_its_own() {
    let files = [
        ("__init__.py", ""),
        ("server.py", "from my_server.state import keep\nfrom my_server import tools\nimport other.state\n"),
        ("main.py", "from my_server.tools.echo import echo\n"),
        ("state.py", ""),
        ("tools/__init__.py", ""),
        ("tools/echo.py", ""),
    ];
    let target = project(&files);
    assert_eq!(target.resolve("server.py", "my_server.state"), file("state.py"));
    assert_eq!(target.resolve("server.py", "my_server"), file("__init__.py"));
    assert_eq!(target.resolve("main.py", "my_server.tools.echo"), file("tools/echo.py"));
    assert_eq!(target.resolve("server.py", "numpy"), external("numpy", &[]));
    assert_eq!(target.resolve("server.py", "numpy.linalg"), external("numpy", &["linalg"]));
    // Without `__init__.py` it is none.
    let plain = project(&files[1..]);
    assert_eq!(plain.resolve("server.py", "my_server"), external("my_server", &[]));
}

//! Entry discovery and import resolution on targets in memory.

use std::collections::BTreeMap;

use manta_flow::frontend::{FrontEnd, ProjectFiles, Resolution, Resolver};
use manta_js::JavaScript;

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
    let texts: BTreeMap<_, _> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    JavaScript.project(&Files { paths: texts.keys().cloned().collect(), texts })
}

fn entries(files: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    project(files).entries().into_iter().map(|entry| (entry.path, entry.reason)).collect()
}

fn entry(path: &str, reason: &'static str) -> (String, &'static str) {
    (path.to_owned(), reason)
}

fn file(path: &str) -> Resolution {
    Resolution::File(path.to_owned())
}

fn external(root: &str) -> Resolution {
    Resolution::External { root: root.into(), path: Vec::new() }
}

const SDK: &str = r#""@modelcontextprotocol/sdk": "^1.2.0""#;

fn manifest(fields: &str) -> String {
    format!("{{ {fields}, \"dependencies\": {{ {SDK} }} }}")
}

// ---- entries -----------------------------------------------------------------------------------------------------

#[test]
fn entries_of_a_shipped_package() {
    let exports = r#""exports": { ".": { "types": "./dist/index.d.ts", "import": "./dist/index.mjs", "require": "./dist/index.cjs" },
                     "./http": "./dist/http.js", "./tools/*": "./dist/tools/*.js", "./package.json": "./package.json" }"#;
    let files = |manifest: &str| {
        entries(&[
            ("package.json", manifest),
            ("dist/cli.js", ""),
            ("dist/index.cjs", ""),
            ("dist/index.mjs", ""),
            ("dist/index.d.ts", ""),
            ("dist/http.js", ""),
            ("dist/tools/a.js", ""),
            ("dist/tools/b.js", ""),
            ("dist/unused.js", ""),
        ])
    };
    // The program has its own start; of two builds of one file the ES module is enough.
    let program = files(&manifest(&format!(r#""name": "x", "bin": {{ "x": "./dist/cli.js" }}, {exports}"#)));
    assert_eq!(
        program,
        [entry("dist/cli.js", "bin"), entry("dist/http.js", "exports"), entry("dist/index.mjs", "exports")]
    );
    // A library opens everything it exports.
    let library = files(&manifest(&format!(r#""name": "x", "main": "dist/index.cjs", {exports}"#)));
    let expected = [
        entry("dist/http.js", "exports"),
        entry("dist/index.cjs", "main"),
        entry("dist/tools/a.js", "exports"),
        entry("dist/tools/b.js", "exports"),
    ];
    assert_eq!(library, expected);
}

#[test]
fn patterns_over_output_that_is_not_built_open_the_sources() {
    let found = entries(&[
        (
            "package.json",
            r#"{ "name": "x", "exports": { "./*": { "import": "./dist/esm/*", "require": "./dist/cjs/*" } } }"#,
        ),
        ("src/server/http.ts", ""),
        ("src/index.ts", ""),
        ("src/index.test.ts", ""),
    ]);
    assert_eq!(found, [entry("src/index.ts", "exports"), entry("src/server/http.ts", "exports")]);
}

#[test]
fn a_wrapper_named_like_the_output_is_not_its_source() {
    let found = entries(&[
        ("package.json", &manifest(r#""name": "x", "exports": { "./preset": "./dist/preset.js" }"#)),
        ("dist/preset.js", ""),
        ("preset.js", "export * from './dist/preset.js'"),
    ]);
    assert_eq!(found, [entry("dist/preset.js", "exports")]);
}

#[test]
fn directories_of_the_program_may_be_called_like_side_directories() {
    let server = "import '@modelcontextprotocol/sdk/server/mcp.js'";
    let found = entries(&[
        ("package.json", &manifest(r#""name": "x", "main": "src/index.ts""#)),
        ("src/index.ts", ""),
        ("src/docs/search.ts", server),
        ("docs/sample.ts", server),
        ("src/__tests__/a.ts", server),
    ]);
    assert_eq!(found, [entry("src/docs/search.ts", "convention"), entry("src/index.ts", "main")]);
}

#[test]
fn output_that_is_not_built_maps_to_its_source() {
    let by_convention = entries(&[
        ("package.json", &manifest(r#""name": "x", "bin": "build/src/server/main.js", "main": "lib/cjs/index.js""#)),
        ("src/server/main.ts", ""),
        ("src/index.ts", ""),
    ]);
    assert_eq!(by_convention, [entry("src/index.ts", "main"), entry("src/server/main.ts", "bin")]);

    let by_configuration = entries(&[
        ("package.json", &manifest(r#""name": "x", "main": "out/app.js""#)),
        ("tsconfig.json", r#"{ "compilerOptions": { "outDir": "out", "rootDir": "code/ts" /* , */ } }"#),
        ("code/ts/app.ts", ""),
    ]);
    assert_eq!(by_configuration, [entry("code/ts/app.ts", "main")]);
}

#[test]
fn source_wins_over_output_next_to_it() {
    let found = entries(&[
        ("package.json", &manifest(r#""name": "x", "bin": "dist/index.js""#)),
        ("dist/index.js", "import '@modelcontextprotocol/sdk/server/mcp.js'"),
        ("src/index.ts", "import '@modelcontextprotocol/sdk/server/mcp.js'"),
    ]);
    assert_eq!(found, [entry("src/index.ts", "bin")]);
}

#[test]
fn an_output_that_cannot_be_mapped_falls_back_to_build_settings_and_convention() {
    let settings = entries(&[
        ("package.json", &manifest(r#""name": "x", "bin": "dist/bundle.js""#)),
        ("tsup.config.ts", "export default { entry: { bundle: 'packages/start.ts' }, outDir: 'dist' }"),
        ("packages/start.ts", ""),
    ]);
    assert_eq!(settings, [entry("packages/start.ts", "script")]);

    let convention = entries(&[
        ("package.json", &manifest(r#""name": "x", "main": "dist/bundle.js""#)),
        ("src/server.ts", ""),
        ("src/other.ts", ""),
    ]);
    assert_eq!(convention, [entry("src/server.ts", "convention")]);
}

#[test]
fn scripts_and_deployment_files_name_entries() {
    let found = entries(&[
        (
            "package.json",
            &manifest(r#""name": "x", "scripts": { "start": "node -r x ./run.js", "test": "node t.js" }"#),
        ),
        ("run.js", ""),
        ("t.js", ""),
        ("wrangler.jsonc", r#"{ "main": "src/worker.ts" }"#),
        ("src/worker.ts", ""),
        ("Dockerfile", "CMD [\"node\", \"dist/http.js\"]"),
        ("src/http.ts", ""),
    ]);
    assert_eq!(found, [entry("run.js", "script"), entry("src/http.ts", "script"), entry("src/worker.ts", "script")]);
}

#[test]
fn workspaces_contribute_the_packages_that_use_mcp() {
    let found = entries(&[
        ("package.json", r#"{ "name": "root", "private": true, "workspaces": ["packages/*"] }"#),
        ("packages/server/package.json", &manifest(r#""name": "@x/server", "main": "dist/index.js""#)),
        ("packages/server/src/index.ts", "import '@x/core'"),
        ("packages/core/package.json", r#"{ "name": "@x/core", "main": "dist/index.js" }"#),
        ("packages/core/src/index.ts", ""),
        ("packages/site/package.json", r#"{ "name": "@x/site", "main": "index.js" }"#),
        ("packages/site/index.js", ""),
        ("examples/demo/package.json", &manifest(r#""name": "demo", "main": "index.js""#)),
        ("examples/demo/index.js", ""),
    ]);
    assert_eq!(found, [entry("packages/server/src/index.ts", "main")]);
}

#[test]
fn without_a_manifest_usual_names_or_unimported_files_are_entries() {
    assert_eq!(entries(&[("server.js", ""), ("util.js", "")]), [entry("server.js", "convention")]);
    let roots = entries(&[("a.js", "import './b.js'"), ("b.js", ""), ("c.test.js", ""), ("tests/d.js", "")]);
    assert_eq!(roots, [entry("a.js", "convention")]);
    let circle = entries(&[("a.js", "import './b.js'"), ("b.js", "import './a.js'")]);
    assert_eq!(circle.len(), 2);
    assert_eq!(entries(&[("tests/d.js", "")]), [entry("tests/d.js", "convention")]);
    assert!(entries(&[("readme.md", "")]).is_empty());
}

#[test]
fn servers_that_nothing_reaches_are_entries_unless_peripheral() {
    let server = "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'; import './helper.js'";
    let found = entries(&[
        ("package.json", &manifest(r#""name": "x", "main": "index.js""#)),
        ("index.js", ""),
        ("extra/second.js", server),
        ("extra/helper.js", "import '@modelcontextprotocol/sdk/server/mcp.js'"),
        ("extra/client.js", "import { Client } from '@modelcontextprotocol/sdk/client/index.js'"),
        ("examples/third.js", server),
        ("src/fourth.test.ts", server),
    ]);
    assert_eq!(found, [entry("extra/second.js", "convention"), entry("index.js", "main")]);
}

#[test]
fn frameworks_that_load_by_place() {
    let found = entries(&[
        ("package.json", r#"{ "name": "x", "dependencies": { "xmcp": "1" } }"#),
        ("src/tools/greet.ts", ""),
        ("src/prompts/p.ts", ""),
        ("src/lib/util.ts", ""),
    ]);
    assert_eq!(found, [entry("src/prompts/p.ts", "convention"), entry("src/tools/greet.ts", "convention")]);
    let route = entries(&[
        ("package.json", r#"{ "name": "x", "dependencies": { "mcp-handler": "1", "next": "15" } }"#),
        ("app/api/[transport]/route.ts", ""),
        ("app/page.tsx", ""),
    ]);
    assert_eq!(route, [entry("app/api/[transport]/route.ts", "convention")]);
}

// ---- imports -----------------------------------------------------------------------------------------------------

#[test]
fn relative_imports() {
    let project = project(&[
        ("src/a.ts", ""),
        ("src/b.tsx", ""),
        ("src/c.mts", ""),
        ("src/both.js", ""),
        ("src/both.ts", ""),
        ("src/dir/index.ts", ""),
        ("src/data.json", ""),
        ("src/types.d.ts", ""),
        ("src/plain.js", ""),
        ("root.js", ""),
    ]);
    let from = |request: &str| project.resolve("src/x.ts", request);
    assert_eq!(from("./a.js"), file("src/a.ts"));
    assert_eq!(from("./a"), file("src/a.ts"));
    assert_eq!(from("./b.js"), file("src/b.tsx"));
    assert_eq!(from("./b.jsx"), file("src/b.tsx"));
    assert_eq!(from("./c.mjs"), file("src/c.mts"));
    assert_eq!(from("./dir"), file("src/dir/index.ts"));
    assert_eq!(from("./dir/"), file("src/dir/index.ts"));
    assert_eq!(from("./dir/index.js"), file("src/dir/index.ts"));
    assert_eq!(from("../root"), file("root.js"));
    assert_eq!(from("./plain.js?raw"), file("src/plain.js"));
    assert_eq!(from("./both.js"), file("src/both.ts"));
    assert_eq!(project.resolve("src/plain.js", "./both.js"), file("src/both.js"));
    assert_eq!(from("./data.json"), Resolution::Asset("src/data.json".to_owned()));
    assert_eq!(from("./types"), Resolution::Asset("src/types.d.ts".to_owned()));
    assert_eq!(from("./types.js"), Resolution::Asset("src/types.d.ts".to_owned()));
    assert_eq!(from("./nothing"), Resolution::Missing);
    assert_eq!(from("../../outside"), Resolution::Missing);
    assert_eq!(project.resolve("src/dir/index.ts", ".."), Resolution::Missing);
    assert_eq!(project.resolve("src/dir/y.ts", "."), file("src/dir/index.ts"));
}

#[test]
fn packages_outside_keep_their_specifier() {
    let project = project(&[("package.json", &manifest(r#""name": "x""#)), ("a.ts", "")]);
    for (request, root) in [
        ("fs", "fs"),
        ("node:fs/promises", "fs/promises"),
        ("@modelcontextprotocol/sdk/server/mcp.js", "@modelcontextprotocol/sdk/server/mcp.js"),
        ("npm:@modelcontextprotocol/sdk@^1.2.0/server/mcp.js", "@modelcontextprotocol/sdk/server/mcp.js"),
        ("npm:zod@3", "zod"),
    ] {
        assert_eq!(project.resolve("a.ts", request), external(root), "{request}");
    }
}

#[test]
fn tsconfig_paths_with_extends_and_comments() {
    let project = project(&[
        (
            "tsconfig.base.json",
            "{ // shared\n \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@lib/*\": [\"libs/*/src\"], }, }, }",
        ),
        ("tsconfig.json", r#"{ "extends": "./tsconfig.base" }"#),
        (
            "app/tsconfig.json",
            r#"{ "compilerOptions": { "paths": { "@/*": ["./src/*"], "@/exact": ["./src/other"] } } }"#,
        ),
        ("libs/core/src/index.ts", ""),
        ("libs/plain.ts", ""),
        ("app/src/tools/run.ts", ""),
        ("app/src/other.ts", ""),
        ("main.ts", ""),
    ]);
    assert_eq!(project.resolve("main.ts", "@lib/core"), file("libs/core/src/index.ts"));
    assert_eq!(project.resolve("main.ts", "libs/plain"), file("libs/plain.ts"));
    assert_eq!(project.resolve("app/src/other.ts", "@/tools/run.js"), file("app/src/tools/run.ts"));
    assert_eq!(project.resolve("app/src/other.ts", "@/exact"), file("app/src/other.ts"));
    assert_eq!(project.resolve("app/src/other.ts", "@lib/core"), external("@lib/core"));
}

#[test]
fn package_imports_self_reference_and_workspaces() {
    let project = project(&[
        (
            "packages/app/package.json",
            r##"{ "name": "@x/app", "imports": { "#db": "./dist/db.js", "#utils/*": { "default": "./src/utils/*.ts" }, "#dep": "left-pad" },
                  "exports": { ".": "./dist/index.js", "./tools/*": "./dist/tools/*.js" } }"##,
        ),
        ("packages/app/src/db.ts", ""),
        ("packages/app/src/utils/a.ts", ""),
        ("packages/app/src/index.ts", ""),
        ("packages/app/src/tools/run.ts", ""),
        ("packages/core/package.json", r#"{ "name": "@x/core", "main": "./lib/index.js" }"#),
        ("packages/core/src/index.ts", ""),
        ("packages/core/src/deep/x.ts", ""),
    ]);
    let from = |request: &str| project.resolve("packages/app/src/index.ts", request);
    assert_eq!(from("#db"), file("packages/app/src/db.ts"));
    assert_eq!(from("#utils/a"), file("packages/app/src/utils/a.ts"));
    assert_eq!(from("#dep"), external("left-pad"));
    assert_eq!(from("@x/app"), file("packages/app/src/index.ts"));
    assert_eq!(from("@x/app/tools/run"), file("packages/app/src/tools/run.ts"));
    assert_eq!(from("@x/core"), file("packages/core/src/index.ts"));
    assert_eq!(from("@x/core/deep/x"), file("packages/core/src/deep/x.ts"));
    assert_eq!(from("@x/other"), external("@x/other"));
}

#[test]
fn a_wrapper_that_imports_output_reaches_the_source() {
    let project = project(&[
        ("package.json", &manifest(r#""name": "x", "bin": "bin/cli.js""#)),
        ("bin/cli.js", "import '../dist/index.js'"),
        ("src/index.ts", ""),
    ]);
    assert_eq!(project.resolve("bin/cli.js", "../dist/index.js"), file("src/index.ts"));
}

#[test]
fn output_files_import_each_other() {
    let project = project(&[
        ("package.json", &manifest(r#""name": "x""#)),
        ("dist/a.js", ""),
        ("dist/b.js", ""),
        ("src/b.ts", ""),
    ]);
    assert_eq!(project.resolve("dist/a.js", "./b.js"), file("dist/b.js"));
}

#[test]
fn versions_come_from_the_lock_file_or_the_manifest() {
    let manifest = r#"{ "name": "x", "dependencies": { "zod": "^3.0.0", "@modelcontextprotocol/sdk": "^1.2.0" } }"#;
    let npm = "{\n \"packages\": {\n  \"node_modules/@modelcontextprotocol/sdk\": {\n   \"version\": \"1.2.7\",\n  },\n  \
               \"node_modules/a/node_modules/zod\": {\n   \"version\": \"9.9.9\"\n  }\n }\n}";
    let pnpm = "packages:\n\n  '@modelcontextprotocol/sdk@1.2.8(zod@3.1.0)':\n    resolution: {}\n  zod@3.1.0:\n    resolution: {}\n";
    let yarn =
        "# yarn\n\n\"@modelcontextprotocol/sdk@^1.2.0\":\n  version \"1.2.9\"\n\nzod@^3.0.0:\n  version \"3.2.0\"\n";
    for (name, lock, sdk, zod) in [
        ("package-lock.json", npm, "1.2.7", "^3.0.0"),
        ("pnpm-lock.yaml", pnpm, "1.2.8", "3.1.0"),
        ("yarn.lock", yarn, "1.2.9", "3.2.0"),
        ("other.txt", "", "^1.2.0", "^3.0.0"),
    ] {
        let project = project(&[("package.json", manifest), (name, lock), ("src/a.ts", "")]);
        assert_eq!(project.dependency("src/a.ts", "@modelcontextprotocol/sdk").as_deref(), Some(sdk), "{name}");
        assert_eq!(project.dependency("src/a.ts", "zod").as_deref(), Some(zod), "{name}");
        assert_eq!(project.dependency("src/a.ts", "missing"), None);
    }
}

#[test]
fn packages_and_plugin_directories() {
    let project = project(&[
        ("package.json", r#"{ "name": "root" }"#),
        ("sub/package.json", r#"{ "type": "module" }"#),
        ("src/tools/a.ts", ""),
        ("src/tools/b/index.ts", ""),
        ("src/tools/b/inner.ts", ""),
        ("src/tools/a.test.ts", ""),
        ("src/tools/types.d.ts", ""),
    ]);
    assert_eq!(project.package("sub/x.js"), (String::new(), Some("root".to_owned())));
    assert_eq!(project.siblings("src/tools"), ["src/tools/a.ts", "src/tools/b/index.ts"]);
    assert_eq!(project.siblings("dist/tools/"), ["src/tools/a.ts", "src/tools/b/index.ts"]);
    assert!(project.siblings("nowhere").is_empty());
}

#[test]
fn hostile_manifests_do_no_harm() {
    let cases = [
        "{",
        "[]",
        "null",
        "\"x\"",
        r#"{"name": 1, "bin": [1], "exports": [[]], "imports": 3}"#,
        r#"{"name": "x", "main": "../../../etc/passwd", "bin": {"a": "/etc/passwd", "b": ""}}"#,
        r#"{"name": "x", "exports": {"./*": "./*", "*": "*"}, "main": "*"}"#,
    ];
    for case in cases {
        let project = project(&[
            ("package.json", case),
            (
                "tsconfig.json",
                r#"{"extends": "./tsconfig.json", "references": [{"path": "."}], "compilerOptions": {"paths": {"*": ["*"]}}}"#,
            ),
            ("index.js", ""),
        ]);
        assert!(!project.entries().is_empty(), "{case}");
        for request in
            ["", ".", "..", "/", "//", "#", "#x", "@", "@/", "x", "*", "./*", "npm:", "npm:@", "?", "./\u{e9}"]
        {
            let _ = project.resolve("index.js", request);
        }
    }
}

#[test]
fn a_package_that_the_build_copies_is_read_where_it_stands() {
    let files = [
        ("local/package.json", r#"{ "name": "x-server", "main": "build/index.js" }"#),
        ("local/src/index.ts", ""),
        ("local/src/own/a.ts", ""),
        ("shared/package.json", r#"{ "name": "x-shared", "main": "build/index.js" }"#),
        ("shared/src/index.ts", ""),
        ("shared/src/logging.ts", ""),
        ("docs/index.ts", ""),
    ];
    let made = project(&files);
    let from = |request: &str| made.resolve("local/src/index.ts", request);
    assert_eq!(from("../shared/index.js"), file("shared/src/index.ts"));
    assert_eq!(from("./shared/logging.js"), file("shared/src/logging.ts"));
    assert_eq!(from("./own/b.js"), Resolution::Missing);
    assert_eq!(from("../docs/index.js"), Resolution::Missing, "no package");
    // What is there is what is meant.
    let copied = project(&[&files[..], &[("local/shared/other.js", "")]].concat());
    assert_eq!(copied.resolve("local/src/index.ts", "../shared/index.js"), Resolution::Missing);
}

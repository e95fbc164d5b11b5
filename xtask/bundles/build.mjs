// Builds the server in every way; each result is a package of its own below the directory given as argument.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { rspack } from "@rspack/core";
import esbuild from "esbuild";

const out = path.resolve(process.argv[2]);

function package_(name, main, type) {
  const dir = path.join(out, name);
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  const dependencies = JSON.parse(fs.readFileSync("package.json", "utf8")).dependencies;
  fs.writeFileSync(path.join(dir, "package.json"), JSON.stringify({ name, bin: main, type, dependencies }));
  return dir;
}

function tsc(name, type, options) {
  const dir = package_(name, "dist/index.js", type);
  const compiler = path.resolve("node_modules/typescript/bin/tsc");
  const common = ["src/index.ts", "--outDir", path.join(dir, "dist"), "--skipLibCheck", "--noCheck", "--esModuleInterop"];
  execFileSync(process.execPath, [compiler, ...common, ...options], { stdio: "inherit" });
}

tsc("tsc-esm", "module", ["--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"]);
tsc("tsc-es2020", "module", ["--target", "es2020", "--module", "es2022", "--moduleResolution", "bundler"]);

// Top-level `await` is not for CommonJS, so those builds start from a file that calls instead.
const entry = fs.readFileSync("src/index.ts", "utf8").replace("await server.connect", "void server.connect");
fs.writeFileSync("src/cjs.ts", entry);

for (const format of ["esm", "cjs"]) {
  for (const minify of [false, true]) {
    const name = ["esbuild", format, minify && "minified"].filter(Boolean).join("-");
    const dir = package_(name, "dist/index.js", format === "esm" ? "module" : "commonjs");
    await esbuild.build({
      entryPoints: [format === "esm" ? "src/index.ts" : "src/cjs.ts"],
      outfile: path.join(dir, "dist/index.js"),
      bundle: true,
      platform: "node",
      target: "node20",
      packages: "external",
      format,
      minify,
      logLevel: "error",
    });
  }
}

for (const minimize of [false, true]) {
  const dir = package_(minimize ? "rspack-minified" : "rspack", "dist/index.js", "commonjs");
  const config = {
    mode: "production",
    context: process.cwd(),
    entry: "./src/cjs.ts",
    target: "node20",
    output: { path: path.join(dir, "dist"), filename: "index.js", library: { type: "commonjs2" } },
    externals: [/^node:/, /^@modelcontextprotocol\//, "zod"],
    externalsType: "commonjs",
    resolve: { extensions: [".ts", ".js"], extensionAlias: { ".js": [".ts", ".js"] } },
    module: { rules: [{ test: /\.ts$/, loader: "builtin:swc-loader", options: { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }, type: "javascript/auto" }] },
    optimization: { minimize },
    devtool: false,
  };
  await new Promise((resolve, reject) => {
    rspack(config, (error, stats) => {
      if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString({ all: false, errors: true })));
      else resolve();
    });
  });
}
fs.rmSync("src/cjs.ts");

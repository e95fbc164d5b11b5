import fs from "node:fs";
import path from "node:path";

const ALLOWED_DIR = "/safe/directory";

// The repair most tutorials show. `/safe/directory-evil/x` starts with `/safe/directory`, and a symbolic link inside
// the directory leads wherever it points.
async function readAsInTheTutorial({ path: p }: { path: string }): Promise<string> {
  const resolved = path.resolve(ALLOWED_DIR, p);
  if (!resolved.startsWith(ALLOWED_DIR)) {
    throw new Error("access denied");
  }
  return fs.readFileSync(resolved, "utf-8");
}

// The right form: resolve links first, then compare whole path components.
async function readAsItShouldBe({ path: p }: { path: string }): Promise<string> {
  const root = fs.realpathSync(ALLOWED_DIR);
  const real = fs.realpathSync(path.resolve(root, p));
  if (real !== root && !real.startsWith(root + path.sep)) {
    throw new Error("access denied");
  }
  return fs.readFileSync(real, "utf-8");
}

export const server = {
  name: "tutorial-fix",
  tools: [
    { name: "read_file", description: "Read a file of the safe directory", execute: readAsInTheTutorial },
    { name: "read_file_safely", description: "Read a file of the safe directory", execute: readAsItShouldBe },
  ],
};

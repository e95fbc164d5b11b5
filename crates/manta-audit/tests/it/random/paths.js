// Paths from the caller: what is done to one, where it is put, what is asked of it, and what tries to get out.
const ROOT = "@BASE@/data";

// step
  p = p.trim();

// step
  p = p.toLowerCase();

// step
  p = p.replace(/^\/+/, "");

// step
  p = p.replace(/^\//, "");

// step
  p = p.replace("..", "");

// step
  p = p.replace(/\.\./g, "");

// step
  p = p.replace("../", "");

// step
  p = p.replace(/\.\.\//g, "");

// step
  p = p.replaceAll("../", "");

// step
  p = path.normalize(p);

// step
  p = path.basename(p);

// step
  p = decodeURIComponent(p);

// step
  p = p.split("/").pop();

// step
  p = p.replace(/[^\w./-]/g, "");

// step
  p = p.replace(/[^\w.-]/g, "_");

// step
  p = path.posix.normalize("/" + p).slice(1);

// step
  p = p.replace(/\\/g, "/");

// step
  p = p.replace(/\.{2,}/g, ".");

// step
  p = path.parse(p).name;

// step
  p = p + ".txt";

// step
  p = "sub/" + p;

// step
  p = p.replace(/\//g, "_");

// step
  p = p.split("..")[0];

// step
  p = p.slice(0, 40);

// step
  p = p.split("/").filter((x) => x !== ".." && x !== ".").join("/");

// step
  p = p.split("/").filter(Boolean).join("/");

// step
  p = path.normalize(p).replace(/^(\.\.[\/\\])+/, "");

// step
  p = p.replace(/^(\.\.\/)+/, "");

// step
  while (p.includes("../")) p = p.replace("../", "");

// step
  p = path.normalize("/" + p);

// step
  p = p.startsWith("/") ? p.slice(1) : p;

// step
  p = encodeURIComponent(p);

// step
  p = path.join("/", p);

// step
  p = p.split("/").map((x) => x.replace(/[^\w.]/g, "")).join("/");

// step
  p = p.split(path.sep).map((x) => path.basename(x)).join("/");

// step
  if (p.includes("..")) throw new Error("x");

// step
  if (p.startsWith("/")) throw new Error("x");

// step
  if (path.isAbsolute(p)) throw new Error("x");

// step
  if (p.includes("/")) throw new Error("x");

// step
  if (!/^[\w./-]+$/.test(p)) throw new Error("x");

// step
  if (!/^[\w.-]+$/.test(p)) throw new Error("x");

// step
  if (!/^\w+\.txt$/.test(p)) throw new Error("x");

// step
  if (!/[\w-]+/.test(p)) throw new Error("x");

// step
  if (p.startsWith("..")) throw new Error("x");

// step
  if (p.includes("../")) throw new Error("x");

// step
  if (p.split("/").includes("..")) throw new Error("x");

// step
  if (p.split("/").some((x) => x === "..")) throw new Error("x");

// step
  if (!p.endsWith(".txt")) throw new Error("x");

// step
  if (/\.\./.test(p)) throw new Error("x");

// step
  if (p !== path.basename(p)) throw new Error("x");

// step
  if (path.normalize(p).startsWith("..")) throw new Error("x");

// step
  if (p.indexOf("..") !== -1) throw new Error("x");

// step
  if (p.indexOf("/") >= 0) throw new Error("x");

// step
  if (/^(\/|\.\.)/.test(p)) throw new Error("x");

// step
  if (/(^|\/)\.\.(\/|$)/.test(p)) throw new Error("x");

// step
  if (p.length > 50) throw new Error("x");

// step
  if (["", ".", ".."].includes(p)) throw new Error("x");

// step
  if (path.normalize(p) !== p) throw new Error("x");

// step
  if (p[0] === "/") throw new Error("x");

// step
  if (p.match(/\.\.\//)) throw new Error("x");

// step
  if (!p.match(/^[a-z0-9_\/.-]+$/i)) throw new Error("x");

// place
  const full = path.join(ROOT, p);

// place
  const full = path.resolve(ROOT, p);

// place
  const full = ROOT + "/" + p;

// place
  const full = `${ROOT}/${p}`;

// place
  const full = path.resolve(path.join(ROOT, p));

// place
  const full = path.normalize(`${ROOT}/${p}`);

// place
  const full = path.resolve(p);

// place
  const full = p;

// place
  const full = path.join(ROOT, "sub", p);

// place
  const full = path.join(ROOT, path.basename(p));

// place
  const full = path.isAbsolute(p) ? p : path.join(ROOT, p);

// place
  const full = path.normalize(path.join(ROOT, p));

// place
  const full = path.resolve(ROOT, "." + path.sep + p);

// place
  const full = path.join(ROOT, path.normalize(p));

// place
  const full = path.resolve(ROOT, path.normalize(p));

// place
  const full = [ROOT, p].join("/");

// place
  const full = fs.realpathSync(path.resolve(ROOT, p));

// check
  if (!full.startsWith(ROOT)) throw new Error("x");

// check
  if (!full.startsWith(`${ROOT}/`)) throw new Error("x");

// check
  if (path.relative(ROOT, full).startsWith("..")) throw new Error("x");

// check
  const rel = path.relative(ROOT, full); if (rel.startsWith("..") || path.isAbsolute(rel)) throw new Error("x");

// check
  if (full.includes("..")) throw new Error("x");

// check
  if (path.dirname(full) !== ROOT) throw new Error("x");

// check
  if (!full.includes(ROOT)) throw new Error("x");

// check
  if (full.indexOf(ROOT) !== 0) throw new Error("x");

// check
  if (!fs.realpathSync(full).startsWith(ROOT + "/")) throw new Error("x");

// check
  if (!path.normalize(full).startsWith(ROOT)) throw new Error("x");

// check
  if (!fs.existsSync(full)) throw new Error("x");

// check
  if (full !== ROOT && !full.startsWith(ROOT + "/")) throw new Error("x");

// check
  if (full.slice(0, ROOT.length) !== ROOT) throw new Error("x");

// check
  if (path.relative(ROOT, full).split(path.sep)[0] === "..") throw new Error("x");

// check
  if (path.relative(ROOT, full).includes("..")) throw new Error("x");

// check
  if (!["@BASE@/data", "@BASE@/other"].some((d) => full.startsWith(d + "/"))) throw new Error("x");

// check
  if (!["@BASE@/data", "@BASE@/other"].some((d) => full.startsWith(d))) throw new Error("x");

// check
  if (!new RegExp(`^${ROOT}/`).test(full)) throw new Error("x");

// check
  if (full.lastIndexOf(ROOT, 0) !== 0) throw new Error("x");

// input "../data-evil/secret"
// input "@BASE@/data-evil/secret"
// input "-evil/secret"
// input "/@BASE@/data-evil/secret.txt"
// input "/../data-evil/secret.txt"
// input "sub/../../data-evil/secret.txt"
// input "sub/../../data-evil/secret"
// input "../secret.txt"
// input "@BASE@/secret.txt"
// input "..%2fsecret.txt"
// input "%2e%2e%2fsecret.txt"
// input "%2e%2e/secret.txt"
// input "....//secret.txt"
// input "..././secret.txt"
// input "....//secret"
// input "a/../../secret.txt"
// input "sub/../../secret.txt"
// input "../data-evil/secret.txt"
// input "-evil/secret.txt"
// input " ../secret.txt"
// input "/@BASE@/secret.txt"
// input "..\\secret.txt"
// input "%2ftmp%2fpx%2fsecret.txt"
// input "tmp/px/secret.txt"
// input "../secret"
// input "@BASE@/secret"
// input "/../secret.txt"
// input "../../secret.txt"
// input "./../secret.txt"
// input ".././secret.txt"
// input "..//secret.txt"
// input "@BASE@/data/../secret.txt"
// input "@BASE@/data-evil/secret.txt"
// input "tmp/px/secret"
// input "../../secret"
// input "sub/../../secret"
// input ".../...//secret.txt"
// input "....//....//secret.txt"
// input ".../.../secret.txt"
// input "..../secret.txt"
// input "%252e%252e%252fsecret.txt"
// input "@BASE@/secret.txt\n"
// input "../secret.txt\n"
// input "..x/../../secret.txt"
// input "a/../../../px/secret.txt"
// input "@BASE@/data/../data-evil/secret.txt"
// input "../data-evil/../secret.txt"
// input "data/../../secret.txt"
// input "@BASE@/data/sub/../../secret.txt"
// input "..%5csecret.txt"
// input "..\\../secret.txt"
// input "/..//secret.txt"
// input "../../px/secret.txt"
// input "sub/../../secret..x"
// input "../secret.txt/.."
// input "../secret.txt..x"
// input "@BASE@/secret.x"
// input "../secret.x"
// input "../../px/secret"

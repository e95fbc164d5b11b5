// Addresses from the caller: what is done to one, what it is put into, what is asked of either
// (VALUE), and hosts that it must not reach.
const BASE = "https://api.example.com";

// step
  u = u.trim();

// step
  u = u.toLowerCase();

// step
  u = u.replace(/^https?:\/\//, "");

// step
  u = u.replace(/\/+$/, "");

// step
  u = u.split("?")[0];

// step
  u = u.split("#")[0];

// step
  u = u.replace("http://", "https://");

// step
  u = encodeURI(u);

// step
  u = decodeURIComponent(u);

// step
  u = new URL(u).href;

// step
  u = new URL(u).toString();

// step
  u = u.replace(/[^\w.-]/g, "");

// step
  u = u.replace(/[\s]/g, "");

// step
  u = u.startsWith("http") ? u : `https://${u}`;

// step
  u = u.includes("://") ? u : "https://" + u;

// step
  u = u.replace(/@/g, "");

// step
  u = encodeURIComponent(u);

// step
  u = u.replace(/^\/+/, "");

// step
  u = u.startsWith("/") ? u : "/" + u;

// step
  u = u.slice(0, 60);

// place
  const url = u;

// place
  const url = `https://api.example.com${u}`;

// place
  const url = `https://api.example.com/${u}`;

// place
  const url = BASE + u;

// place
  const url = BASE + "/" + u;

// place
  const url = new URL(u, BASE).href;

// place
  const url = new URL(u, BASE).toString();

// place
  const url = `https://${u}.example.com/x`;

// place
  const url = `https://${u}/x`;

// place
  const url = `${BASE}?q=${u}`;

// place
  const url = new URL("/x/" + u, BASE).href;

// place
  const url = `${BASE}/${encodeURIComponent(u)}`;

// place
  const url = new URL(`/x/${u}`, BASE).toString();

// place
  const url = "https://" + u;

// place
  const url = `${BASE}:${u}/x`;

// place
  const url = [BASE, u].join("/");

// place
  const url = BASE.concat("/", u);

// place
  const x = new URL(BASE); x.pathname = u; const url = x.href;

// place
  const x = new URL(BASE); x.search = u; const url = x.toString();

// place
  const x = new URL(BASE); x.host = u; const url = x.href;

// place
  const x = new URL(u); x.protocol = "https:"; const url = x.href;

// check
  if (!VALUE.startsWith("https://")) throw new Error("x");

// check
  if (!VALUE.startsWith("https://api.example.com")) throw new Error("x");

// check
  if (!VALUE.startsWith("https://api.example.com/")) throw new Error("x");

// check
  if (new URL(VALUE).hostname !== "api.example.com") throw new Error("x");

// check
  if (!new URL(VALUE).hostname.endsWith("example.com")) throw new Error("x");

// check
  if (!new URL(VALUE).hostname.endsWith(".example.com")) throw new Error("x");

// check
  if (!VALUE.includes("example.com")) throw new Error("x");

// check
  if (!["api.example.com", "www.example.com"].includes(new URL(VALUE).hostname)) throw new Error("x");

// check
  if (!new Set(["api.example.com"]).has(new URL(VALUE).host)) throw new Error("x");

// check
  if (!/^https:\/\/api\.example\.com\//.test(VALUE)) throw new Error("x");

// check
  if (!/^https:\/\/api.example.com/.test(VALUE)) throw new Error("x");

// check
  if (!/^https:\/\/[a-z]+\.example\.com(\/|$)/.test(VALUE)) throw new Error("x");

// check
  if (!/example\.com/.test(VALUE)) throw new Error("x");

// check
  if (!["http:", "https:"].includes(new URL(VALUE).protocol)) throw new Error("x");

// check
  if (["localhost", "127.0.0.1"].includes(new URL(VALUE).hostname)) throw new Error("x");

// check
  if (new URL(VALUE).origin !== "https://api.example.com") throw new Error("x");

// check
  if (new URL(VALUE).username) throw new Error("x");

// check
  if (VALUE.includes("@")) throw new Error("x");

// check
  if (!new URL(VALUE).href.startsWith("https://api.example.com/")) throw new Error("x");

// check
  if (!["example.com"].some((d) => new URL(VALUE).hostname === d || new URL(VALUE).hostname.endsWith("." + d))) throw new Error("x");

// check
  if (!["example.com"].some((d) => new URL(VALUE).hostname.includes(d))) throw new Error("x");

// check
  if (new URL(VALUE).hostname.split(".").slice(-2).join(".") !== "example.com") throw new Error("x");

// check
  if (VALUE.startsWith("//")) throw new Error("x");

// check
  if (VALUE.includes("admin")) throw new Error("x");

// check
  if (!/^[\w.-]+$/.test(VALUE)) throw new Error("x");

// check
  if (!/^\/[\w\/-]*$/.test(VALUE)) throw new Error("x");

// check
  if (!/^[a-z0-9-]+$/.test(VALUE)) throw new Error("x");

// check
  if (VALUE.length > 80) throw new Error("x");

// check
  if (!VALUE.startsWith("/")) throw new Error("x");

// check
  if (!/^(www|api)\.example\.com$/.test(new URL(VALUE).hostname)) throw new Error("x");

// check
  if (!/(www|api)\.example\.com/.test(new URL(VALUE).hostname)) throw new Error("x");

// input "https://evil.com/"
// input "http://evil.com"
// input "//evil.com"
// input "@evil.com"
// input ".evil.com"
// input "https://api.example.com.evil.com/"
// input "https://api.example.com@evil.com/"
// input "https://evil.com/api.example.com"
// input "https://evil.com/?example.com"
// input "https://evil.com/#example.com"
// input "https://evilexample.com/"
// input "https://evilexample.com"
// input "evil.com"
// input "evil.com/"
// input "evil.com#"
// input "evil.com?"
// input "\\\\evil.com"
// input "/\\evil.com"
// input "https:evil.com"
// input "HTTPS://EVIL.COM"
// input " https://evil.com"
// input "https://evil.com\\@api.example.com"
// input ":@evil.com"
// input "https://api.example.com:@evil.com/"
// input "https://apixexample.com/"
// input "https://api.example.comevil.com/"
// input "http://169.254.169.254/"
// input "https://evil.com/.example.com"
// input "evil.com/.example.com"
// input "x@evil.com"
// input "evil.com/x.example.com"
// input "-evil.com"
// input "%2f%2fevil.com"
// input "https%3A%2F%2Fevil.com"
// input "https://foo.example.com.evil.com/"
// input "https://www.example.com.evil.com"
// input "https://api.example.com/@evil.com"
// input "https://evil.com?.example.com"
// input "https://evil.com#.example.com/"
// input "https://api.example.com#@evil.com/"
// input "https://api.example.com\\.evil.com"
// input "///evil.com"
// input "https:///evil.com"
// input "https://api.example.com%40evil.com"
// input "http:evil.com"
// input "evil.com:443"
// input "https://evil.com:443/https://api.example.com/"
// input "https://xapi.example.com.evil.com"
// input "https://x.example.com@evil.com"
// input "https://apixexample.com/."
// input "80@evil.com"
// input "1.evil.com"
// input "https://https://evil.com"
// input "https://169.254.169.254/"
// input "169.254.169.254"
// input "//169.254.169.254/x"
// input "https://api.example.com.169.254.169.254/"
// input "example.com@169.254.169.254"
// input "@169.254.169.254/"
// input "https://api.example.com@169.254.169.254/"

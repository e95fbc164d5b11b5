import { createRequire as cr } from "node:module";
const load = cr(import.meta.url);
const fs = load("fs");
const os = cr(import.meta.url)("os");
var __require = /* @__PURE__ */ ((x) => typeof require !== "undefined" ? require : x)(function (x) {
  throw Error('Dynamic require of "' + x + '" is not supported');
});
const path = __require("path");

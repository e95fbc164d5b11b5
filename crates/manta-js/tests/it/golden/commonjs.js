"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const child_process_1 = require("child_process");
const { readFile } = require("node:fs/promises");
const dynamic = require(name);
exports.run = run;
module.exports = { run, ...require("./more") };
function run(cmd) {
  (0, child_process_1.exec)(cmd);
  return typeof exports;
}

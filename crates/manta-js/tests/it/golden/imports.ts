import def, { a, b as c, default as d, type T } from "./m.js";
import * as ns from "node:fs";
import type { Only } from "./types";
import "./effects";
import legacy = require("legacy");
import {} from "./nothing-bound";
use(def, a, c, d, ns.readFile, legacy.x);
export function f(t: T, o: Only): void {}

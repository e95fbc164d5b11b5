var __defProp = Object.defineProperty;
var __export = (target, all) => { for (var name in all) __defProp(target, name, { get: all[name], enumerable: true }); };
var __commonJS = (cb, mod) => function __require2() { return mod || (0, cb[Object.keys(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports; };
var require_lib = __commonJS({ "node_modules/lib/index.js"(exports, module) { module.exports = { run: require("child_process").exec }; } });
var lib = require_lib();
var src_exports = {};
__export(src_exports, { main: () => main });
module.exports = __toCommonJS(src_exports);
function main(a) { return lib.run(a); }

"use strict";
var __awaiter = (this && this.__awaiter) || function (thisArg, _arguments, P, generator) {
  return new (P || (P = Promise))(function (resolve, reject) {
    step((generator = generator.apply(thisArg, _arguments || [])).next());
  });
};
var __importDefault = (this && this.__importDefault) || function (mod) { return (mod && mod.__esModule) ? mod : { "default": mod }; };
const fs_1 = __importDefault(require("fs"));
class Tool { run() { return __awaiter(this, arguments, void 0, function* (x = 1) { yield fs_1.default.readFile(x); }); } }

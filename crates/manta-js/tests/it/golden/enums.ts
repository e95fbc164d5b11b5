const base = 5;
enum Tool { Read = "read", Write = `write` }
enum Level { Low, Mid = 4, High, Mask = Low | Mid, Dynamic = base, Size = "abc".length }
enum Level { Extra = 99 }
const enum Fast { On = 1 }
declare enum Ambient { Gone }
call(Tool.Read, Fast.On);

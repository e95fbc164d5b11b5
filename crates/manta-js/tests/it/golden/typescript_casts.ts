const a = <string>input as unknown as Command satisfies Command;
const b = input!.value!;
(a as any).field = 1;
(b as any) = 2;
const c = make<string>;
declare const gone: number;
function isText(x: unknown): x is string { return typeof x === "string"; }
function assertNever(this: Window, x: never): asserts x {}

import { Imported } from "./imported";
import * as ns from "./ns";
class Local {}
interface Face {}
type Alias = Local;
function f(a: Local, b: Imported | null, c: ns.Inner, d: readonly Local[], e: Face, g: string, h: Alias, i: Promise<Local>, j?: Local | undefined) {}

import type { T } from "./t";
const f = (x: T): string => x.name;

import { x, type Shape } from "./x";
export const one = 1, { two, ...others } = source;
export function hoisted() {}
export class K {}
export enum Color { Red, Green = "green" }
export interface Nothing {}
export type Alias = string;
const local = 2;
export { local as renamed, x as passed, Shape };
export { y as z, default as w } from "./y";
export type { Q } from "./q";
export * from "./star";
export * as space from "./space";
export default local;

namespace Tools {
  const secret = 1;
  export const run = (c: string) => c + secret;
  export function help() { return run("help"); }
  export namespace Deep { export class Inner {} }
  export interface Shape {}
}
namespace A.B { export let x = 1; }
import alias = Tools.Deep;
declare namespace Gone { const nothing: number; }
declare module "ambient" { export const x: number; }
Tools.help(alias);

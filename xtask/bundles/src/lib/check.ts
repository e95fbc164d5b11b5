import path from "node:path";

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** A name that is safe in any command line. */
export function checkedName(name: string): string {
  if (!NAME.test(name)) throw new Error("not a name");
  return name;
}

/** Where paths of callers may lead. */
export class Jail {
  readonly #root: string;

  constructor(root: string) {
    this.#root = path.resolve(root);
  }

  /** The file, if it is below the root. */
  inside(name: string): string {
    const file = path.resolve(this.#root, name);
    if (!file.startsWith(this.#root + path.sep)) throw new Error("outside of the root");
    return file;
  }

  /** The usual mistake: a directory beside the root passes. */
  nearly(name: string): string {
    const file = path.resolve(this.#root, name);
    if (!file.startsWith(this.#root)) throw new Error("outside of the root");
    return file;
  }
}

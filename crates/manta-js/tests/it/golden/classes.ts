import { Logger } from "./logger";
import type { Store } from "./store";
abstract class Base<T> { abstract run(input: T): void; protected hidden?: string; }
/** A service. */
@Injectable({ scope: 1 })
class Service extends Base<string> {
  #secret = 1;
  private store: Store | undefined;
  ["computed" + 1] = () => this.#secret;
  @Input() declared: Logger;
  constructor(private readonly logger: Logger, public base = "/x", plain?: number) { super(); }
  /** Runs. */
  @Tool({ name: "run" })
  async run(input: string): Promise<void> { super.run(input); this.#helper(new.target); }
  #helper(x: unknown) { return #secret in this; }
  get value() { return this.base; }
  set value(v) { this.base = v; }
  static create() { return new Service(null!); }
  static get shared() { return 1; }
  static *items() { yield 1; yield* this.items(); }
  overload(a: string): void;
  overload(a: any) {}
  accessor slot = 2;
}

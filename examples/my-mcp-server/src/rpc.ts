import { createInterface } from "node:readline";

export interface Request {
  id?: number | string;
  method: string;
  params?: any;
}

/** Answers JSON-RPC requests, one per line, from standard input. */
export function serve(handle: (request: Request) => Promise<unknown>): void {
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const request: Request = JSON.parse(line);
    if (request.id === undefined) return;
    try {
      const result = await handle(request);
      console.log(JSON.stringify({ jsonrpc: "2.0", id: request.id, result }));
    } catch (error) {
      const message = error instanceof Error ? error.message : "failed";
      console.log(JSON.stringify({ jsonrpc: "2.0", id: request.id, error: { code: -32000, message } }));
    }
  });
}

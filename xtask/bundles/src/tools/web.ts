import { z } from "zod";
import { answering } from "../lib/answer.js";

const HOSTS = new Set(["api.example.com", "files.example.com"]);

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.text();
}

export const web = [
  {
    name: "fetch_any",
    description: "Fetches a page.",
    schema: { url: z.string().url() },
    run: async ({ url }: { url: string }) => answering(() => text(url)),
  },
  {
    name: "fetch_item",
    description: "Fetches an item of the service.",
    schema: { id: z.string() },
    run: async ({ id }: { id: string }) => answering(() => text(`https://api.example.com/items/${encodeURIComponent(id)}`)),
  },
  {
    name: "fetch_listed",
    description: "Fetches a page of a host that is on the list.",
    schema: { url: z.string() },
    run: async ({ url }: { url: string }) =>
      answering(() => {
        const parsed = new URL(url);
        if (parsed.protocol !== "https:" || !HOSTS.has(parsed.hostname)) throw new Error("not on the list");
        return text(parsed.href);
      }),
  },
];

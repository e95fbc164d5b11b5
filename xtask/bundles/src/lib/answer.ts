export type Answer = { content: { type: "text"; text: string }[]; isError?: boolean };

export const answer = (text: string): Answer => ({ content: [{ type: "text", text }] });

/** Runs a tool and turns what it throws into an answer. */
export async function answering(work: () => Promise<string> | string): Promise<Answer> {
  try {
    return answer(await work());
  } catch (error) {
    return { ...answer(error instanceof Error ? error.message : String(error)), isError: true };
  }
}

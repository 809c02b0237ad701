/** Reads the body of an answer with a cap while it streams, so that no answer can fill the memory. */
import { RenderUnreachable } from "./api.ts";

/** The body is larger than we read; asking again would not help, asking for less may. */
export class AnswerTooLarge extends RenderUnreachable {}

/** @throws {AnswerTooLarge} as soon as more than `bytesMax` bytes have come */
export async function readText(response: Response, bytesMax: number, call: string): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new AnswerTooLarge(`Cannot call ${call}: the answer is larger than ${bytesMax} bytes`, call);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** One attempt at a delivery: a signed POST with a time limit, whose answer is read up to a cap. */
import { messageOf } from "../../base/errors.ts";
import { ANSWER_CHARS_MAX } from "../limits.ts";
import { signedHeaders } from "./sign.ts";

export interface Sent {
  /** Answered with 2xx in time. */
  isTaken: boolean;
  said: { statusCode?: number; responseBody?: string; error?: string };
}

/** Never rejects: what went wrong is in the answer. */
export async function send(
  { url, secret, id, body, sentAt }: {
    url: string;
    secret: string;
    id: string;
    body: string;
    sentAt: number;
  },
  { timeoutMs, client, signal }: { timeoutMs: number; client: Deno.HttpClient; signal: AbortSignal },
): Promise<Sent> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...signedHeaders(secret, id, sentAt, body) },
      body,
      // Where it leads was never registered.
      redirect: "manual",
      signal: AbortSignal.any([signal, late.signal]),
      client,
    });
    const responseBody = await beginningOf(response);
    return { isTaken: response.ok, said: { statusCode: response.status, responseBody } };
  } catch (error) {
    const why = late.signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
    return { isTaken: false, said: { error: why } };
  } finally {
    clearTimeout(timer);
  }
}

async function beginningOf(response: Response): Promise<string> {
  if (response.body === null) return "";
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    // Leaving the loop cancels the rest.
    if (text.length >= ANSWER_CHARS_MAX) break;
  }
  return text.slice(0, ANSWER_CHARS_MAX);
}

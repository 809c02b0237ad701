/** One HTTP probe of an instance, judged as Render judges it: 2xx or 3xx within the time limit is healthy. */
import { messageOf } from "../../base/errors.ts";

export type ProbeResult = { kind: "healthy" } | { kind: "unhealthy"; text: string };

/** @param path begins with a slash */
export async function probe(
  port: number,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      redirect: "manual",
      headers: { "user-agent": "Render/1.0", "accept": "*/*", "connection": "close" },
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    await response.body?.cancel();
    if (response.status >= 200 && response.status < 400) return { kind: "healthy" };
    return { kind: "unhealthy", text: `HTTP health check failed (status code ${response.status})` };
  } catch (error) {
    const why = timeout.signal.aborted ? "timed out after 5 seconds" : messageOf(error);
    return { kind: "unhealthy", text: `HTTP health check failed (${why})` };
  } finally {
    clearTimeout(timer);
  }
}

/** Durations as people write them: `2m`, `1h 30m`, `500ms`. A bare number has no unit and is refused. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const TEXT_CHARS_MAX = 32;
/** Longer than this is a mistake. */
export const DURATION_MS_MAX = 366 * 86_400_000;

/**
 * Reads a duration such as `2m`, `1.5h` or `1h 30m`; units are ms, s, m, h, d.
 * @returns whole milliseconds, or `null` when the text is no duration or one above DURATION_MS_MAX
 */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > TEXT_CHARS_MAX) return null;
  const part = /(\d+(?:\.\d+)?) ?(ms|s|m|h|d) */y;
  let totalMs = 0;
  while (part.lastIndex < trimmed.length) {
    const match = part.exec(trimmed);
    if (match === null) return null;
    totalMs += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? NaN);
  }
  return totalMs <= DURATION_MS_MAX ? Math.round(totalMs) : null;
}

/** Writes a duration with its two largest units: `850 ms`, `3.2s`, `2m 5s`, `1h 30m`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1000) return `${whole} ms`;
  if (whole < 9950) return `${Number((whole / 1000).toFixed(1))}s`;
  const seconds = Math.round(whole / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return join(Math.floor(seconds / 60), "m", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return join(Math.floor(minutes / 60), "h", minutes % 60, "m");
  const hours = Math.round(minutes / 60);
  return join(Math.floor(hours / 24), "d", hours % 24, "h");
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}

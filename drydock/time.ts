/** RFC 3339 times with nanoseconds, as Render's logs carry them; a time inside drydock is a bigint of nanoseconds. */

export const NANOS_PER_MS = 1_000_000n;

/** @param ms milliseconds since the epoch */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

/** @param nanos nanoseconds since the epoch */
export function rfc3339Nanos(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n;
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

const RFC3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;
/** Larger numbers of an epoch value are milliseconds, smaller ones seconds. */
const EPOCH_SECONDS_MAX = 100_000_000_000;

/** Reads RFC 3339 or an epoch value in seconds or milliseconds; `undefined` when it is neither. */
export function parseNanos(text: string): bigint | undefined {
  if (/^\d{1,15}$/.test(text)) {
    const value = Number(text);
    return BigInt(value) * (value <= EPOCH_SECONDS_MAX ? 1_000_000_000n : NANOS_PER_MS);
  }
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${whole}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * NANOS_PER_MS + BigInt(fraction.padEnd(9, "0"));
}

/** As `parseNanos`, in whole milliseconds. */
export function parseMs(text: string): number | undefined {
  const nanos = parseNanos(text);
  return nanos === undefined ? undefined : Number(nanos / NANOS_PER_MS);
}

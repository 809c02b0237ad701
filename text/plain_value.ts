/** Values that settings often have and that say nothing secret; removing them would only blind a diagnosis. */

const PLAIN_WORDS: ReadonlySet<string> = new Set([
  "default",
  "development",
  "disable",
  "disabled",
  "enable",
  "enabled",
  "include",
  "localhost",
  "logging",
  "postgres",
  "postgresql",
  "production",
  "python",
  "redacted",
  "required",
  "require",
  "sqlite",
  "sqlite3",
  "staging",
  "testing",
  "undefined",
  "verbose",
  "warning",
]);

const PLAIN_SHAPES: readonly RegExp[] = [
  /^(?:true|false|none|null|yes|no|on|off|all)$/i,
  // Ports, counts, milliseconds.
  /^\d{1,5}$/,
  // Versions and ranges of versions, IP addresses.
  /^[~^<>=v ]{0,3}\d{1,5}(?:\.(?:\d{1,5}|x|\*)){1,3}(?:[-+.](?:rc|alpha|beta|dev|post|a|b)?[.\d]{0,6})?$/,
  // Paths of short lower-case names.
  /^(?:\.{1,2}|~)?(?:\/[a-z0-9._-]{1,24}){1,16}\/?$/,
  // Addresses without credentials, query or long path names.
  /^(?:https?|wss?):\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?(?:\/[a-z0-9._-]{0,24}){0,16}$/,
];

/** True for a value such as `production`, `8080`, `^9.0.0`, `/opt/app` or `https://api.example.com`. */
export function isPlainValue(value: string): boolean {
  const trimmed = value.trim();
  return PLAIN_WORDS.has(trimmed.toLowerCase()) || PLAIN_SHAPES.some((shape) => shape.test(trimmed));
}

/** Compares released Python and distribution versions with the ranges that packages ask for (PEP 440, numbers only). */

/** The numbers of a version; what follows a pre-release sign is left out. */
export function versionNumbers(version: string): number[] {
  return version.replace(/^v/, "").split(/[^\d.]/, 1)[0]!.split(".").map((part) =>
    Number.parseInt(part, 10) || 0
  );
}

/** Below zero when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  return compareNumbers(versionNumbers(a), versionNumbers(b));
}

function compareNumbers(
  a: readonly number[],
  b: readonly number[],
  width = Math.max(a.length, b.length),
): number {
  for (let at = 0; at < width; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a version lies in a range such as `>=3.9,<3.13`; what is not understood excludes. */
export function allowsVersion(range: string, version: string): boolean {
  const given = versionNumbers(version);
  return range.split(",").map((part) => part.trim()).filter((part) => part !== "").every((part) => {
    const [, operator, bound, isPrefix] =
      /^(<=|>=|<|>|===?|!=|~=)\s*(\d+(?:\.\d+)*)[a-z0-9.]*?(\.\*)?$/.exec(part) ?? [];
    if (operator === undefined || bound === undefined) return false;
    const wanted = versionNumbers(bound);
    const order = compareNumbers(given, wanted, isPrefix === undefined ? undefined : wanted.length);
    switch (operator) {
      case "<":
        return order < 0;
      case "<=":
        return order <= 0;
      case ">":
        return order > 0;
      case ">=":
        return order >= 0;
      case "==":
      case "===":
        return order === 0;
      case "!=":
        return order !== 0;
      default:
        // `~=1.4.2` is `>=1.4.2,==1.4.*`.
        return order >= 0 && compareNumbers(given, wanted, Math.max(1, wanted.length - 1)) === 0;
    }
  });
}

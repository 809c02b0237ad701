/**
 * The paths that source code answers, as far as they are written out: Express, Hono and Fastify calls, plain
 * `http` comparisons, Flask and FastAPI decorators, Django patterns. A router that may be mounted under a
 * prefix makes a route uncertain.
 */
export interface Route {
  path: string;
  file: string;
  /** False where a prefix that is set elsewhere may stand before the path. */
  isWhole: boolean;
}

const PATTERNS: readonly RegExp[] = [
  /\b(?<owner>[A-Za-z_$][\w$]*)\.(?:get|all|head|route)\(\s*["'`](?<path>\/[^"'`\s]*)["'`]/g,
  /\b(?:url|pathname|path)\s*[!=]={1,2}\s*["'`](?<path>\/[^"'`\s]*)["'`]/g,
  /["'`](?<path>\/[^"'`\s]*)["'`]\s*[!=]={1,2}\s*\w*\.?(?:url|pathname|path)\b/g,
  /\bcase\s+["'`](?<path>\/[^"'`\s]*)["'`]\s*:/g,
  /\burl\s*:\s*["'`](?<path>\/[^"'`\s]*)["'`]/g,
  /\b(?:url|pathname|path)\.startsWith\(\s*["'`](?<path>\/[^"'`\s]*)["'`]/g,
];
const PYTHON_PATTERNS: readonly RegExp[] = [
  /@(?<owner>[A-Za-z_]\w*)\.(?:get|route|api_route|head)\(\s*["'](?<path>\/[^"'\s]*)["']/g,
  /\bself\.path\s*[!=]=\s*["'](?<path>\/[^"'\s]*)["']/g,
];
/** Django: the leading slash is not written. */
const DJANGO = /\bpath\(\s*["'](?<path>[^"'\s]*)["']\s*,/g;
const ROUTES_MAX = 500;
const MOUNTED = /^(?:router|routes|api|bp|blueprint|.*(?:Router|router|Routes|_bp|Blueprint))$/;
const HEALTH =
  /^\/(?:[\w-]+\/){0,3}(?:healthz?|health-?check|_health|ping|status|ready|readyz|livez?|livez|up|alive)\/?$/;

export function routesOf(files: Readonly<Record<string, string>>): Route[] {
  const routes: Route[] = [];
  for (const [file, text] of Object.entries(files)) {
    const patterns = file.endsWith(".py") ? PYTHON_PATTERNS : /\.[cm]?[jt]sx?$/.test(file) ? PATTERNS : [];
    for (const pattern of patterns) {
      for (const { groups } of text.matchAll(pattern)) {
        if (routes.length >= ROUTES_MAX) return routes;
        const path = groups?.["path"];
        if (path !== undefined) routes.push({ path, file, isWhole: !MOUNTED.test(groups?.["owner"] ?? "") });
      }
    }
    if (/(?:^|\/)urls\.py$/.test(file)) {
      for (const { groups } of text.matchAll(DJANGO)) {
        if (routes.length >= ROUTES_MAX) return routes;
        // Only the file that the settings name is mounted at the root; which one that is shows admin.site.
        routes.push({
          path: `/${groups?.["path"] ?? ""}`,
          file,
          isWhole: text.includes("admin.site") || !text.includes("app_name"),
        });
      }
    }
  }
  return routes;
}

/** Whether the code answers a path, a trailing slash aside. */
export function serves(routes: readonly Route[], path: string): boolean {
  const wanted = trimmed(path);
  return routes.some((route) => trimmed(route.path) === wanted);
}

/** The whole routes that look like a health check, each once. */
export function healthRoutes(routes: readonly Route[]): string[] {
  return [
    ...new Set(routes.filter((route) => route.isWhole && HEALTH.test(route.path)).map((route) => route.path)),
  ];
}

const trimmed = (path: string) => path.split(/[?#]/, 1)[0]!.replace(/\/+$/, "") || "/";

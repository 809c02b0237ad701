/** What Node calls things: built-in modules, the package behind an import, and the package behind a command. */
import { builtinModules } from "node:module";

const BUILTIN = new Set(builtinModules);

/** The package of an import such as `@scope/name/sub.js`; undefined for files, aliases and built-in modules. */
export function packageOf(request: string): string | undefined {
  if (request.startsWith("node:") || /^(?:[./~#]|@\/)/.test(request) || /^[A-Za-z]:[\\/]/.test(request)) {
    return undefined;
  }
  const parts = request.split("/");
  const name = request.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0] ?? "";
  if (!/^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i.test(name)) return undefined;
  if (BUILTIN.has(name)) return undefined;
  return name;
}

/** Commands whose package has another name. */
const COMMANDS: Readonly<Record<string, string>> = {
  tsc: "typescript",
  "tsc-alias": "tsc-alias",
  ng: "@angular/cli",
  nest: "@nestjs/cli",
  vue: "@vue/cli",
  "vue-cli-service": "@vue/cli-service",
  "react-scripts": "react-scripts",
  webpack: "webpack-cli",
  babel: "@babel/cli",
  remix: "@remix-run/dev",
  "remix-serve": "@remix-run/serve",
  astro: "astro",
  svelte: "svelte",
  "svelte-kit": "@sveltejs/kit",
  tailwindcss: "@tailwindcss/cli",
  parcel: "parcel",
  gulp: "gulp-cli",
  sequelize: "sequelize-cli",
  "cross-env": "cross-env",
};

/** Commands that come from a package of the same name and are usual in build and start scripts. */
const USUAL = new Set(
  "vite next nuxt rollup esbuild tsup swc ts-node tsx nodemon rimraf eslint prettier prisma turbo nx concurrently serve knex drizzle-kit postcss sass jest vitest mocha copyfiles shx husky patch-package"
    .split(" "),
);

/** The package that a command comes from. */
export function packageOfCommand(command: string): string {
  return (Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined) ?? command;
}

/** Whether a command is known to come from an npm package. */
export function isNodeTool(command: string): boolean {
  return Object.hasOwn(COMMANDS, command) || USUAL.has(command);
}

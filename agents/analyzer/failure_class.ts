/**
 * The class of a failure: its structured parts without what is particular to one service. Of the captures that make
 * its fingerprint, the names of packages, programs and versions mean the same everywhere; paths, hosts, variables
 * and the names in a service's own code do not. Verified outcomes are learned by it (state/learning_class.ts), so
 * that the wording of a log is no part of it.
 */
import { fingerprint } from "../../text/fingerprint.ts";
import { sanitizeLine } from "../../text/sanitize.ts";
import type { Captures, Cause } from "./catalogue.ts";

/** Characters of the name that people are shown. */
export const CLASS_NAME_CHARS_MAX = 80;

/**
 * The captures that identify failures, and whether they mean the same for every service. A range of versions does
 * not: it is what one manifest asks for.
 */
export const IS_SHARED: Readonly<Record<string, boolean>> = {
  argument: false,
  artifact: true,
  branch: false,
  code: true,
  command: false,
  crate: true,
  directory: false,
  error: false,
  ext: true,
  feature: true,
  file: false,
  flag: true,
  gem: true,
  header: true,
  host: false,
  image: true,
  key: false,
  library: true,
  manifest: false,
  module: true,
  name: false,
  object: false,
  option: true,
  package: true,
  packages: true,
  path: false,
  port: false,
  program: true,
  range: false,
  ref: false,
  release: true,
  repository: false,
  script: false,
  table: false,
  target: false,
  tool: true,
  url: false,
  user: false,
  variable: false,
  version: true,
  want: true,
  word: true,
};

export interface FailureClass {
  /** Hash of the cause and of what is shared; where all that identifies the failure is shared, its fingerprint. */
  id: string;
  /** What is shared, for people; empty where the cause is all that is. */
  about: string;
}

/** @param captures redacted */
export function failureClass(
  { slug, identity }: Pick<Cause, "slug" | "identity">,
  captures: Captures,
): FailureClass {
  const shared = identity.filter((name) => IS_SHARED[name] === true).map((name) => captures[name] ?? "");
  return {
    id: fingerprint([slug, ...shared.map((value) => value.toLowerCase())]),
    about: sanitizeLine(shared.filter((value) => value !== "").join(" ")).slice(0, CLASS_NAME_CHARS_MAX),
  };
}

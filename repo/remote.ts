/**
 * Where a repository is: an address checked against the few forms that are allowed, without the credentials it
 * may have held. Credentials leave this file only as a header for the host they belong to, never as part of an
 * address, of a command line or of a configuration on disk.
 */
import { EvenkeelError } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";

export interface Remote {
  /** Without credentials; safe to show. */
  readonly url: string;
  readonly kind: "path" | "file" | "http" | "https" | "ssh";
  /** `Basic ...` for http and https, when there is a credential for this host; a function, so that no dump shows it. */
  authorization(): string | undefined;
  /** One line without control characters and without this remote's credential. @default charsMax 300 */
  redact(text: string, charsMax?: number): string;
}

/** `GITHUB_TOKEN` is for these hosts, and for a stand-in on this machine. */
const GITHUB_HOSTS = ["github.com", "www.github.com"];

const FORMS = "an https or ssh address, a file:// address or an absolute path";

/**
 * @param address as Render or the spec gives it
 * @param token a GitHub token; used only where the address is GitHub's or this machine's
 * @throws {EvenkeelError} when the address has no allowed form
 */
export function parseRemote(address: string, token?: string): Remote {
  const fail = (why: string): never => {
    throw new EvenkeelError(`Cannot use the repository address ${shownAddress(address)}: ${why}`, {
      hint: `Give ${FORMS}`,
    });
  };
  // deno-lint-ignore no-control-regex -- control characters are what is refused
  if (address === "" || address.length > 2000 || /[\x00-\x20\x7f]/.test(address)) {
    return fail("it is empty, too long, or holds a space or a control character");
  }
  if (address.startsWith("/")) return remote("path", address);
  // The short form of ssh: user@host:path. A host that began with a dash would be an option of ssh.
  if (/^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:(?!\/\/)[^-]/.test(address)) return remote("ssh", address);
  const url = URL.parse(address);
  if (url === null) return fail(`it is not ${FORMS}`);
  switch (url.protocol) {
    case "file:":
      return url.host === "" ? remote("file", address) : fail("a file:// address names no host");
    case "ssh:":
      if (url.password !== "" || !/^[A-Za-z0-9]/.test(url.hostname)) {
        return fail("it holds a password or no host");
      }
      return remote("ssh", address);
    case "https:":
    case "http:": {
      if (url.protocol === "http:" && !isLoopback(url.hostname)) {
        return fail("http is allowed only to this machine");
      }
      const own = url.username === "" && url.password === ""
        ? undefined
        : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      const isForToken = GITHUB_HOSTS.includes(url.hostname) || isLoopback(url.hostname);
      const credential = own ??
        (isForToken && token !== undefined && token !== "" ? `x-access-token:${token}` : undefined);
      url.username = "";
      url.password = "";
      return remote(url.protocol === "https:" ? "https" : "http", url.href, credential);
    }
    default:
      return fail(`${sanitizeLine(url.protocol, 30)} is not allowed`);
  }
}

function remote(kind: Remote["kind"], url: string, credential?: string): Remote {
  const authorization = credential === undefined
    ? undefined
    : `Basic ${new TextEncoder().encode(credential).toBase64()}`;
  const secrets = credential === undefined ? [] : [credential, credential.slice(credential.indexOf(":") + 1)];
  const redactor = createRedactor(secrets);
  return {
    kind,
    url,
    authorization: () => authorization,
    redact: (text, charsMax = 300) => sanitizeLine(redactor(sanitizeLine(text, 4000)), charsMax),
  };
}

/** @throws {EvenkeelError} when git would not take the name, or would take it for something else */
export function checkBranch(branch: string): string {
  const isName = branch !== "" && branch.length <= 250 && !branch.startsWith("-") && branch !== "HEAD" &&
    // deno-lint-ignore no-control-regex -- control characters are what is refused
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|(?:^|\/)\.|\.lock(?:\/|$)/.test(branch);
  if (isName) return branch;
  throw new EvenkeelError(`Cannot use the branch "${sanitizeLine(branch, 100)}": it is no branch name`);
}

/** @throws {EvenkeelError} unless it is a whole commit id */
export function checkCommit(commit: string): string {
  if (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit)) return commit;
  throw new EvenkeelError(`Cannot use the commit "${sanitizeLine(commit, 80)}": it is no whole commit id`);
}

/** An address for a message: an "@" may follow a password. */
function shownAddress(address: string): string {
  const clean = sanitizeLine(address, 200);
  return `"${clean.replace(/^([a-z+]+:\/\/)?[^@]*@/i, "$1")}"`;
}

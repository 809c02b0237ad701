/** Failures of the way there rather than of the project: the only ones that a second try cures. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { BUILD, linesFrom, sign } from "./lines.ts";

export const networkCauses: readonly Cause[] = [
  {
    slug: "network-transient",
    phases: BUILD,
    severity: "cause",
    redeployMayCure: true,
    signs: [
      sign(
        "npm ",
        /npm (?:ERR!|error) (?:code|errno) (?<code>ECONNRESET|ETIMEDOUT|EAI_AGAIN|ECONNABORTED|ERR_SOCKET_TIMEOUT|ESOCKETTIMEDOUT|E50[0234]|E429|EPIPE)\b/,
        0.92,
      ),
      sign(
        "network request",
        /error An unexpected error occurred: ".{0,400}(?<code>ECONNRESET|ETIMEDOUT|EAI_AGAIN|ESOCKETTIMEDOUT)/,
        0.9,
      ),
      sign(
        "trouble with your network connection",
        /There appears to be trouble with your network connection/,
        0.6,
      ),
      sign(
        "ERR_PNPM_META_FETCH_FAIL",
        /ERR_PNPM_(?:META|TARBALL)_FETCH_FAIL(?<code>ED)?|request to \S+ failed, reason: .{0,200}(?:ECONNRESET|ETIMEDOUT)/,
        0.85,
      ),
      sign("Read timed out", /(?:ReadTimeoutError|ERROR:|error:).{0,400}(?<code>Read timed out)/, 0.88),
      sign("Temporary failure in name resolution", /(?<code>Temporary failure in name resolution)/, 0.85),
      sign(
        "Connection broken",
        /(?:ProtocolError|IncompleteRead|ERROR).{0,400}(?<code>Connection broken)/,
        0.85,
      ),
      sign(
        "Connection reset by peer",
        /(?:ProtocolError|ConnectionResetError|fatal|curl|RPC failed).{0,400}(?<code>Connection reset by peer)/,
        0.85,
      ),
      sign("HTTP error 50", /ERROR: HTTP error (?<code>50[234]) while getting/, 0.9),
      sign("returned error: 50", /The requested URL returned error: (?<code>50[0234])/, 0.88),
      sign("early EOF", /fatal: (?<code>early EOF)/, 0.85),
    ],
    decide: (finding, context) => {
      const line = context.lines[finding.at]!;
      if (/^\s*(?:WARNING|npm warn|npm WARN|warning)/.test(line)) {
        return reject("the tool tried again by itself");
      }
      // A build that went on after the line did not fail because of it.
      const went = linesFrom(finding, context, 400).slice(1).some((each) =>
        /Successfully installed|^added \d+ packages/.test(each)
      );
      if (went) return reject("the install went on and succeeded");
      return accept();
    },
    explain: ({ code }) =>
      `The package registry or the network failed for a moment (${code ?? "no answer"}).`,
    identity: [],
    remedies: ["network/redeploy"],
    examples: [
      "npm error code ECONNRESET",
      "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.example', port=443): Read timed out.",
    ],
  },
  {
    slug: "network-transient",
    phases: ["start", "run"],
    severity: "symptom",
    redeployMayCure: true,
    signs: [sign("==> Timed Out", /(?:^|\s)==> Timed Out\s*$/, 0.55)],
    decide: (_finding, context) => {
      if (context.facts.isLive) return reject("the service went live");
      const isHealthy = context.lines.some((line) => /==> Detected service running on port/.test(line));
      return isHealthy ? accept(0.8) : reject("nothing shows that the program was ready");
    },
    explain: () => "The platform gave up although the program was ready: its scheduling was slow.",
    identity: [],
    remedies: ["network/redeploy"],
    examples: ["==> Timed Out", "2026-08-04T17:25:58Z ==> Timed Out"],
  },
];

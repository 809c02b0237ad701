/** Causes of git in a container build: repositories, references, credentials, submodules, what is not in the context. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";
import { emptyArguments } from "./images.ts";
import { after, before, inContainer, instructionOf, linesLeft } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

const endsStep = (finding: Finding, context: Context): Verdict =>
  linesLeft(finding, context) <= 60 ? accept() : accept(0.75, {}, "consequence");

/** Whether what git was asked for holds the hole that an empty build argument leaves. */
function hasHole(finding: Finding, context: Context): boolean {
  return context.docker !== null && emptyArguments(context.docker).length > 0 &&
    /\/\/?\.git\b|branch\s{2}|''|\/{3}|\/'/.test(context.lines[finding.at]!);
}

export const gitCauses: readonly Cause[] = [
  reported(
    "git-repo-gone",
    BUILD,
    [
      sign("could not read Username for", /could not read (?:Username|Password) for '(?<url>[^']+)'/, 0.93),
      sign("fatal: repository", /fatal: repository '(?<url>[^']+)' (?:not found|does not exist)/, 0.96),
      sign("ERROR: Repository not found", /ERROR: Repository not found/, 0.9),
      sign("remote: Repository not found", /remote: Repository not found/, 0.93),
      sign("remote: Not Found", /remote: (?:Not Found|Invalid username)/, 0.9),
      sign("fatal: remote error", /fatal: remote error:/, 0.85),
      sign(
        "could not be found or you don't have permission",
        /The project you were looking for could not be found/,
        0.92,
      ),
      sign(
        "unable to access '",
        /fatal: unable to access '(?<url>[^']+)': The requested URL returned error: 40[0-9]/,
        0.9,
      ),
      sign("svn: E", /svn: E(?:170013|170000|160013|175009)/, 0.85),
      sign("abort: HTTP Error 404", /abort: HTTP Error (?:404|403|410)/, 0.92),
      sign("abort: ", /abort: (?:error: )?(?:.*not found|.*Name or service not known)/, 0.85),
      sign(
        "does not appear to be a git repository",
        /fatal: '?(?<url>\S+?)'? does not appear to be a git repository/,
        0.85,
      ),
      sign("the remote end hung up", /fatal: (?<url>\S+)\/info\/refs.* not found/, 0.9),
      sign(
        "did you run git update-server-info",
        /fatal: (?:repository '?)?(?<url>\S+?)'?(?:\/info\/refs)? not found/,
        0.9,
      ),
    ],
    ({ url }) => `The repository ${url ?? "that the step clones"} does not exist or is not public.`,
    [
      "fatal: could not read Username for 'https://github.com': No such device or address",
      "fatal: repository 'https://bitbucket.org/someone/tool.git/' not found",
    ],
    {
      identity: ["url"],
      decide: inContainer((finding, context) => {
        if (hasHole(finding, context)) return reject("an empty build argument leaves a hole in the address");
        if (before(finding, context, /Host key verification failed|Permission denied \(publickey/, 4)) {
          return reject("it is an ssh address without a key");
        }
        if (/ERROR: Repository not found/.test(context.lines[finding.at]!)) return accept(0.88);
        return endsStep(finding, context);
      }),
    },
  ),
  reported(
    "git-ssh-auth",
    BUILD,
    [
      sign("Host key verification failed", /Host key verification failed/, 0.96),
      sign("Permission denied (publickey", /Permission denied \(publickey/, 0.96),
      sign("error: cannot run ssh", /error: cannot run ssh: No such file or directory/, 0.95),
      sign("ssh: not found", /ssh: (?:command )?not found/, 0.75),
      sign("Load key", /Load key "[^"]+": (?:invalid format|error in libcrypto|Permission denied)/, 0.9),
      sign("ssh_askpass", /ssh_askpass: exec/, 0.85),
      {
        ...sign(
          "Could not read from remote repository",
          /fatal: Could not read from remote repository/,
          0.82,
        ),
        severity: "consequence" as const,
      },
    ],
    () => "A repository is addressed by ssh, and the build has no key for it.",
    ["Host key verification failed.", "git@github.com: Permission denied (publickey)."],
    {
      decide: inContainer((finding, context) =>
        before(
            finding,
            context,
            /ERROR: Repository not found|remote: Repository not found|does not appear to be a git/,
            3,
          )
          ? reject("the repository does not exist")
          : endsStep(finding, context)
      ),
    },
  ),
  reported(
    "git-ref-not-found",
    BUILD,
    [
      sign(
        "Remote branch",
        /(?:fatal|warning): (?:Remote branch|Could not find remote branch) (?<ref>\S+) (?:not found|to clone)/,
        0.95,
      ),
      sign("did not match any file", /error: pathspec '(?<ref>[^']+)' did not match any file/, 0.93),
      sign("find remote ref", /fatal: [Cc]ouldn't find remote ref (?<ref>\S+)/, 0.94),
      sign("fatal: reference is not a tree", /fatal: reference is not a tree: (?<ref>\S+)/, 0.94),
      sign("fatal: Could not parse object", /fatal: Could not parse object '(?<ref>[^']+)'/, 0.93),
      sign(
        "unknown revision",
        /(?:fatal: ambiguous argument '(?<ref>[^']+)': )?unknown revision or path not in the working tree/,
        0.9,
      ),
      sign("did not contain", /Fetched in submodule path .* but it did not contain (?<ref>\S+)\./, 0.9),
      sign("Revision ", /Revision (?<ref>\S+) does not exist in the repository/, 0.93),
      sign("upload-pack: not our ref", /upload-pack: not our ref (?<ref>\S+)/, 0.93),
      sign("fatal: Not a valid object name", /fatal: Not a valid object name/i, 0.85),
      sign("unknown revision '", /abort: unknown revision '(?<ref>[^']+)'/, 0.93),
      sign("is not a commit and a branch", /fatal: '?(?<ref>\S+?)'? is not a commit and a branch/, 0.9),
    ],
    ({ ref }) => `The branch, tag or commit ${ref ?? "that is asked for"} does not exist.`,
    [
      "fatal: Remote branch v9.9 not found in upstream origin",
      "error: pathspec 'v1.2.3' did not match any file(s) known to git",
    ],
    {
      identity: ["ref"],
      decide: inContainer((finding, context) =>
        context.docker !== null && emptyArguments(context.docker).length > 0 &&
          /branch {2}not|pathspec ''/.test(context.lines[finding.at]!)
          ? reject("an empty build argument stands where the name should")
          : endsStep(finding, context)
      ),
    },
  ),
  reported(
    "git-metadata-missing",
    BUILD,
    [
      sign("ot a git repository", /[Nn]ot a git repository/, 0.88),
      sign(
        "setuptools-scm was unable to detect version",
        /setuptools[-_]scm was unable to detect version/,
        0.96,
      ),
      sign(
        "Versioning for this project requires either an sdist",
        /Versioning for this project requires either an sdist/,
        0.96,
      ),
      sign(
        "No names found, cannot describe anything",
        /fatal: No names found, cannot describe anything/,
        0.85,
      ),
      sign("detected dubious ownership", /detected dubious ownership in repository/, 0.85),
      sign("error obtaining VCS status", /error obtaining VCS status/, 0.95),
      sign("'.git' not found", /Tagged version|'\.git' not found/, 0.5),
      sign("git describe", /(?:Command|command).*git describe.*(?:failed|returned non-zero|exit)/, 0.85),
    ],
    () => "The step asks git about the project, and the build context has no .git folder.",
    [
      "fatal: not a git repository (or any of the parent directories): .git",
      "LookupError: setuptools-scm was unable to detect version for '/app'.",
    ],
    {
      decide: inContainer((finding, context) => {
        const strong = /scm|Versioning|VCS/.test(context.lines[finding.at]!);
        if (strong) return accept();
        if (/submodule/.test(instructionOf(context))) return accept(0.85);
        return linesLeft(finding, context) <= 8 ? accept() : accept(0.6, {}, "symptom");
      }),
    },
  ),
  reported(
    "git-submodule-missing",
    BUILD,
    [
      sign("does not contain a CMakeLists.txt file", /does not contain a CMakeLists\.txt file/, 0.88),
      sign("git submodules are not initialized", /git submodules? (?:are|is) not initialized/i, 0.96),
      sign(
        "submodule update --init",
        /(?:[Rr]un|[Tt]ry|forgot|use|with|do|execute)\b.*git submodule update --init/i,
        0.93,
      ),
      sign(
        "submodule",
        /(?:missing|not (?:found|checked out|initiali[sz]ed|present)|empty|forget|forgot|did you).{0,60}\bsubmodules?\b|\bsubmodules?\b.{0,60}(?:missing|not (?:found|checked out|initiali[sz]ed|present)|empty)/i,
        0.85,
      ),
      sign(
        "does not appear to contain CMakeLists.txt",
        /source directory "(?<path>[^"]+)" does not appear to contain CMakeLists\.txt/,
        0.6,
      ),
      sign(
        'given source "',
        /add_subdirectory given source "(?<path>[^"]+)" which is not an existing directory/,
        0.75,
      ),
      sign("to make target", /No rule to make target '?(?<path>[^'\s]+\/[^']+)'?, needed by/, 0.4),
    ],
    () => "The folder of a git submodule is empty in the build context.",
    ["   It looks like git submodules are not initialized.", "  does not contain a CMakeLists.txt file."],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/warning:|Submodule '|Cloning|Submodule path/i.test(line) && !/not initiali/.test(line)) {
          return reject("git only tells what it does");
        }
        const hasModules = context.repository?.paths.some((path) => path.endsWith(".gitmodules")) ?? false;
        if (/does not (?:contain|appear)|not an existing directory|needed by/.test(line)) {
          const { path = "" } = finding.captures;
          if (hasModules && !/git clone/.test(instructionOf(context))) {
            return accept(path === "" ? 0.88 : 0.86);
          }
          return path === "" && after(finding, context, /submodule/i, 6)
            ? accept()
            : reject("the project has no submodules");
        }
        return accept();
      }),
    },
  ),
];

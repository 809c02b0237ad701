/** Causes on the way of a download in a container build: addresses, hosts, certificates, what arrives. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";
import type { DockerBuild } from "../docker_build.ts";
import { emptyArguments } from "./images.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd, linesLeft } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

/** A failed download that a script only tries, and goes on after, is not what ended the step. */
const endsStep = (finding: Finding, context: Context): Verdict => {
  const left = linesLeft(finding, context);
  if (left <= 12) return accept();
  return left <= 60 ? accept(Math.min(0.82, finding.confidence)) : accept(0.7, {}, "consequence");
};

/** A step that only downloads and prints nothing tells by its exit code what went wrong. */
function silentDownload(
  build: DockerBuild,
  context: Context,
  codes: Readonly<Record<string, readonly number[]>>,
) {
  if (build.keyword !== "RUN" || build.exitCode === null) return undefined;
  for (const [program, list] of Object.entries(codes)) {
    if (!new RegExp(`\\b${program}\\b`).test(build.instruction) || !list.includes(build.exitCode)) continue;
    const last = context.lines.slice(build.from, build.to).filter((line) => line.trim() !== "").slice(-4)
      .join("\n");
    if (/error|fatal|not found/i.test(last)) return undefined;
    return accept(0.85, {}, "consequence");
  }
  return undefined;
}

const NOT_ARCHIVE = [
  sign("not in gzip format", /gzip: .*not in gzip format|gzip: invalid magic/, 0.9),
  sign(
    "invalid magic",
    /(?:tar|gzip|gunzip|unxz|bunzip2|zcat): (?:\S+: )?(?:invalid magic|short read|corrupted)/,
    0.88,
  ),
  sign("does not look like a tar archive", /tar: This does not look like a tar archive/, 0.9),
  sign("File format not recognized", /xz: .*File format not recognized/, 0.9),
  sign("is not a bzip2 file", /bzip2: .*is not a bzip2 file/, 0.9),
  sign("End-of-central-directory", /End-of-central-directory signature not found/, 0.92),
  sign("cannot find zipfile directory", /cannot find zipfile directory in/, 0.88),
  sign("is not a Debian format archive", /'?(?<file>\S+?)'? is not a (?:Debian|debian) format archive/, 0.9),
  sign(
    "unexpected end of file",
    /(?:gzip|tar|unzip|xz|gunzip|zcat): (?:\S+: )?[Uu]nexpected (?:end of file|EOF)/,
    0.85,
  ),
  sign("tar: Unexpected EOF", /tar: Unexpected EOF in archive/, 0.85),
  sign("Error is not recoverable", /tar: Error opening archive: Unrecognized archive format/, 0.9),
  sign("nrecognized archive format", /Unrecognized archive format/, 0.88),
  sign("not a zip file", /(?:not a zip file|File is not a zip file|BadZipFile|zipfile\.BadZipfile)/i, 0.82),
  sign("unzip: short read", /unzip: short read/, 0.88),
  sign("nvalid or corrupt jarfile", /Invalid or corrupt jarfile/, 0.85),
  sign("!DOCTYPE", /(?:syntax error|Syntax error|unexpected token).*<?!DOCTYPE/i, 0.88),
  sign(
    "<html",
    /^\S*(?:sh|bash)?:? ?(?:line \d+: )?.*(?:syntax error near unexpected token|`<html|unexpected `<')/i,
    0.85,
  ),
  sign("`<", /syntax error near unexpected token `(?:<|newline)|unexpected `?<|: `<(?:!DOCTYPE|html)/i, 0.85),
  sign("not an ELF", /not a valid (?:zip|tar|archive)/i, 0.8),
  sign("not an rpm package", /not an rpm package|\(not a package\)|: not a rpm/i, 0.85),
];

export const downloadCauses: readonly Cause[] = [
  reported(
    "download-404",
    BUILD,
    [
      sign("ERROR 404", /ERROR 404: (?<detail>.*)/, 0.93),
      sign("returned error: 404", /The requested URL returned error: 404/, 0.93),
      sign(
        "404 Not Found",
        /(?:wget: server returned error: HTTP\/1\.\d|ADD failed: .*status|failed to GET .*status|HTTP\/[\d.]+) 404 Not Found/i,
        0.92,
      ),
      sign("with status 404", /failed to GET (?<url>\S+) with status 404/, 0.96),
      sign("with status 50", /failed to GET (?<url>\S+) with status 50\d/, 0.8),
      sign("invalid response status 404", /invalid response status 404/, 0.95),
      sign("ERROR 410", /ERROR 410: /, 0.88),
      sign("HTTP Error 404", /HTTP ?Error:? 404/i, 0.85),
      sign("HTTPError: 404", /HTTPError: 404/, 0.85),
      sign("404 Client Error", /404 Client Error/, 0.85),
      sign("errorCode=3 Resource not found", /errorCode=3 Resource not found/, 0.88),
      sign("HTTP response code said error", /curl: \(22\).*(?<code>4\d\d)?/, 0.75),
      sign("No such file", /(?:wget|No such file `\S+'\.|RETR response: 550)/, 0.3),
      sign("RETR response: 550", /curl: \(78\)|RETR response: 550/, 0.88),
      sign("status code 404", /status(?: code|=| is)?:? 404\b/i, 0.82),
      sign("statusCode=404", /statusCode=404/, 0.82),
      sign("failed: 404", /failed:? 404 /, 0.8),
    ],
    ({ url }) => `The address that the step downloads ${url === undefined ? "" : `(${url}) `}is gone (404).`,
    [
      "2024-06-17 00:15:31 ERROR 404: Not Found.",
      "curl: (22) The requested URL returned error: 404",
      "ADD failed: failed to GET http://dl.example/x.tar.gz with status 404 Not Found: <!DOCTYPE html>",
    ],
    {
      identity: ["url"],
      decide: inContainer((finding, context) => {
        if (context.lines[finding.at]!.includes("[Errno 14]")) {
          return reject("a package manager asks a mirror");
        }
        if (emptyArguments(context.docker!).length > 0) return accept(0.7, {}, "symptom");
        return endsStep(finding, context);
      }),
      step: (build, context) =>
        emptyArguments(build).length > 0
          ? undefined
          : silentDownload(build, context, { curl: [22], wget: [8] }),
    },
  ),
  reported(
    "download-forbidden",
    BUILD,
    [
      sign("ERROR 40", /ERROR 40[1357]: /, 0.93),
      sign("ERROR 4", /ERROR 4(?:29|51|06): /, 0.85),
      sign("returned error: 40", /(?:curl: \(22\)|The requested URL returned error): 40[135]/, 0.9),
      sign("returned error: 429", /The requested URL returned error: 429/, 0.8),
      sign("with status 40", /failed to GET (?<url>\S+) with status 40[135]/, 0.93),
      sign(
        "403 Forbidden",
        /(?:HTTP\/1\.\d|server returned error:|HTTP Error|code:?) ?(?:HTTP\/1\.\d )?403:? Forbidden/i,
        0.88,
      ),
      sign("invalid response status 40", /invalid response status 40[13]/, 0.95),
      sign("HTTP Error 403", /HTTP Error 403/i, 0.85),
      sign("rate limit exceeded", /API rate limit exceeded/, 0.8),
      sign("sername/Password Authentication Failed", /Username\/Password Authentication Failed/, 0.9),
    ],
    ({ url }) => `The server refuses the download${url === undefined ? "" : ` of ${url}`}.`,
    [
      "2024-06-17 15:16:40 ERROR 403: Forbidden.",
      "curl: (22) The requested URL returned error: 403 Forbidden",
    ],
    {
      decide: inContainer((finding, context) =>
        /unable to access|remote:/.test(context.lines[finding.at]!)
          ? reject("git says it")
          : endsStep(finding, context)
      ),
      step: (build, context) => silentDownload(build, context, { wget: [6] }),
    },
  ),
  reported(
    "download-host-gone",
    BUILD,
    [
      sign("Could not resolve host", /Could not resolve host:? '?(?<host>[^\s;']+)/, 0.93),
      sign("Couldn't resolve host", /Couldn't resolve host '?(?<host>[^\s']+)/, 0.92),
      sign(
        "unable to resolve host address",
        /wget: unable to resolve host address ['‘`](?<host>[^'’]+)/,
        0.93,
      ),
      sign("bad address", /wget: bad address '(?<host>[^']+)'/, 0.93),
      sign("curl: (7)", /curl: \(7\) (?:Failed|couldn't) (?:to )?connect to (?<host>\S+)/i, 0.92),
      sign(
        "Connection refused",
        /(?:curl: \(7\)|wget: can't connect|failed: Connection refused|Failed to connect to)/,
        0.8,
      ),
      sign("can't connect to remote host", /wget: can't connect to remote host/, 0.88),
      sign("no such host", /failed to GET|ADD failed: .*lookup (?<host>\S+).*no such host/, 0.92),
      sign("curl: (6)", /curl: \(6\) /, 0.88),
      sign("curl: (28)", /curl: \(28\) /, 0.75),
      sign(
        "Name or service not known",
        /(?:Resolving|resolving) \S+ .*failed: Name or service not known/,
        0.9,
      ),
      sign("No address associated with hostname", /failed: No address associated with hostname/, 0.88),
      sign("UnknownHostException", /UnknownHostException: (?<host>\S+)/, 0.85),
      sign("getaddrinfo ENOTFOUND", /getaddrinfo ENOTFOUND (?<host>\S+)/, 0.82),
      sign("unable to look up", /fatal: unable to (?:look up|connect to) (?<host>\S+?)(?: \(port|:| )/, 0.88),
      sign("fatal: unable to connect to", /fatal: unable to connect to (?<host>\S+):/, 0.85),
      sign("Failed to connect to", /(?:fatal|curl).*Failed to connect to (?<host>\S+) port \d+/, 0.9),
      sign("connection timed out", /(?:curl|wget|fatal|ADD failed).*[Cc]onnection timed out/, 0.82),
      sign("giving up", /Giving up\./i, 0.75),
    ],
    ({ host }) => `The host ${host ?? "that the step asks"} does not answer.`,
    [
      "curl: (6) Could not resolve host: downloads.gone.example",
      "wget: bad address 'downloads.gone.example'",
      "curl: (7) Failed to connect to get.gone.example port 443: Connection refused",
    ],
    {
      identity: ["host"],
      decide: inContainer((finding, context) => {
        const { host = "" } = finding.captures;
        const line = context.lines[finding.at]!;
        if (/^(?:127\.|localhost|0\.0\.0\.0)/.test(host)) {
          return reject("it is a service of the image itself");
        }
        if (/\[Errno 14\]|repomd|mirrorlist/.test(line)) return reject("a package manager asks a repository");
        if (/npm ERR!|pip|registry/.test(line)) return reject("a package manager asks its registry");
        if (emptyArguments(context.docker!).length > 0) return accept(0.7, {}, "symptom");
        return endsStep(finding, context);
      }),
      step: (build, context) => silentDownload(build, context, { curl: [6, 7], wget: [4] }),
    },
  ),
  reported(
    "download-redirect-not-followed",
    BUILD,
    [
      ...NOT_ARCHIVE,
      sign("not found", /(?<program>\S*conda|\S+): (?:command )?not found/, 0.85),
      sign("301 Moved Permanently", /301 Moved Permanently/, 0.85),
      sign("302 Found", /302 Found/, 0.85),
      sign("Redirecting", /(?:You are being|>)\s*redirected|Object moved|Redirecting to/i, 0.7),
      sign("redirected</a>", /You are being <a/i, 0.85),
      sign("syntax error", /syntax error/i, 0.8),
    ],
    () => "curl saved the page of a redirect: give it -L, or the address that is redirected to.",
    [
      "/bin/sh: 1: /opt/miniconda/bin/conda: not found",
      "gzip: stdin: not in gzip format",
      "<head><title>301 Moved Permanently</title></head>",
    ],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        const redirect = /30[1278] (?:Moved|Found|Temporary|Permanent)|redirected<\/a>|Object moved/;
        if (redirect.test(line) && !/^\s*(?:<|HTTP request sent|location)/i.test(line)) {
          return reject("the redirect was followed");
        }
        if (/HTTP request sent/.test(line)) return reject("wget follows redirects");
        if (redirect.test(line)) return accept();
        if (before(finding, context, redirect, 60) && !before(finding, context, /HTTP request sent/, 60)) {
          return accept(0.85);
        }
        if (finding.captures["program"] !== undefined) {
          return /(?:^|\/)conda$/.test(finding.captures["program"]) && installsBy(context, /conda/)
            ? accept(0.95)
            : reject("nothing shows a redirect");
        }
        return withoutLocation(context) && !line.includes("yntax error")
          ? accept(0.82)
          : reject("nothing shows a redirect");
      }),
    },
  ),
  reported(
    "download-wrong-content",
    BUILD,
    NOT_ARCHIVE,
    () => "What was downloaded is no archive: the address answers with a page or with nothing.",
    ["gzip: stdin: not in gzip format", "tar: This does not look like a tar archive"],
    {
      decide: inContainer((finding, context) => {
        if (emptyArguments(context.docker!).length > 0 && !after(finding, context, /not in gzip/, 1)) {
          return accept(0.78, {}, "symptom");
        }
        if (
          before(
            finding,
            context,
            /Cannot open: No such file|can't open '|command not found|: not found$/,
            12,
          )
        ) {
          return accept(0.6, {}, "consequence");
        }
        return isNearEnd(finding, context, 12) ? accept() : accept(0.7, {}, "consequence");
      }),
    },
  ),
  reported(
    "tls-client-too-old",
    BUILD,
    [
      sign("tlsv1 alert protocol version", /tlsv1 alert protocol version/i, 0.95),
      sign("CERT_UNTRUSTED", /CERT_UNTRUSTED/, 0.9),
      sign("SSL23_GET_SERVER_HELLO", /SSL23_GET_SERVER_HELLO/, 0.92),
      sign("alert handshake failure", /alert handshake failure/, 0.88),
      sign("sslv3 alert", /sslv3 alert/, 0.85),
      sign(
        "handshake_failure",
        /SSLHandshakeException: Received fatal alert: (?:handshake_failure|protocol_version)/,
        0.9,
      ),
      sign("protocol_version", /Received fatal alert: protocol_version/, 0.95),
      sign("Cannot communicate securely with peer", /Cannot communicate securely with peer/, 0.92),
      sign(
        "Peer reports incompatible or unsupported protocol version",
        /Peer reports incompatible or unsupported protocol version/,
        0.95,
      ),
      sign("no common encryption algorithm", /no common encryption algorithm/, 0.93),
      sign("Unable to establish SSL connection", /Unable to establish SSL connection/, 0.88),
      sign("SSL connect error", /curl: \(35\) (?!.*(?:reset|Connection refused)).*/, 0.88),
      sign("curl: (35)", /curl: \(35\) (?!.*reset)/, 0.86),
      sign("sslv3_alert", /TLSV1_ALERT_PROTOCOL_VERSION|SSLV3_ALERT/, 0.92),
      sign("PROTOCOL_VERSION", /TLSV1_ALERT_PROTOCOL_VERSION|ALERT_PROTOCOL_VERSION/, 0.93),
      sign("peer not authenticated", /SSLPeerUnverifiedException: peer not authenticated/, 0.88),
      sign("SSL_read: unknown error", /SSL routines:.*(?:unknown protocol|unsupported protocol)/, 0.85),
      sign("InsecurePlatformWarning", /InsecurePlatformWarning/, 0.1),
      sign("SSL is required", /(?:HTTP error )?403 (?:while getting|SSL is required)/i, 0.88),
      sign("Cannot fetch index base URL", /Cannot fetch index base URL/, 0.88),
      sign(
        "routines:",
        /SSL routines:.*(?:tlsv1 alert|wrong version number|sslv3 alert|unsupported protocol)/i,
        0.88,
      ),
      sign("key size too small", /SSLHandshake.*(?:key size|EC parameters)|ecc.*too small/, 0.7),
    ],
    () => "The client is too old for the server's TLS: a newer base image has one that is not.",
    [
      "curl: (35) error:1407742E:SSL routines:SSL23_GET_SERVER_HELLO:tlsv1 alert protocol version",
      "javax.net.ssl.SSLException: Received fatal alert: protocol_version",
    ],
    { decide: inContainer(endsStep) },
  ),
  reported(
    "tls-certificate",
    BUILD,
    [
      sign("SSL certificate problem", /SSL certificate problem: (?<detail>.*)/, 0.93),
      sign("server certificate verification failed", /server certificate verification failed/, 0.92),
      sign("cannot verify", /(?:ERROR: )?cannot verify (?<detail>\S+?)'s certificate/, 0.93),
      sign("certificate common name", /(?:ERROR|Error): certificate common name .* doesn't match/, 0.93),
      sign(
        "no certificate subject alternative name matches",
        /no certificate subject alternative name matches/,
        0.93,
      ),
      sign("CERTIFICATE_VERIFY_FAILED", /CERTIFICATE_VERIFY_FAILED/, 0.88),
      sign("certificate signed by unknown authority", /x509: certificate signed by unknown authority/, 0.92),
      sign("x509: certificate", /x509: certificate (?<detail>has expired|is valid for|relies on).*/, 0.92),
      sign("unable to get local issuer certificate", /unable to get local issuer certificate/, 0.9),
      sign("PKIX path building failed", /PKIX path building failed/, 0.9),
      sign(
        "error setting certificate verify locations",
        /error setting certificate (?:verify locations|file)/,
        0.92,
      ),
      sign("UNABLE_TO_GET_ISSUER_CERT", /UNABLE_TO_GET_ISSUER_CERT/, 0.88),
      sign("SELF_SIGNED_CERT", /SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED/, 0.88),
      sign("CERT_HAS_EXPIRED", /CERT_HAS_EXPIRED|certificate has expired/, 0.88),
      sign("certificate has expired", /certificate has expired/, 0.88),
      sign("curl: (60)", /curl: \(60\) /, 0.93),
      sign("curl: (77)", /curl: \(77\) /, 0.93),
      sign("trustAnchors parameter must be non-empty", /trustAnchors parameter must be non-empty/, 0.88),
      sign("SSL_ERROR_", /SSL certificate verification failed/, 0.8),
      sign("TLS: ", /ssl_client: .*(?:certificate|TLS connect failed)/, 0.8),
      sign("not trusted", /certificate (?:of '?\S+'? )?is not trusted/, 0.9),
    ],
    ({ detail }) => `The server's certificate is not trusted${detail === undefined ? "" : ` (${detail})`}.`,
    [
      "curl: (60) SSL certificate problem: unable to get local issuer certificate",
      "ERROR: cannot verify dl.example's certificate, issued by 'CN=R3': Unable to locally verify the issuer's authority.",
    ],
    {
      decide: inContainer((finding, context) => {
        if (/WARNING|warning/.test(context.lines[finding.at]!)) return reject("it is only a warning");
        return endsStep(finding, context);
      }),
      step: (build, context) => silentDownload(build, context, { wget: [5], curl: [60] }),
    },
  ),
  reported(
    "checksum-mismatch",
    BUILD,
    [
      sign("computed checksum", /WARNING: \d+ (?:of \d+ )?computed checksums? did NOT match/, 0.95),
      sign(": FAILED", /^(?<file>\S+): FAILED$/, 0.9),
      sign("Installer corrupt", /Installer corrupt/, 0.95),
      sign("integrity checksum failed", /integrity checksum failed/, 0.9),
      sign("EINTEGRITY", /npm (?:ERR!|error) code EINTEGRITY/, 0.92),
      sign("Integrity check failed", /Integrity check failed/i, 0.88),
      sign("DO NOT MATCH THE HASHES", /THESE PACKAGES DO NOT MATCH THE HASHES/, 0.92),
      sign("no properly formatted", /no properly formatted .*checksum lines found/, 0.9),
      sign("hecksum mismatch", /[Cc]hecksum mismatch/, 0.85),
      sign("hash mismatch", /[Hh]ash mismatch|hash sum mismatch/, 0.8),
      sign("BAD signature", /gpg: BAD signature/, 0.88),
      sign("signature verification", /Installer signature (?:verification|check) failed/i, 0.85),
      sign("Expected sha256", /Expected sha(?:256|512|1)/, 0.8),
    ],
    ({ file }) => `The checksum of ${file ?? "a download"} is not the one that is expected.`,
    ["sha256sum: WARNING: 1 computed checksum did NOT match", "Installer corrupt"],
    {
      identity: ["file"],
      decide: inContainer((finding, context) =>
        /SECURITY ERROR|verifying \S+@/.test(context.lines[finding.at]!) ||
          before(finding, context, /verifying \S+@|go: /, 3)
          ? reject("Go's check of a module has its own name")
          : isNearEnd(finding, context, 15)
          ? accept()
          : accept(0.7, {}, "consequence")
      ),
    },
  ),
  reported(
    "network-transient",
    BUILD,
    [
      sign(
        "onnection reset by peer",
        /(?:curl|wget|ssl|SSL|fatal|read|recv|ERROR|Error|failed).*(?<code>[Cc]onnection reset by peer)/,
        0.82,
      ),
      sign("Operation timed out", /curl: \(28\).*(?<code>Operation timed out|Operation too slow)/, 0.82),
      sign("curl: (18)", /curl: \(18\) (?<code>transfer closed)/, 0.85),
      sign("curl: (56)", /curl: \(56\) (?<code>.{0,60})/, 0.82),
      sign("curl: (52)", /curl: \(52\) (?<code>Empty reply from server)/, 0.75),
      sign("curl: (92)", /curl: \(92\) (?<code>HTTP\/2 stream)/, 0.85),
      sign("ERROR 50", /(?<code>ERROR 50[0234]): /, 0.82),
      sign("ERROR 429", /(?<code>ERROR 429): /, 0.82),
      sign("TLS handshake timeout", /(?<code>TLS handshake timeout)/, 0.85),
      sign("i/o timeout", /(?<code>i\/o timeout)/, 0.82),
      sign("ReadTimeoutError", /(?:socket\.timeout|ReadTimeoutError).*(?<code>[Tt]imed out)/, 0.85),
      sign(
        "The TLS connection was non-properly terminated",
        /(?<code>The TLS connection was non-properly terminated)/,
        0.85,
      ),
      sign("RPC failed", /error: (?<code>RPC failed)/, 0.82),
      sign("early EOF", /(?<code>early EOF)/, 0.8),
      sign("CONNECTION FAILED", /(?<code>CondaHTTPError: HTTP 000 CONNECTION FAILED)/, 0.85),
      sign("spurious network error", /(?<code>spurious network error)/, 0.5),
    ],
    ({ code }) => `The network failed for a moment (${code}).`,
    [
      "curl: (56) OpenSSL SSL_read: Connection reset by peer, errno 104",
      "curl: (35) OpenSSL SSL_connect: Connection reset by peer in connection to downloads.example:443",
    ],
    {
      redeployMayCure: true,
      remedies: ["network/redeploy"],
      decide: inContainer((finding, context) =>
        isNearEnd(finding, context, 15) ? accept() : reject("the step went on after it")
      ),
    },
  ),
];

/** Whether an instruction downloads with curl and never asks it to follow a redirect. */
function withoutLocation(context: Context): boolean {
  const calls = [...instructionOf(context).matchAll(/\bcurl\s[^&|;]*/g)].map(([call]) => call);
  if (calls.length === 0 || /\bwget\b/.test(instructionOf(context))) return false;
  return calls.every((call) => !/\s-\w*L|--location/.test(call)) && !inStep(context, /\b404\b/);
}

/** Whether an earlier instruction fetches a matching installer with curl without following redirects. */
function installsBy(context: Context, pattern: RegExp): boolean {
  const instructions = context.docker?.dockerfile?.instructions ?? [];
  return instructions.some(({ keyword, text }) =>
    keyword === "RUN" &&
    [...text.matchAll(/\bcurl\s[^&|;]*/g)].some(([call]) =>
      pattern.test(call) && !/\s-\w*L|--location/.test(call)
    )
  );
}

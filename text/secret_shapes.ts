/**
 * What secrets look like that were never seen before: tokens that their issuers made recognisable, keys, the
 * credentials of addresses, headers and command lines. Every pattern begins with a literal or is tried once a line,
 * and none can scan the same run twice, so the time is linear in the text.
 */

/** Letters, digits, and what else a token of this kind may hold. */
const WORD = "A-Za-z0-9";
const WIDE = "A-Za-z0-9_-";
const DOTTED = "A-Za-z0-9_.-";
const HEX = "a-f0-9";

/**
 * How a token begins, what follows and at least how much of it. Sources: the issuers' documentation, and the
 * formats they registered with secret scanning programmes.
 */
const TOKENS: readonly (readonly [begin: string, characters: string, charsMin: number])[] = [
  // Source code and packages.
  ["gh[pousr]_", WORD, 20],
  ["github_pat_", "A-Za-z0-9_", 20],
  ["gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt|ffct)-", DOTTED, 16],
  ["GR1348941", WIDE, 20],
  ["ATBB", WORD, 24],
  ["AT[CA]TT3", "A-Za-z0-9_=-", 40],
  ["npm_", WORD, 30],
  ["pypi-AgE", WIDE, 32],
  ["rubygems_", HEX, 40],
  ["cio", WORD, 32],
  ["oy2", "a-z0-9", 43],
  ["dckr_(?:pat|oat)_", WIDE, 20],
  ["AKCp", WORD, 60],
  // Clouds and platforms.
  ["(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])", "A-Z0-9", 16],
  ["ABSK", "A-Za-z0-9+/=", 60],
  ["AIza", WIDE, 30],
  ["GOCSPX-", WIDE, 16],
  ["ya29\\.", DOTTED, 16],
  ["1//0", WIDE, 30],
  ["rnd_", WORD, 16],
  ["do[opr]_v1_", HEX, 32],
  ["HRKU-", WIDE, 36],
  ["f(?:o1|m1r|m2)_", "A-Za-z0-9_+/=-", 30],
  ["nfp_", WORD, 30],
  ["vc[akipr]_", WORD, 24],
  ["sbp_", HEX, 40],
  ["sb_secret_", WIDE, 16],
  ["pscale_(?:tkn|pw|oauth|pass)_", "A-Za-z0-9_.=-", 16],
  ["napi_", WORD, 40],
  ["mdb_sa_sk_", WIDE, 30],
  ["v1\\.0-[a-f0-9]{24}-", HEX, 100],
  ["hv[sbr]\\.", WIDE, 20],
  ["[A-Za-z0-9]{14}\\.atlasv1\\.", "A-Za-z0-9_=-", 60],
  ["dp\\.(?:pt|st|ct|sa|scim|audit)\\.", DOTTED, 30],
  ["pul-", HEX, 40],
  ["dapi", HEX, 32],
  ["LTAI", WORD, 12],
  // Models.
  ["sk-(?:proj|ant|svcacct|admin|or)-", WIDE, 16],
  ["sk-(?:live|test|prod)-", WIDE, 10],
  ["sk-lf-", "a-f0-9-", 32],
  ["sk-", WORD, 32],
  ["hf_", WORD, 30],
  ["r8_", WORD, 30],
  ["gsk_", WORD, 40],
  ["xai-", WORD, 40],
  ["pplx-", WORD, 40],
  // Payment, mail, messages.
  ["[sr]k_(?:live|test|prod)_", WORD, 10],
  ["whsec_", "A-Za-z0-9+/=", 16],
  ["xox[abceoprs]-", WIDE, 10],
  ["xoxe\\.xox[bp]-", WIDE, 10],
  ["xapp-", WIDE, 10],
  ["SG\\.[A-Za-z0-9_-]{16,64}\\.", WIDE, 16],
  ["xkeysib-", WIDE, 40],
  ["key-", HEX, 32],
  [`[${HEX}]{32}-us`, "0-9", 1],
  ["re_[A-Za-z0-9]{6,12}_", WORD, 16],
  ["SK", HEX, 32],
  ["sq0(?:atp|csp)-", WIDE, 20],
  ["EAAA", WIDE, 50],
  ["shp(?:at|ca|pa|ss)_", "a-fA-F0-9", 32],
  ["access_token\\$(?:production|sandbox)\\$", "a-z0-9$", 20],
  ["[0-9]{8,10}:AA", WIDE, 32],
  ["[MNO][A-Za-z0-9]{23,25}\\.[A-Za-z0-9_-]{6}\\.", WIDE, 27],
  ["FLWSECK(?:_TEST)?-", WORD, 12],
  // Monitoring and teams.
  ["ddp(?:at|at_)_?", WORD, 32],
  ["NR(?:AK|AL|II|RA|SP)-", WIDE, 27],
  [`[${HEX}]{36}NRAL`, "", 0],
  ["sntr(?:ys|yu)_", "A-Za-z0-9_=+/-", 40],
  ["gl(?:c|sa)_", "A-Za-z0-9_=+/-", 32],
  ["phx_", WORD, 30],
  ["lin_(?:api|oauth)_", WORD, 32],
  ["ntn_", WORD, 40],
  ["secret_", WORD, 43],
  ["pat[A-Za-z0-9]{14}\\.", HEX, 60],
  ["figd_", WIDE, 30],
  ["PMAK-", "a-f0-9-", 50],
  ["CCIPAT_", "A-Za-z0-9_", 40],
  ["bk[up]a_", WORD, 30],
  ["sgp_", "A-Za-z0-9_", 40],
  ["CFPAT-", WIDE, 40],
  ["sl\\.", WIDE, 100],
  ["amzn\\.mws\\.", "a-f0-9-", 36],
  ["AGE-SECRET-KEY-1", "A-Z0-9", 50],
  ["ops_eyJ", WIDE, 60],
];

/** One pattern for all: not inside a longer word, and to the end of what the token may hold. */
export const TOKEN = new RegExp(
  `(?<![A-Za-z0-9])(?:${
    TOKENS.map(([begin, characters, charsMin]) =>
      characters === "" ? begin : `${begin}[${characters}]{${charsMin},}`
    ).join("|")
  })`,
  "g",
);
/** Azure gives its client secrets a mark in the fourth place. */
export const AZURE_CLIENT_SECRET = /(?<![A-Za-z0-9.~-])[\w.~-]{3}\dQ~[\w.~-]{31,34}/g;
/** JSON web tokens, encrypted ones included. */
export const JWT = /(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){1,3}/g;

/** A key block; where its end is missing, as far as the encoded lines go. */
export const KEY_BLOCK =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:(?!-----BEGIN)[^]){0,16384}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]*)/g;
/** The same as base64 of the whole file. */
export const KEY_FILE = /LS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,}/g;
/** The end of a line that may be one of a key's whose first line is missing; `isKeyLine` decides. */
export const KEY_LINE = /(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})$/gm;

/** Encoded bytes, not a digest (one case only) and not a path (few digits). */
export function isKeyLine(text: string): boolean {
  const count = (class_: RegExp) => text.match(class_)?.length ?? 0;
  return count(/\d/g) >= 3 && count(/[A-Z]/g) >= 10 && count(/[a-z]/g) >= 10;
}

/** Addresses whose password may hold a slash that was not escaped. */
export const CONNECTION =
  /\b((?:postgres(?:ql)?|cockroachdb|mysql|mariadb|mongodb|rediss?|valkeys?|amqps?|mssql|sqlserver|clickhouse|nats|kafka|mqtts?|ldaps?|smtps?|s?ftps?|s3|sqs)(?:\+[a-z0-9]{1,16})?:\/\/)[^\s"'<>]{1,512}@/gi;
export const USER_INFO = /(:\/\/)(?!git@)[^\s/?#"'<>]+@/g;
/** Oracle's thin form, and Go's for MySQL: `user:password@tcp(host:3306)/name`. */
export const DRIVER_ADDRESS =
  /(\bjdbc:oracle:thin:)[^\s@"']{1,200}@|(:)[^\s@"'/:]{1,200}@(?=(?:tcp|unix)\()/g;
export const WEBHOOK_PATH =
  /\b(hooks\.slack\.com\/|discord(?:app)?\.com\/api\/webhooks\/|[\w-]{1,60}\.webhook\.office\.com\/)[A-Za-z0-9_@/-]{8,}/g;

/** Schemes whose credential is one word. */
export const AUTHORIZATION =
  /(authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:(?:bearer|basic|token|api-?key|key|ssws|negotiate|ntlm|splunk|bot|snowflake)\s{1,3})?)(?!(?:digest|hawk|oauth|signature|aws4-hmac-sha256)\s)[^\s"',;]{4,}/gi;
/** Schemes whose credential is a list. */
export const AUTHORIZATION_LIST =
  /(authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:digest|hawk|oauth|signature|aws4-hmac-sha256)\s{1,3})[^\n]+/gi;
export const BEARER = /\b(bearer\s{1,3})[A-Za-z0-9._~+/=-]{16,}/gi;
export const COOKIE = /\b((?:set-)?cookie["']?:\s{0,3}["']?[^=\s]{1,64}=)[^\n"']+/gi;

/** `--password x`, `--api-key x`: the word after a flag. */
export const FLAG =
  /(\s--?[a-z-]{0,24}(?:password|passwd|passphrase|token|secret|api-?key|access-?key)[ \t]{1,3}["']?)(?![-$<{[(%*])(?=[^\s"']{0,200}[\d!@#^&+/=_])[^\s"',;|)]{4,}/gi;
/** A user and a password for curl; elsewhere `-u 1000:1000` is no secret. */
export const CURL_USER = /(\bcurl\b[^\n|;]{0,300}?\s(?:-u|--user)[ =]?["']?[^\s:"'$]{1,64}:)[^\s"'$]{1,200}/g;
/** Passwords on other command lines. */
export const TOOL_PASSWORD =
  /(\b(?:sshpass|docker login|podman login|buildah login)\b[^\n|;]{0,200}?\s-p[ =]?["']?|\bredis-cli\b[^\n|;]{0,200}?\s-a ["']?|\bmysql(?:dump|admin)?\b[^\n|;]{0,200}?\s-p["']?)(?![\s$"'-])[^\s"'|;]{3,}/g;
/** A line of .netrc. */
export const NETRC = /(\blogin[ \t]{1,3}\S{1,100}[ \t]{1,3}password[ \t]{1,3})\S+/g;
/** The signature of a shared access address, which is a credential. */
export const SHARED_ACCESS = /([?&;]sig=)[A-Za-z0-9%+/=_-]{16,}/g;
/** The credentials of a container registry. */
export const REGISTRY_AUTH = /(["']auth["']\s{0,3}:\s{0,3}["'])[A-Za-z0-9+/=_-]{8,}/g;

const SAYS_SECRET = "pass(?:word|wd|phrase)?|pwd|secret|(?<!publickey)token|credential|signature|" +
  "api[-_ ]?key|(?:access|private|account|auth|encryption|signing|master|app|application|license|subscription|functions|service|shared|sharedaccess|client|deploy|ssh)[-_]?key|" +
  "key[-_]data|_auth(?![a-z_])|[-_]salt(?![a-z])";
/** `DB_PASSWORD=x`, `"api_key": "x"`, the same escaped inside a string, `token => x`, `?access_token=x`. */
export const ASSIGNMENT = new RegExp(
  `((?:${SAYS_SECRET})[A-Za-z0-9_]{0,20})` +
    `([\\\\"'\\]]{0,4}[ \\t]{0,3}(?:=>|:?=(?!=)|:(?!:))[ \\t]{0,3}\\\\{0,3})` +
    `("[^"\\n]*"|'[^'\\n]*'|[^\\s"',;&(){}<>[\\]]+)`,
  "gi",
);
const SECRET_NAME = new RegExp(`${SAYS_SECRET}|key$|_key_|salt|dsn|jwt|hmac|cert|private`, "i");

/** Whether a variable of this name holds a secret, going by the name. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Requests that no honest client sends, from a seed: what is written to the socket, and whether it is then closed. */
import { Chance } from "../simulation/random.ts";

export interface Malformed {
  kind: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** Closes our half after sending. */
  halfClose: boolean;
}

const PATHS = ["/", "/status", "/advice", "/readyz", "/healthz", "/webhooks/render", "/nothing"] as const;
const encoder = new TextEncoder();

type Kind = (chance: Chance, path: string) => string | Uint8Array<ArrayBuffer>;

const head = (line: string, headers: readonly string[] = []) =>
  `${line}\r\nHost: 127.0.0.1\r\n${headers.map((one) => `${one}\r\n`).join("")}\r\n`;

export const KINDS: Record<string, Kind> = {
  "bad method": (chance, path) =>
    head(
      `${
        chance.pick([
          "get",
          "",
          "G E T",
          "DELETE",
          "TRACE",
          "PRI",
          "\x00",
          "ÄÖ",
          "PROPFIND",
          "x".repeat(5000),
        ])
      } ${path} HTTP/1.1`,
    ),
  "bad version": (chance, path) =>
    head(
      `GET ${path} ${
        chance.pick(["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1.1", "http/1.1", "", "ICY"])
      }`,
    ),
  "long header": (chance, path) =>
    head(`GET ${path} HTTP/1.1`, [`X-Long: ${"a".repeat(chance.whole(8_000, 40_000))}`]),
  "many headers": (chance, path) =>
    head(
      `GET ${path} HTTP/1.1`,
      Array.from({ length: chance.whole(200, 4000) }, (_, at) => `X-${at}: ${at}`),
    ),
  "NUL": (chance, path) =>
    chance.pick([
      head(`GET ${path}\0 HTTP/1.1`),
      head(`GET ${path} HTTP/1.1`, ["X: a\0b"]),
      "\0".repeat(500),
      head(`GET ${path} HTTP/1.1`, ["A\0: b"]),
    ]),
  "two lengths": (chance, path) =>
    head(
      `POST ${path} HTTP/1.1`,
      chance.pick([
        ["Content-Length: 3", "Content-Length: 30"],
        ["Content-Length: 3, 4"],
        ["Content-Length: -1"],
        ["Content-Length: 0x10"],
        ["Content-Length: 99999999999999999999"],
        ["Content-Length: +5"],
      ]),
    ) + "abcGET /status HTTP/1.1\r\n\r\n",
  "length and chunks": (chance, path) =>
    head(
      `POST ${path} HTTP/1.1`,
      chance.pick([
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 4"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding:\r\n chunked", "Content-Length: 6"],
      ]),
    ) + "0\r\n\r\nGET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  "bad chunks": (chance, path) =>
    head(`POST ${path} HTTP/1.1`, ["Transfer-Encoding: chunked"]) +
    chance.pick([
      "zz\r\n",
      "-1\r\nab\r\n",
      "ffffffffffffffff\r\n",
      "5\r\nabc",
      `1;${"x".repeat(20_000)}\r\na\r\n`,
      "5 \r\nabcde\r\n0\r\n\r\n",
      "3\nabc\n0\n\n",
    ]),
  "two hosts": (chance, path) =>
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: ${
      chance.pick(["evil.example", "127.0.0.1", ""])
    }\r\n\r\n`,
  "bad host": (chance, path) =>
    `GET ${path} HTTP/1.1\r\nHost: ${
      chance.pick([
        "evil.example",
        "a b",
        "a/b",
        "a@b",
        "[::1",
        "",
        "127.0.0.1:99999999",
        "x".repeat(3000),
        "127.0.0.1#",
        "127.0.0.1\t",
      ])
    }\r\n\r\n`,
  "no host": (_, path) => `GET ${path} HTTP/1.1\r\n\r\n`,
  "bad line ends": (chance, path) =>
    chance.pick([
      `GET ${path} HTTP/1.1\nHost: 127.0.0.1\n\n`,
      `GET ${path} HTTP/1.1\rHost: 127.0.0.1\r\r`,
      `GET ${path} HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n`,
    ]),
  "odd target": (chance, path) =>
    head(
      `GET ${
        chance.pick([
          "*",
          "http://evil.example/status",
          "//evil.example/status",
          "\\status",
          "status",
          `${path}#x`,
          "/%",
          "/%00",
          "/..%2f..%2fetc/passwd",
          "/../../etc/passwd",
          "/\u202e",
          "http://[::1",
        ])
      } HTTP/1.1`,
    ),
  "tunnel": (chance) =>
    head(chance.pick(["CONNECT 127.0.0.1:22 HTTP/1.1", "CONNECT / HTTP/1.1", "OPTIONS * HTTP/1.1"])),
  "upgrade": (chance, path) =>
    head(`GET ${path} HTTP/1.1`, [
      "Connection: Upgrade",
      `Upgrade: ${chance.pick(["websocket", "h2c", "TLS/1.0"])}`,
    ]),
  "expectation": (chance, path) =>
    head(`POST ${path} HTTP/1.1`, [
      `Expect: ${chance.pick(["100-continue", "200-ok"])}`,
      "Content-Length: 5",
    ]),
  "long address": (chance, path) => head(`GET ${path}?${"x".repeat(chance.whole(2_000, 60_000))} HTTP/1.1`),
  "bad UTF-8": (chance, path) => {
    const bytes = encoder.encode(
      head(`GET ${path}?XX HTTP/1.1`, ["X-Text: XXXX", "Authorization: Bearer XXXXXXXXXXXXXXXXXXXX"]),
    );
    for (const [at, byte] of bytes.entries()) if (byte === 0x58) bytes[at] = chance.whole(0x80, 0xff);
    return bytes;
  },
  "bad token": (chance, path) =>
    head(`GET ${path === "/healthz" || path === "/readyz" ? "/status" : path} HTTP/1.1`, [
      `Authorization: ${
        chance.pick([
          "Bearer",
          "Bearer  ",
          "Basic dG9rZW4=",
          "Bearer null",
          `Bearer ${"t".repeat(7000)}`,
          "bearer a b",
          "Bearer a-token-of-some-lengtH",
          "Bearer a-token-of-some-length-x",
          "Bearer a-token-of-some-lengt",
        ])
      }`,
    ]),
  "another origin": (chance, path) =>
    head(`GET ${path} HTTP/1.1`, [
      chance.pick([
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Origin: http://127.0.0.1.evil.example",
      ]),
    ]),
  "forged delivery": (chance) => {
    const body = chance.pick([
      "{}",
      "null",
      "[".repeat(5000),
      "\0",
      '{"type":"deploy_ended"}',
      "x".repeat(15_000),
    ]);
    return head("POST /webhooks/render HTTP/1.1", [
      `Content-Length: ${body.length}`,
      `webhook-id: ${chance.pick(["evt-1", "", "x".repeat(3000)])}`,
      `webhook-timestamp: ${chance.pick(["0", "-1", "1e999", String(Math.floor(Date.now() / 1000))])}`,
      `webhook-signature: ${chance.pick(["v1,AAAA", "v1,", "v2,xx", "v1a,".repeat(500)])}`,
    ]) + body;
  },
  "large delivery": (chance) =>
    head("POST /webhooks/render HTTP/1.1", [`Content-Length: ${chance.pick([100_000, 5_000_000_000])}`]) +
    "x".repeat(30_000),
  "short body": (chance, path) =>
    head(`POST ${path} HTTP/1.1`, [`Content-Length: ${chance.whole(10, 1000)}`]) + "abc",
  "cut head": (chance, path) => {
    const whole = head(`GET ${path} HTTP/1.1`, ["Accept: */*"]);
    return whole.slice(0, chance.whole(1, whole.length - 1));
  },
  "nothing": () => "",
  "noise": (chance) => Uint8Array.from({ length: chance.whole(1, 3000) }, () => chance.whole(0, 255)),
  "TLS": (chance) =>
    Uint8Array.from([
      0x16,
      0x03,
      0x01,
      0x02,
      0x00,
      0x01,
      ...Array.from({ length: 512 }, () => chance.whole(0, 255)),
    ]),
  "HTTP/2": () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
  "garbage after a request": (chance, path) =>
    head(`GET ${path} HTTP/1.1`) +
    chance.pick(["\0\0\0", "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "x".repeat(30_000)]),
};

/** @param count how many, of each kind in turn */
export function* malformed(seed: number, count: number): Generator<Malformed> {
  const chance = new Chance(seed, "malformed");
  const kinds = Object.entries(KINDS);
  for (let index = 0; index < count; index++) {
    const [kind, make] = kinds[index % kinds.length] ?? ["nothing", () => ""];
    const made = make(chance, chance.pick(PATHS));
    yield {
      kind,
      bytes: typeof made === "string" ? encoder.encode(made) : made,
      halfClose: chance.roll(0.3),
    };
  }
}

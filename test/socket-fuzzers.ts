// Fuzzes a real login server through its socket: requests as they come, mutated, whole or cut off.

import assert from "node:assert/strict";
import { once } from "node:events";
import { several } from "./fuzzers.ts";
import type { Fuzzer } from "./fuzzers.ts";
import { exchange, openSocket } from "./raw-client.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { password, Visitor } from "./test-server.ts";
import type { LoginServer } from "./test-server.ts";

/** Stands in an input for the session cookie of somebody who is logged in. */
const live = "{live}";

function form(path: string, body: string, fields = ""): string {
  const type = "Content-Type: application/x-www-form-urlencoded\r\n";
  const length = `Content-Length: ${body.length}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: a.example\r\n${type}${length}${fields}\r\n${body}`;
}

function visit(path: string, fields = "", method = "GET"): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`;
}

const cookie = `Cookie: theme=dark; ${live}\r\n`;
const chunked = "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n";
const corpus: readonly [string, ...string[]] = [
  visit("/login"),
  visit("/", cookie),
  visit("/profile", cookie),
  visit("/sessions", `${cookie}User-Agent: Chrome/1 Linux\r\nAccept: text/html,*/*;q=0.8\r\n`),
  visit("/logout", "Sec-Fetch-Site: cross-site\r\n" + cookie),
  visit("/login", "", "HEAD"),
  visit("/sessions/end", "Origin: http://a.example\r\n", "OPTIONS"),
  form("/login", `username=ada&password=${encodeURIComponent(password)}`),
  form("/login", "username=ada&password=wrong", "Sec-Fetch-Site: same-origin\r\n"),
  form("/login", "username=ben&password=wrong", "Expect: 100-continue\r\n"),
  form("/sessions/end", "handle=AAAAAAAAAAAAAAAAAAAAAA", cookie),
  form("/sessions/end-others", "", cookie),
  form("/logout", "", `${cookie}Origin: http://a.example\r\n`),
  visit("/login", `${chunked}`, "POST") + "b\r\nusername=ada\r\n0\r\n\r\n",
  visit("/login") + visit("/profile", cookie) + visit("/heartbeat", "Connection: close\r\n"),
];

const pool: readonly [string, ...string[]] = [
  "\r\n", "\r\n\r\n", "\n", "\r", "\0", " ", "\t", ":", ";", "=", "&", "?", "/", "//", "..", "%", "%00",
  "%2f", "%C3%A9", "\xff", "\xc3\xa9", "<script>", "GET", "POST", "HEAD", "PUT", "TRACE", "CONNECT",
  "OPTIONS", "http://evil.example/", "HTTP/1.0", "HTTP/1.1", "HTTP/0.9", "HTTP/2.0",
  "Host: evil.example\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Content-Length: 9000\r\n",
  "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: websocket\r\n", "Expect: 100-continue\r\n", "Expect: x\r\n",
  "Content-Encoding: gzip\r\n", "Origin: null\r\n", "Sec-Fetch-Site: same-site\r\n",
  "Accept: application/json\r\n", "X-Forwarded-For: 1.2.3.4\r\n", cookie, "Cookie: session_id=\r\n",
  `Cookie: session_id=${"A".repeat(43)}\r\n`, "0\r\n\r\n", "ffffffffffffffff\r\n", "5\r\nhello\r\n",
  "x".repeat(9000), "a: b\r\n".repeat(400), "a=b&".repeat(20), "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
];

function generate(random: SeededRandom): readonly string[] {
  let pieces = random.pick(corpus).split(/(?<=[ \r\n:;=&?/,])/);
  for (let left = random.below(5); left > 0; left--) {
    const at = random.below(pieces.length + 1);
    const piece = pieces[at] ?? "";
    const cut = random.below(piece.length + 1);
    const mutations = [
      pieces.toSpliced(at, 1),
      pieces.toSpliced(at, 0, random.pick(pool)),
      pieces.toSpliced(at, 1, random.pick(pool)),
      pieces.toSpliced(at, 1, ...several(random, 5, pool)),
      pieces.toSpliced(at, 0, piece, piece),
      pieces.toSpliced(at, 1, piece.slice(0, cut), piece.slice(cut + 1)),
      pieces.toSpliced(at, 1, String.fromCharCode(random.below(256)) + piece.slice(1)),
      [...pieces.slice(0, at), ...random.pick(corpus).split(/(?<=[ \r\n])/)],
    ];
    pieces = mutations[random.below(mutations.length)] ?? pieces;
  }
  return pieces;
}

const heartbeat = visit("/heartbeat", "Connection: close\r\n");
// A frame of a stack, a file of ours or of Node, or the name of an error.
const inside = /\n\s+at \S|node:|\.[cm]?[jt]s:\d|node_modules|(?:Type|Range|Syntax)Error|\/src\//;

/** Fuzzers of a server: requests whose answers are read, and requests cut off by their client. */
export function socketFuzzers(server: LoginServer): readonly Fuzzer[] {
  const { port, clock } = server;
  let visitor = new Visitor(server);
  let events: readonly string[] = [];

  async function stayLoggedIn(): Promise<void> {
    // Time goes on, or the throttle would refuse everybody.
    clock.advance(30_000);
    // On a new connection: the server may have closed a kept one while the machine was asleep.
    if ((await visitor.get("/profile", { connection: "close" })).status === 200) return;
    visitor = new Visitor(server);
    await visitor.logIn();
    assert.notEqual(visitor.cookie, "");
  }

  async function send(pieces: readonly string[], isCut: boolean): Promise<string> {
    await stayLoggedIn();
    let text = "";
    const socket = await openSocket(port);
    socket.on("data", (part: string) => (text += part));
    // The server may have closed the connection before it took everything.
    socket.on("error", () => {});
    const closed = once(socket, "close");
    socket.write(pieces.join("").replaceAll(live, visitor.cookie), "latin1");
    if (isCut) socket.destroy();
    // It answers others, whatever it was sent, and meanwhile has answered this.
    assert.match(await exchange(port, heartbeat), /^HTTP\/1\.1 200 /);
    socket.end();
    await Promise.race([closed, once(socket, "end")]).catch(() => {});
    socket.destroy();
    await closed;
    events = server.newEvents();
    assert.ok(!events.includes("fault"), server.lines.at(-1));
    return text;
  }

  return [
    {
      name: "requests over a socket",
      generate,
      async check(pieces) {
        const text = await send(pieces, false);
        const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
        // 505 is for a client that asked for another version of HTTP.
        assert.ok(statuses.every((code) => code < 500 || code === 505), `status ${statuses}`);
        const finals = statuses.filter((code) => code !== 100).length;
        assert.equal(text.match(/^X-Content-Type-Options: nosniff\r$/gm)?.length ?? 0, finals);
        assert.doesNotMatch(text, inside);
        const sent = pieces.join("");
        if (sent.includes(live) || events.includes("login")) return;
        assert.doesNotMatch(text, /Hello, |"username":/, "let in without a session or a password");
      },
    },
    {
      name: "requests cut off",
      generate: (random) => generate(random).slice(0, 1 + random.below(40)),
      async check(pieces) {
        await send(pieces, true);
      },
    },
  ];
}

// The main program as its users meet it: started, used, stopped, and set up wrongly.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { hashPassword } from "../src/login/password.ts";
import type { ScryptParameters } from "../src/login/password.ts";
import { exchange, openSocket, readToEnd } from "./raw-client.ts";
import { runServer, runToEnd } from "./run-server.ts";
import { sourceArguments } from "./run-source.ts";

const SCRYPT = "ln=14,r=8,p=5";
const concurrency = { concurrency: 2 };

function logIn(url: string, username: string, password: string): Promise<Response> {
  const body = new URLSearchParams({ username, password });
  return fetch(`${url}/login`, { method: "POST", body, redirect: "manual" });
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

const directory = mkdtempSync(join(tmpdir(), "plinth-"));
after(() => rmSync(directory, { recursive: true }));

describe("the server", concurrency, () => {
  test("says where it listens and how to log in, and stops in order on SIGTERM", async () => {
    const server = await runServer({ SCRYPT });
    const { stderr } = server.output();
    const password = stderr.match(/^Log in as demo with the password (\S{16})$/m)?.[1] ?? "";
    const response = await logIn(server.url, "demo", password);
    assert.equal(response.status, 303);
    assert.match(cookieOf(response), /^session_id=[\w-]{43}$/);
    assert.equal(await server.stop(), 0);
    const hint = `Log in as demo with the password ${password}\n`;
    assert.equal(server.output().stderr, `Plinth listens on ${server.url}\n${hint}`);
    const lines = server.output().stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ event }) => event), ["start", "login", "stop"]);
    assert.equal(lines[0].url, server.url);
    assert.equal(server.output().stdout.includes(password), false);
    const next = await runServer({ SCRYPT });
    assert.equal(next.output().stderr.includes(password), false);
    await next.stop();
  });

  test("listens on an IPv6 address", async () => {
    const server = await runServer({ SCRYPT, HOST: "::1" });
    assert.match(server.url, /^http:\/\/\[::1\]:\d+$/);
    assert.equal((await fetch(`${server.url}/heartbeat`)).status, 200);
    await server.stop();
  });

  test("prints no password and no id in a whole run, with a line for each request", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "open-sesame", ACCESS_LOG: "1" });
    const secrets = ["open-sesame", "open-barley", "my-own-secret"];
    assert.equal((await logIn(server.url, "demo", "open-barley")).status, 401);
    assert.equal((await logIn(server.url, "my-own-secret", "open-sesame")).status, 401);
    for (const path of ["/profile?open-barley", "/sessions", "/logout", "/profile"]) {
      const response = await logIn(server.url, "demo", "open-sesame");
      assert.equal(response.status, 303);
      const cookie = cookieOf(response);
      secrets.push(cookie.slice(cookie.indexOf("=") + 1));
      await fetch(server.url + path, { headers: { cookie }, redirect: "manual" });
    }
    assert.equal(await server.stop("SIGINT"), 0);
    const { stdout, stderr } = server.output();
    assert.match(stderr, /^Log in as demo with the password \(the one in DEMO_PASSWORD\)$/m);
    assert.deepEqual(secrets.filter((secret) => (stdout + stderr).includes(secret)), []);
    const requests = stdout.match(/"event":"request","method":"(?:GET|POST)","path":.*"status":\d/g);
    assert.equal(requests?.length, 10);
    assert.match(stdout, /"event":"request","method":"POST","path":"\/login","status":303/);
  });

  test("serves the accounts of USERS, with a cookie for https alone", async () => {
    const hash = await hashPassword("correct horse", { parameters: SCRYPT });
    const server = await runServer({ USERS: `ada:${hash}`, SCRYPT });
    const response = await logIn(server.url, "ada", "correct horse");
    assert.match(response.headers.getSetCookie()[0] ?? "", /^__Host-session_id=.*; Secure/);
    assert.equal(response.headers.has("strict-transport-security"), true);
    const malformed = await exchange(Number(new URL(server.url).port), "no HTTP\r\n\r\n");
    assert.match(malformed, /\r\nStrict-Transport-Security: /);
    assert.match(malformed, /<h1>Not understood<\/h1>/);
    assert.equal(server.output().stderr, `Plinth listens on ${server.url}\n`);
    assert.equal(await server.stop(), 0);
  });

  test("carries out each of its settings", async () => {
    const server = await runServer({
      ...{ SCRYPT, DEMO_PASSWORD: "x", ACCESS_LOG: "1", ALLOWED_HOSTS: "app.example" },
      ...{ TRUST_PROXY: "1", KEEP_ALIVE_TIMEOUT: "7", MAX_SESSIONS: "1", COOKIE_PERSISTENT: "1" },
      ...{ SESSION_IDLE_TIMEOUT: "630", SESSION_ABSOLUTE_TIMEOUT: "1200" },
    });
    const byAddress = await fetch(server.url);
    assert.equal(byAddress.status, 421);
    assert.equal(byAddress.headers.get("keep-alive"), "timeout=7, max=1000");
    assert.match(await byAddress.text(), /<h1>Wrong address<\/h1>/);
    const ask = async (head: string, body = ""): Promise<string> => {
      const fields = `Host: app.example\r\nConnection: close\r\nContent-Length: ${body.length}\r\n`;
      const form = "Content-Type: application/x-www-form-urlencoded\r\n";
      const proxy = "X-Forwarded-For: 192.0.2.1, 192.0.2.7\r\n";
      const text = `${head}\r\n${fields}${form}${proxy}\r\n${body}`;
      return exchange(Number(new URL(server.url).port), text);
    };
    const login = await ask("POST /login HTTP/1.1", "username=demo&password=x");
    const [, cookie = ""] = /\r\nSet-Cookie: (session_id=[\w-]{43}); .*Max-Age=1200/.exec(login) ?? [];
    const page = await ask(`GET /sessions HTTP/1.1\r\nCookie: ${cookie}`);
    assert.match(page, /Ends <time [^>]*>in 10 minutes<\/time> if not used/);
    const second = await ask("POST /login HTTP/1.1", "username=demo&password=x");
    assert.match(second, /^HTTP\/1\.1 503 /);
    assert.equal(await server.stop(), 0);
    const { stdout } = server.output();
    assert.match(stdout, /"event":"login","address":"192\.0\.2\.7"/);
    assert.match(stdout, /"event":"fault",.*"address":"192\.0\.2\.7"/);
  });

  test("lets what is in flight finish when it stops, and waits for nothing else", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x", KEEP_ALIVE_TIMEOUT: "60" });
    const port = Number(new URL(server.url).port);
    const unusedIsClosed = once(connect(port, "127.0.0.1").resume(), "close");
    const socket = connect(port, "127.0.0.1");
    const body = "username=demo&password=x";
    const head = `POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n`;
    socket.write(`${head}Content-Type: application/x-www-form-urlencoded\r\n\r\n`);
    // A second connection tells that the first was read.
    await fetch(`${server.url}/heartbeat`);
    const stopping = performance.now();
    const stopped = server.stop();
    await once(server.process.stdout ?? socket, "data");
    await unusedIsClosed;
    socket.write(body);
    const [answer] = await once(socket.setEncoding("utf8"), "data");
    assert.match(String(answer), /^HTTP\/1.1 303 See Other\r\n/);
    assert.equal(await stopped, 0);
    assert.ok(performance.now() - stopping < 10_000, "before anything was cut off");
  });

  test("says with each reply that the connection ends, once it stops", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x" });
    const body = "username=demo&password=x";
    const type = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}`;
    const requests = [
      ["GET /heartbeat HTTP/1.1\r\nHost: localhost\r\n", "", "HTTP/1.1 200 OK"],
      [`POST /login HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n${type}\r\n`, body, "HTTP/1.1 303 See Other"],
      ["GET /login HTTP/1.1\r\nHost: localhost\r\nExpect: something-else\r\n", "", "HTTP/1.1 417 Expectation Failed"],
    ] as const;
    const port = Number(new URL(server.url).port);
    const sockets = await Promise.all(requests.map(() => openSocket(port)));
    requests.forEach(([head], index) => sockets[index]?.write(head));
    // Another connection tells that these were read.
    await fetch(`${server.url}/heartbeat`);
    const stopping = once(server.process.stdout ?? server.process, "data");
    const stopped = server.stop();
    await stopping;
    await Promise.all(sockets.map(async (socket, index) => {
      const [, body = "", status = ""] = requests[index] ?? [];
      socket.write(`\r\n${body}`);
      const answer = await readToEnd(socket);
      assert.ok(answer.includes(`${status}\r\n`), answer);
      assert.match(answer, /\r\nConnection: close\r\n/);
      socket.destroy();
    }));
    assert.equal(await stopped, 0);
  });

  test("answers what was on its way to it over an idle connection when it stops", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x" });
    const socket = await openSocket(Number(new URL(server.url).port));
    const request = "GET /heartbeat HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write(request);
    await once(socket, "data");
    const stopping = once(server.process.stdout ?? server.process, "data");
    const stopped = server.stop();
    await stopping;
    socket.write(request);
    assert.match(await readToEnd(socket), /^HTTP\/1.1 200 OK\r\n[^]*\r\nConnection: close\r\n/);
    assert.equal(await stopped, 0);
  });

  test("lets a client that reads slowly have its whole answer when it stops", async () => {
    const store = `const text = "x".repeat(20_000_000);
const data = new Map([["username", "demo"], ["browser", text]]);
const record = { owner: "demo", data, createdAt: Date.now(), lastSeenAt: Date.now(), expiresAt: 1e15 };
export default { create: () => true, read: () => record, update: () => true, delete: () => true,
  listByOwner: () => [{ key: "key", ...record }], deleteByOwner: () => 0 };`;
    writeFileSync(join(directory, "large.mjs"), store);
    const server = await runServer({ SCRYPT, SESSION_STORE: "./large.mjs" }, directory);
    const port = Number(new URL(server.url).port);
    const unusedIsClosed = once(connect(port, "127.0.0.1").resume(), "close");
    const socket = await openSocket(port);
    const cookie = `session_id=${"A".repeat(43)}`;
    socket.write(`GET /sessions HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`);
    await once(socket, "readable");
    const stopped = server.stop();
    // So what is idle has been closed.
    await unusedIsClosed;
    const answer = await readToEnd(socket);
    assert.ok(answer.endsWith("</html>\n"), `it was cut off after ${answer.length} characters`);
    assert.equal(await stopped, 0);
  });

  test("cuts off what has not finished ten seconds later", { timeout: 60_000 }, async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x" });
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1").setEncoding("utf8");
    const head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n";
    socket.write(`${head}Content-Type: application/x-www-form-urlencoded\r\n\r\n`);
    // A second connection tells that the first was read.
    await fetch(`${server.url}/heartbeat`);
    let answer = "";
    socket.on("data", (text) => (answer += text)).on("error", () => {});
    const stopping = performance.now();
    assert.equal(await server.stop(), 0);
    assert.equal(answer, "");
    // Half a minute later a time-out of the connection would do it.
    const taken = performance.now() - stopping;
    assert.ok(taken > 9_900 && taken < 20_000, `${taken} ms`);
  });

  test("writes its log to the end when the reader is late", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x", ACCESS_LOG: "1" });
    server.process.stdout?.pause();
    const port = Number(new URL(server.url).port);
    const request = `GET /${"x".repeat(999)} HTTP/1.1\r\nHost: localhost\r\n`;
    await exchange(port, `${request}\r\n`.repeat(899) + `${request}Connection: close\r\n\r\n`);
    const stopped = server.stop();
    const isListening = () => openSocket(port).then((it) => Boolean(it.destroy()), () => false);
    while (await isListening());
    server.process.stdout?.resume();
    assert.equal(await stopped, 0);
    const lines = server.output().stdout.trim().split("\n");
    assert.equal(lines.length, 902);
    assert.match(lines.at(-1) ?? "", /"event":"stop"/);
  });

  for (const unread of ["stdout", "stderr"] as const) {
    test(`goes on when nobody reads its ${unread} any more`, async () => {
      const store = `const write = () => void process.stderr.write("a store's own words");
export default { create: write, read: write, update: write, delete: write,
  listByOwner: write, deleteByOwner: write };`;
      writeFileSync(join(directory, "talking.mjs"), store);
      const settings = { SCRYPT, ACCESS_LOG: "1", SESSION_STORE: "./talking.mjs" };
      const server = await runServer(settings, directory);
      server.process[unread]?.destroy();
      const headers = { cookie: `session_id=${"A".repeat(43)}` };
      for (let request = 0; request < 3; request += 1) {
        assert.equal((await fetch(`${server.url}/profile`, { headers })).status, 401);
      }
      assert.equal(await server.stop(), 0);
    });
  }

  test("logs a fault without showing it to the visitor", async () => {
    const store = `const down = () => { throw new Error("disk on fire") };
export default { create: down, read: down, update: down, delete: down,
  listByOwner: down, deleteByOwner: down };`;
    writeFileSync(join(directory, "down.mjs"), store);
    const server = await runServer({ SCRYPT, SESSION_STORE: "./down.mjs" }, directory);
    const headers = { cookie: `session_id=${"A".repeat(43)}` };
    const response = await fetch(server.url, { headers, redirect: "manual" });
    assert.equal(response.status, 503);
    assert.equal((await response.text()).includes("fire"), false);
    assert.equal((await fetch(`${server.url}/heartbeat`, { headers })).status, 200);
    await server.stop();
    const told = /"level":"error","event":"fault","method":"GET".*disk on fire/;
    assert.match(server.output().stdout, told);
  });

  test("goes on when the demo account's password could not be hashed", async () => {
    const failing = `import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
crypto.scrypt = (...args) => args.at(-1)(new Error("out of memory"));
syncBuiltinESMExports();`;
    const preload = `data:text/javascript,${encodeURIComponent(failing)}`;
    const program = ["--import", preload, ...sourceArguments("src/server.ts")];
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x" }, undefined, program);
    assert.equal((await logIn(server.url, "demo", "x")).status, 500);
    assert.equal((await fetch(`${server.url}/heartbeat`)).status, 200);
    assert.equal(await server.stop(), 0);
    assert.match(server.output().stdout, /"event":"fault".*out of memory/);
  });

  test("removes a corrupt record once, and says so", async () => {
    const store = `let broken = true;
export default async () => ({
  create: () => true, read: () => (broken ? { owner: 1 } : undefined), update: () => false,
  delete: () => { broken = false; return true; }, listByOwner: () => [],
  deleteByOwner: () => 0 });`;
    writeFileSync(join(directory, "corrupt.mjs"), store);
    const server = await runServer({ SCRYPT, SESSION_STORE: "corrupt.mjs" }, directory);
    const headers = { cookie: `session_id=${"A".repeat(43)}` };
    for (let request = 0; request < 2; request += 1) {
      assert.equal((await fetch(`${server.url}/profile`, { headers })).status, 401);
    }
    await server.stop();
    const told = /"level":"error","event":"session-end","reason":"corrupt","session":"[\w-]{22}"\}$/gm;
    assert.equal(server.output().stdout.match(told)?.length, 1);
  });

  test("says which session ended, and why; a persistent cookie has an end of its own", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x", COOKIE_PERSISTENT: "1" });
    const response = await logIn(server.url, "demo", "x");
    assert.match(response.headers.getSetCookie()[0] ?? "", /; Max-Age=28800/);
    const headers = { cookie: cookieOf(response) };
    await fetch(`${server.url}/logout`, { headers, redirect: "manual" });
    await server.stop();
    assert.match(server.output().stdout, /"event":"session-end","reason":"logout","session":"[\w-]{22}"\}$/m);
  });

  test("says which session the store ended by itself", async () => {
    const server = await runServer({ SCRYPT, DEMO_PASSWORD: "x" });
    for (let login = 0; login < 21; login += 1) await logIn(server.url, "demo", "x");
    await server.stop();
    const told = /"info","event":"session-end","reason":"replaced","session":"[\w-]{22}"\}$/gm;
    assert.equal(server.output().stdout.match(told)?.length, 1);
  });

  test("forgets a connection that has closed", async () => {
    // Any id opens a session here: of a user named by how many connections the process holds.
    const store = `import { Socket } from "node:net";
import { queryObjects } from "node:v8";
const read = () => ({ owner: "ada", data: new Map([["username", String(queryObjects(Socket))]]),
  createdAt: Date.now(), lastSeenAt: Date.now(), expiresAt: Date.now() + 60_000 });
const never = () => false;
export default { create: never, read, update: never, delete: never,
  listByOwner: never, deleteByOwner: never };`;
    writeFileSync(join(directory, "counting.mjs"), store);
    const server = await runServer({ SCRYPT, SESSION_STORE: "./counting.mjs" }, directory);
    const headers = { cookie: `session_id=${"A".repeat(43)}` };
    const count = async (): Promise<number> => {
      const profile = await fetch(`${server.url}/profile`, { headers });
      return Number(JSON.parse(await profile.text()).username);
    };
    const before = await count();
    const port = Number(new URL(server.url).port);
    for (let visits = 0; visits < 50; visits += 1) {
      await once(connect(port, "127.0.0.1").resume().end(), "close");
    }
    let held = await count();
    for (let looks = 0; looks < 50 && held > before + 10; looks += 1) held = await count();
    assert.ok(before > 0 && held <= before + 10, `${before}, then ${held}`);
    await server.stop();
  });
});

// A login that costs other than its SCRYPT would tell, by its time, which names somebody has.
if (existsSync("/proc/self/status")) {
  for (const [whose, name] of [["somebody", "ada"], ["nobody", "eve"]] as const) {
    test(`a password of ${whose} is checked at the cost of SCRYPT`, async () => {
      const peak = async (parameters: ScryptParameters): Promise<number> => {
        // Nothing else is hashed in the server: no demo account.
        const USERS = `ada:${await hashPassword("x", { parameters })}`;
        const server = await runServer({ SCRYPT: parameters, USERS });
        assert.equal((await logIn(server.url, name, "wrong")).status, 401);
        const status = readFileSync(`/proc/${server.process.pid}/status`, "utf8");
        await server.stop();
        return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
      };
      // scrypt takes 128 bytes times N times r: 128 MiB, and 16.
      const difference = await peak("ln=17,r=8,p=1") - await peak("ln=14,r=8,p=5");
      assert.ok(difference > 64 * 1024, `${difference} KiB`);
    });
  }
}

describe("the server refuses to start, in one line and with exit code 1,", concurrency, () => {
  const busy = createServer().listen(0, "127.0.0.1");
  after(() => busy.close());

  test("on a busy port", async () => {
    const { port } = busy.address() as AddressInfo;
    const { code, stderr } = await runToEnd({ PORT: String(port) });
    const line = `Cannot listen: listen EADDRINUSE: address already in use 127.0.0.1:${port}; set HOST or PORT\n`;
    assert.deepEqual({ code, stderr }, { code: 1, stderr: line });
  });

  test("with settings that make no sense, a line for each", async () => {
    const { code, stderr } = await runToEnd({ PORT: "x", ACCESS_LOG: "x" });
    assert.equal(code, 1);
    assert.equal(stderr, "Cannot use PORT: write a whole number from 0 to 65535\nCannot use ACCESS_LOG: write 1 or 0\n");
  });

  test("with an argument that it does not know", async () => {
    const { code, stderr } = await runToEnd({}, ["--port=1"]);
    assert.deepEqual({ code, stderr }, { code: 1, stderr: "Cannot use --port=1: see --help\n" });
  });

  test("with a session store that is not there", async () => {
    const { code, stderr } = await runToEnd({ SESSION_STORE: "./none.mjs" }, [], directory);
    assert.equal(code, 1);
    assert.match(stderr, /^Cannot load SESSION_STORE \.\/none\.mjs: Cannot find module .*\n$/);
  });
});

test("--help to a reader that has left is no failure", async () => {
  const { code, stderr } = await runToEnd({}, ["--help"], undefined, false);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("--help prints every variable, and exits with 0", async () => {
  const { code, stdout, stderr } = await runToEnd({}, ["--help"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /^ {2}SESSION_STORE {12}Module with a session store/m);
});

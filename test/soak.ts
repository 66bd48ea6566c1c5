// A server under full load for as long as it is told: npm run soak -- --minutes 10
//
// Visitors log in, read, log out, leave sessions to expire and break connections off. Each knows what
// every answer must be. Afterwards the server must be as it was: no session, no descriptor, no memory.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loginRoutes } from "../src/login/app.ts";
import { renderError } from "../src/login/error-page.ts";
import { PasswordChecker } from "../src/login/password-checker.ts";
import { LoginThrottle } from "../src/login/throttle.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { cheapScrypt } from "./fake-scrypt.ts";
import { openSocket } from "./raw-client.ts";
import { seededRandom, seedFromEnvironment } from "./seeded-random.ts";
import { hashCheaply, password, startServer } from "./test-server.ts";

const second = 1000;
// Short ones, so that sessions expire all the time.
const idleTimeout = 3 * second;
const absoluteTimeout = 10 * second;
// What compiled code and garbage collection may add. In a minute there are some 500,000 requests: one
// that left 6 bytes would be seen.
const heapLimit = 3_000_000;

interface Measure {
  readonly heap: number;
  readonly descriptors: number;
  readonly sessions: number;
  readonly faults: readonly string[];
}

if (process.send !== undefined) await serve();
else await soak();

/** The server's process: answers each message with what it holds. */
async function serve(): Promise<void> {
  const faults: string[] = [];
  const passwordHash = await hashCheaply();
  const store = new MemoryStore({
    // A whole sweep in 3 seconds instead of a minute.
    schedule: (callback, delay) => void setTimeout(callback, delay / 20).unref(),
  });
  const parts = {
    users: { findHash: () => passwordHash },
    passwords: new PasswordChecker({ scrypt: cheapScrypt, maxQueued: 1000 }),
    // Its minutes are milliseconds: it works, and is never in the way for long.
    throttle: new LoginThrottle({ clock: () => performance.now() * 60_000 }),
    log: () => {},
    clock: Date.now,
  };
  const ending = { after() {} };
  const { port, server } = await startServer(
    ending,
    (sessions) => loginRoutes({ ...parts, sessions }),
    { store, idleTimeout, absoluteTimeout, renderError, onFault: (error) => faults.push(`${error}`) },
  );
  process.on("uncaughtException", (error) => faults.push(`uncaught ${error.stack}`));
  process.on("message", async () => {
    while ((await connectionsOf(server)) > 0) await wait(20);
    for (let round = 0; round < 4; round++) {
      globalThis.gc?.();
      await wait(20);
    }
    const descriptors = readdirSync("/proc/self/fd").length;
    const { heapUsed, external } = process.memoryUsage();
    process.send?.({ heap: heapUsed + external, descriptors, sessions: store.size, faults });
  });
  process.send?.(port);
}

function connectionsOf(server: { getConnections(done: (e: unknown, n: number) => void): unknown }) {
  return new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
}

/** A session as its visitor knows it, in milliseconds of the visitor's clock. */
interface KnownSession {
  readonly cookie: string;
  readonly startedAfter: number;
  readonly startedBefore: number;
  usedAfter: number;
  usedBefore: number;
}

async function soak(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: "string" } } });
  const minutes = Number(values.minutes ?? 1);
  if (!(minutes > 0)) {
    console.error("Cannot soak: write --minutes as a number above 0");
    process.exit(2);
  }
  const seed = seedFromEnvironment();
  console.log(`seed ${seed}`);
  const execArgv = ["--import", import.meta.resolve("tsx"), "--expose-gc"];
  const child = fork(fileURLToPath(import.meta.url), { execArgv });
  const [port] = await once(child, "message");
  child.on("exit", (code) => fail(`the server ended with ${code}`));

  let agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const counts = new Map<string, number>();
  function count(what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }

  async function ask(method: string, path: string, cookie: string, body = "") {
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const headers = { cookie, ...(method === "POST" ? type : {}) };
    const asking = request({ agent, port, host: "127.0.0.1", method, path, headers });
    asking.end(body);
    const [response] = await once(asking, "response");
    let text = "";
    for await (const part of response.setEncoding("utf8")) text += part;
    count("requests");
    if (response.statusCode >= 500) fail(`${method} ${path} was answered ${response.statusCode}: ${text}`);
    const [setCookie = ""] = response.headers["set-cookie"] ?? [];
    return { status: Number(response.statusCode), text, cookie: String(setCookie).split(";", 1)[0] ?? "" };
  }

  async function visit(name: string, number: number, until: number): Promise<readonly string[]> {
    const random = seededRandom(seed + number);
    const live: KnownSession[] = [];
    const abandoned: KnownSession[] = [];
    // Some end no session of theirs: only the absolute time-out does.
    const keeps = number < 2;
    const dead: string[] = [];

    async function logIn(): Promise<void> {
      const startedAfter = Date.now();
      const form = new URLSearchParams({ username: name, password });
      const { status, cookie } = await ask("POST", "/login", "", `${form}`);
      if (status !== 303 || cookie === "") fail(`a right password was answered ${status}`);
      const now = Date.now();
      live.push({ cookie, startedAfter, startedBefore: now, usedAfter: startedAfter, usedBefore: now });
      count("logins");
    }

    async function read(session: KnownSession): Promise<void> {
      const asked = Date.now();
      const { status, text } = await ask("GET", random.pick(["/profile", "/"]), session.cookie);
      const now = Date.now();
      const isLetIn = status === 200;
      if (isLetIn && !text.includes(name)) fail(`${name} was shown what is not theirs: ${text}`);
      // A use is written once in a tenth of the idle time-out.
      const mustLive = now - session.usedAfter < 0.9 * idleTimeout - 50 && now - session.startedAfter < absoluteTimeout;
      const mustBeDead = asked - session.usedBefore > idleTimeout || asked - session.startedBefore > absoluteTimeout;
      if (mustLive && !isLetIn) fail(`a session of ${name} was lost: ${status}`);
      if (mustBeDead && isLetIn) fail(`a session of ${name} lives that has expired`);
      if (isLetIn) {
        session.usedAfter = asked;
        session.usedBefore = now;
      } else {
        count("expiries");
        if (live.includes(session)) live.splice(live.indexOf(session), 1);
        dead.push(session.cookie);
      }
    }

    async function end(session: KnownSession, path: string): Promise<void> {
      const mayBeDead = Date.now() - session.usedAfter > 0.8 * idleTimeout;
      const { status } = await ask("POST", path, session.cookie);
      if (status !== 303) fail(`${path} was answered ${status}`);
      count("logouts");
      // Sent to the login page, as a stranger: then the others were not ended.
      const ended = path === "/logout" || mayBeDead ? [session] : [...live, ...abandoned.splice(0)];
      if (path === "/logout" || !mayBeDead) dead.push(...ended.map(({ cookie }) => cookie));
      for (const each of ended) if (live.includes(each)) live.splice(live.indexOf(each), 1);
    }

    while (Date.now() < until) {
      const session = live[random.below(Math.max(live.length, 1))];
      const choice = random.below(100);
      const [oldest] = abandoned;
      if (oldest !== undefined && Date.now() - oldest.usedBefore > idleTimeout) {
        await read(oldest);
        abandoned.shift();
      } else if (session === undefined || (choice < 5 && !keeps)) await logIn();
      else if (choice < 85 || (keeps && choice < 95)) await read(session);
      else if (choice < 91 || live.length > 8) await end(session, "/logout");
      // Seldom: it ends also those that were left to expire.
      else if (choice < 92 && random.below(50) === 0) await end(session, "/sessions/end-all");
      else if (choice < 93) await ask("POST", "/login", "", `username=${name}&password=wrong`);
      // Left alone: it expires, and is asked for when it must be dead. An owner may have 20 sessions.
      else if (choice < 95) abandoned.push(...(abandoned.length < 10 ? live.splice(0, 1) : []));
      else if (choice < 98) {
        await breakOff(session.cookie, random.below(3));
        // Whether and when the server took it for a use, nobody was told.
        session.usedBefore = Date.now() + second;
      }
      else await expectDead(dead.slice(-50)[random.below(50)]);
      dead.splice(0, dead.length - 500);
    }
    for (const session of [...live]) await read(session);
    return [...dead, ...[...live, ...abandoned].map(({ cookie }) => cookie)];
  }

  async function breakOff(cookie: string, how: number): Promise<void> {
    const socket = await openSocket(port);
    socket.on("error", () => {});
    const closed = once(socket, "close").catch(() => {});
    const length = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 40\r\n";
    const texts = [
      `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n\r\n`,
      `GET / HTTP/1.1\r\nHo`,
      `POST /login HTTP/1.1\r\nHost: x\r\n${length}\r\nusername=leaver&pass`,
    ];
    socket.write(texts[how] ?? "");
    socket.destroy();
    await closed;
    count("broken off");
  }

  async function expectDead(cookie: string | undefined): Promise<void> {
    if (cookie === undefined) return;
    const { status } = await ask("GET", "/profile", cookie);
    if (status !== 401) fail(`a session that had ended was answered ${status}`);
    count("dead ones tried");
  }

  /** Load until then, and until all has expired; then what the server still holds. */
  async function load(until: number): Promise<Measure> {
    const names = Array.from({ length: 16 }, (_, index) => `visitor-${index}-`);
    const left = await Promise.all(names.map((name, index) => visit(name, index, until)));
    await wait(idleTimeout + 100);
    for (const cookie of left.flat()) await expectDead(cookie);
    agent.destroy();
    agent = new Agent({ keepAlive: true, maxSockets: 32 });
    // Two sweeps.
    await wait(7 * second);
    child.send("measure");
    const [measure] = await once(child, "message");
    return measure;
  }

  const warm = await load(Date.now() + 10 * second);
  console.log(`warm: ${tell(warm)}`);
  const start = Date.now();
  const telling = setInterval(() => {
    const told = [...counts].map(([what, number]) => `${number} ${what}`).join(", ");
    console.log(`${Math.round((Date.now() - start) / second)} s: ${told}`);
  }, 10 * second);
  const after = await load(start + minutes * 60 * second);
  clearInterval(telling);
  console.log(`after: ${tell(after)}`);
  if (after.faults.length > 0) fail(`the server had faults: ${after.faults.slice(0, 5).join("\n")}`);
  if (after.sessions > 0) fail(`${after.sessions} sessions are left`);
  if (after.descriptors > warm.descriptors) fail("file descriptors are left");
  if (after.heap > warm.heap + heapLimit) fail(`${after.heap - warm.heap} bytes are left`);
  child.removeAllListeners("exit").kill();
  console.log("Nothing was lost, and nothing is left.");
}

function tell({ heap, descriptors, sessions }: Measure): string {
  return `${(heap / 1e6).toFixed(2)} MB, ${descriptors} descriptors, ${sessions} sessions`;
}

function fail(what: string): never {
  console.error(`FAILED: ${what}`);
  process.exit(1);
}

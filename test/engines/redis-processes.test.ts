// Three servers behind one Redis, over real HTTP: what one does, all see; and what faults lose.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hashPassword } from "../../src/login/password.ts";
import { networkTo } from "./network.ts";
import { freePort, startRedis } from "./redis-server.ts";
import { runProcess } from "./run-process.ts";
import type { RunningProcess } from "./run-process.ts";

const password = "open-sesame";
const hash = await hashPassword(password, { parameters: "ln=14,r=8,p=5" });
const names = ["ada", "bob", "cyd", "dot", "eve", "fay"];

const redis = await startRedis("--appendonly", "yes", "--appendfsync", "always");
const network = await networkTo(redis.port);
const environment = {
  SESSION_STORE: fileURLToPath(new URL("redis-sessions.mjs", import.meta.url)),
  REDIS_URL: `redis://127.0.0.1:${network.port}`,
  SCRYPT: "ln=14,r=8,p=5",
  USERS: names.map((name) => `${name}:${hash}`).join(" "),
  COOKIE_SECURE: "0",
};
const started: RunningProcess[] = [];
async function start(program = "../../dist/server.js"): Promise<RunningProcess> {
  const server = await runProcess(program, environment);
  started.push(server);
  return server;
}
const [one, two, three] = await Promise.all([start(), start(), start()]);
after(async () => {
  for (const server of started) await server.kill();
  await network.stop();
  await redis.stop();
});

async function ask(server: RunningProcess, method: string, path: string, cookie = "", body = "") {
  const response = await fetch(server.url + path, {
    method,
    redirect: "manual",
    headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
    ...(method === "POST" ? { body } : {}),
  });
  const text = await response.text();
  const [given] = response.headers.getSetCookie();
  return { status: response.status, text, cookie: given?.split(";")[0] };
}

const post = (server: RunningProcess, name: string) =>
  ask(server, "POST", "/login", "", `username=${name}&password=${password}`);

/** Logs in, and answers the cookie. */
async function logIn(server: RunningProcess): Promise<string> {
  const reply = await post(server, "ada");
  assert.equal(reply.status, 303, reply.text);
  return reply.cookie ?? "";
}

/** What each server says of a session: 200 or 401. */
async function statuses(cookie: string, servers = [one, two, three]): Promise<number[]> {
  const replies = servers.map((server) => ask(server, "GET", "/profile", cookie));
  return (await Promise.all(replies)).map((reply) => reply.status);
}

test("a server whose Redis is not there says so in one line, and does not start", async () => {
  const nowhere = { ...environment, REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
  const message = /^Cannot run \S+: Cannot load SESSION_STORE \S+: connect ECONNREFUSED \S+$/;
  await assert.rejects(runProcess("../../dist/server.js", nowhere), { message });
});

test("a session of one server is known to all, and dead for all at once", async () => {
  const cookie = await logIn(one);
  assert.deepEqual(await statuses(cookie), [200, 200, 200]);
  assert.equal((await ask(two, "POST", "/logout", cookie)).status, 303);
  assert.deepEqual(await statuses(cookie), [401, 401, 401]);
});

test("a server that is killed loses nothing; one that joins late knows everything", async () => {
  const fourth = await start();
  const cookie = await logIn(fourth);
  await fourth.kill();
  assert.deepEqual(await statuses(cookie), [200, 200, 200]);
  const late = await start();
  assert.deepEqual(await statuses(cookie, [late]), [200]);
  await late.kill();
});

test("log out everywhere ends every login that was answered before", async () => {
  const before = [await logIn(one), await logIn(two), await logIn(three)];
  const [ended, ...meanwhile] = await Promise.all([
    ask(one, "POST", "/sessions/end-all", before[0]),
    logIn(two),
    logIn(three),
  ]);
  assert.equal(ended.status, 303);
  for (const cookie of before) assert.deepEqual(await statuses(cookie), [401, 401, 401]);
  // A login that overlaps is ended for all, or lives for all.
  for (const cookie of meanwhile) assert.equal(new Set(await statuses(cookie)).size, 1);
});

test("three servers that write to one session at once keep each other's keys", async () => {
  const run = () => start("key-server.ts");
  const servers = await Promise.all([run(), run(), run()]);
  const [first] = servers;
  const { cookie } = await ask(first, "POST", "/keys/first");
  const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`);
  const write = (key: string, index: number) =>
    ask(servers[index % 3] ?? first, "POST", `/keys/${key}`, cookie);
  const read = (key: string) => ask(first, "GET", `/keys/${key}`, cookie);
  for (const { status } of await Promise.all(keys.map(write))) assert.equal(status, 200);
  const kept = await Promise.all(["first", ...keys].map(read));
  assert.deepEqual(new Set(kept.map((reply) => reply.text)), new Set(['"kept"']));
});

/** What is still answered while Redis does not answer. */
async function assertFaults(cookie: string): Promise<void> {
  const began = performance.now();
  const replies = await Promise.all([
    ask(one, "GET", "/profile", cookie),
    ask(two, "POST", "/logout", cookie),
    post(three, "ada"),
  ]);
  assert.equal(performance.now() - began < 5000, true);
  for (const reply of replies) assert.deepEqual([reply.status, reply.cookie], [503, undefined]);
  assert.equal((await ask(one, "GET", "/heartbeat", cookie)).status, 200);
  assert.equal((await ask(one, "GET", "/login")).status, 200);
}

/** Asks until all servers have found their Redis again. */
async function untilBack(cookie: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await statuses(cookie)).every((status) => status !== 503)) return;
    await setTimeout(100);
  }
  assert.fail("the service did not come back");
}

const faults = {
  killed: { begin: () => redis.kill("SIGKILL"), end: () => redis.restart() },
  frozen: { begin: () => redis.kill("SIGSTOP"), end: () => redis.kill("SIGCONT") },
  "cut off": { begin: network.cut, end: network.mend },
};

test("Redis killed: 503 and no cookie is touched; back with its file, it goes on", async () => {
  const cookie = await logIn(one);
  await faults.killed.begin();
  await assertFaults(cookie);
  await faults.killed.end();
  await untilBack(cookie);
  assert.deepEqual(await statuses(cookie), [200, 200, 200]);
});

for (const fault of ["frozen", "cut off"] as const) {
  test(`Redis ${fault}: 503 and no cookie is touched; back, it goes on`, async () => {
    const [cookie, other] = [await logIn(one), await logIn(two)];
    await faults[fault].begin();
    await assertFaults(cookie);
    await faults[fault].end();
    await untilBack(other);
    assert.deepEqual(await statuses(other), [200, 200, 200]);
    // The log-out that was answered 503 may have been carried out since: by all, or by none.
    assert.equal(new Set(await statuses(cookie)).size, 1);
  });
}

/** Visitors who know what each answer must be, and note what is wrong. */
class Traffic {
  readonly servers: RunningProcess[];
  /** Requests that were answered, and those that met a fault. */
  answered = 0;
  faults = 0;
  isOver = false;
  readonly live = new Set<string>();
  readonly ended = new Set<string>();
  readonly wrong: string[] = [];

  constructor(servers: readonly RunningProcess[]) {
    this.servers = [...servers];
  }

  async visit(name: string): Promise<void> {
    const mine: string[] = [];
    for (let round = 0; !this.isOver; round++) {
      // A login is the most work.
      const isDue = round % 3 === 0;
      const login = isDue ? await this.#seek(round, (server) => post(server, name)) : undefined;
      if (login?.cookie !== undefined) {
        mine.push(login.cookie);
        this.live.add(login.cookie);
      } else if (login !== undefined) this.wrong.push(`${login.status} in place of a login`);
      for (const cookie of mine.slice(-3)) await this.#check(round + 1, cookie);
      const cookie = mine[mine.length - 3];
      // Without an answer nobody knows what became of it: it is in neither set.
      if (cookie === undefined || !this.live.delete(cookie)) continue;
      const logout = await this.#seek(round + 2, (server) => ask(server, "POST", "/logout", cookie));
      if (logout !== undefined) this.ended.add(cookie);
    }
  }

  /** Waits until so many more were answered, and so many more met a fault. */
  async until(answered: number, faults: number): Promise<void> {
    const [first, second] = [this.answered + answered, this.faults + faults];
    while (this.answered < first || this.faults < second) await setTimeout(20);
  }

  async #check(round: number, cookie: string): Promise<void> {
    if (!this.live.has(cookie) && !this.ended.has(cookie)) return;
    const expected = this.live.has(cookie) ? 200 : 401;
    const reply = await this.#seek(round, (server) => ask(server, "GET", "/profile", cookie));
    if (reply === undefined || reply.status === expected) return;
    this.wrong.push(`${reply.status} in place of ${expected}`);
  }

  /** The answer of one of the servers; undefined when it met a fault. */
  async #seek(round: number, question: (server: RunningProcess) => ReturnType<typeof ask>) {
    const server = this.servers[round % this.servers.length] ?? one;
    const reply = await question(server).catch(() => undefined);
    if (reply === undefined || reply.status === 503) {
      this.faults += 1;
      return undefined;
    }
    this.answered += 1;
    return reply;
  }
}

test("under traffic, with Redis and servers failing, nothing that was answered is lost", async (t) => {
  const traffic = new Traffic([await start(), await start(), await start()]);
  const visits = names.map((name) => traffic.visit(name));
  t.after(() => (traffic.isOver = true));
  for (const { begin, end } of Object.values(faults)) {
    await traffic.until(40, 0);
    await begin();
    await traffic.until(0, 6);
    await end();
    await traffic.servers.shift()?.kill();
    await untilBack("");
    traffic.servers.push(await start());
  }
  await traffic.until(40, 0);
  traffic.isOver = true;
  await Promise.all(visits);

  const { live, ended, wrong, servers } = traffic;
  for (const cookie of live) assert.deepEqual(await statuses(cookie, servers), [200, 200, 200]);
  for (const cookie of ended) assert.deepEqual(await statuses(cookie, servers), [401, 401, 401]);
  t.diagnostic(`tried: Redis ${Object.keys(faults).join(", ")}; each time a server killed`);
  t.diagnostic(`${traffic.answered} requests answered, ${traffic.faults} met a fault`);
  t.diagnostic(`at the end ${live.size} sessions alive for all, ${ended.size} dead for all`);
  t.diagnostic(`lost: ${wrong.length === 0 ? "nothing" : wrong.join("; ")}`);
  assert.deepEqual(wrong, []);
});

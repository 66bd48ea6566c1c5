// Three servers behind one Redis, over real HTTP: what one does, all see; and what faults lose.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runServer } from "../run-server.ts";
import { startRedis } from "./redis-server.ts";

const redis = await startRedis("--appendonly", "yes", "--appendfsync", "always");
const password = "open-sesame";
const start = () =>
  runServer({
    SESSION_STORE: fileURLToPath(new URL("redis-sessions.mjs", import.meta.url)),
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    SCRYPT: "ln=14,r=8,p=5",
    DEMO_PASSWORD: password,
  });
const [one, two, three] = await Promise.all([start(), start(), start()]);
after(async () => {
  await Promise.all([one, two, three].map((server) => server.stop("SIGKILL")));
  await redis.stop();
});

async function ask(server: { url: string }, method: string, path: string, cookie = "", body = "") {
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

/** Logs in, and answers the cookie. */
async function logIn(server: { url: string }): Promise<string> {
  const reply = await ask(server, "POST", "/login", "", `username=demo&password=${password}`);
  assert.equal(reply.status, 303, reply.text);
  return reply.cookie ?? "";
}

/** What each server says of a session: 200 or 401. */
async function statuses(cookie: string, servers = [one, two, three]): Promise<number[]> {
  const replies = servers.map((server) => ask(server, "GET", "/profile", cookie));
  return (await Promise.all(replies)).map((reply) => reply.status);
}

test("a session of one server is known to all, and dead for all at once", async () => {
  const cookie = await logIn(one);
  assert.deepEqual(await statuses(cookie), [200, 200, 200]);
  assert.equal((await ask(two, "POST", "/logout", cookie)).status, 303);
  assert.deepEqual(await statuses(cookie), [401, 401, 401]);
});

test("a server that is killed loses nothing; one that joins late knows everything", async () => {
  const fourth = await start();
  const cookie = await logIn(fourth);
  await fourth.stop("SIGKILL");
  assert.deepEqual(await statuses(cookie), [200, 200, 200]);
  const late = await start();
  assert.deepEqual(await statuses(cookie, [late]), [200]);
  await late.stop();
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

/** Asks until the session is there again: a client needs a moment to find its server. */
async function untilBack(cookie: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if ((await statuses(cookie)).every((status) => status === 200)) return;
  }
  assert.fail("the sessions did not come back");
}

/** What is still answered while Redis does not answer. */
async function assertFaults(cookie: string): Promise<void> {
  const began = performance.now();
  const replies = await Promise.all([
    ask(one, "GET", "/profile", cookie),
    ask(two, "POST", "/logout", cookie),
    ask(three, "POST", "/login", "", `username=demo&password=${password}`),
  ]);
  assert.ok(performance.now() - began < 5000);
  for (const reply of replies) assert.deepEqual([reply.status, reply.cookie], [503, undefined]);
  assert.equal((await ask(one, "GET", "/heartbeat", cookie)).status, 200);
  assert.equal((await ask(one, "GET", "/login")).status, 200);
}

test("Redis killed: 503 and no cookie is touched; back with its file, it goes on", async () => {
  const cookie = await logIn(one);
  await redis.kill("SIGKILL");
  await assertFaults(cookie);
  await redis.restart();
  await untilBack(cookie);
});

test("Redis frozen: 503 and no cookie is touched; thawed, it goes on", async () => {
  const cookie = await logIn(one);
  await redis.kill("SIGSTOP");
  await assertFaults(cookie);
  await redis.kill("SIGCONT");
  // The log-out that was answered 503 may have been carried out since.
  const again = await logIn(two);
  await untilBack(again);
});

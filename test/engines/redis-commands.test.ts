// What a request costs in Redis commands, as a real redis-server counts them behind a real server.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runServer } from "../run-server.ts";
import { clients, startRedis } from "./redis-server.ts";

const redis = await startRedis();
const { send, close } = await clients.ioredis(redis.port);
const password = "open-sesame";
const server = await runServer({
  SESSION_STORE: fileURLToPath(new URL("redis-sessions.mjs", import.meta.url)),
  REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  SCRYPT: "ln=14,r=8,p=5",
  DEMO_PASSWORD: password,
});
after(async () => {
  await server.stop();
  close();
  await redis.stop();
});

/** Sends a request, and answers its status and how many commands Redis was sent for it. */
async function ask(method: string, path: string, cookie = "", body?: string) {
  await send("CONFIG", "RESETSTAT");
  const response = await fetch(server.url + path, {
    method,
    redirect: "manual",
    headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
    ...(body === undefined ? {} : { body }),
  });
  await response.text();
  const statistics = String(await send("INFO", "commandstats"));
  const others = [...statistics.matchAll(/cmdstat_(\w+):/g)].map(([, name]) => name);
  // What scripts call is counted under its own name as well.
  for (const scan of ["keys", "scan", "hscan", "zscan"]) assert.equal(others.includes(scan), false);
  const commands = Number(/cmdstat_eval:calls=(\d+)/.exec(statistics)?.[1] ?? 0);
  const [given = ""] = response.headers.getSetCookie();
  return { status: response.status, commands, cookie: given.split(";")[0] ?? "" };
}

const credentials = `username=demo&password=${password}`;

test("a request costs a fixed number of commands, and no more with more sessions", async () => {
  const costs = async (round: number) => {
    const logIn = await ask("POST", "/login", "", credentials);
    assert.equal(logIn.status, 303);
    const { cookie } = logIn;
    const again = await ask("POST", "/login", cookie, credentials);
    const rows = {
      "GET /heartbeat": await ask("GET", "/heartbeat", again.cookie),
      "GET /login": await ask("GET", "/login"),
      "GET / without a session": await ask("GET", "/"),
      "GET / with a session": await ask("GET", "/", again.cookie),
      "GET /profile": await ask("GET", "/profile", again.cookie),
      "GET /profile with a session that ended": await ask("GET", "/profile", cookie),
      "POST /logout": await ask("POST", "/logout", again.cookie),
      "POST /logout once more": await ask("POST", "/logout", again.cookie),
    };
    // One session stays in each round: the list grows, the costs do not.
    await ask("POST", "/login", "", credentials);
    assert.equal(rows["GET /profile"].status, 200, `round ${round}`);
    const all = { "log in": logIn, "log in again": again, ...rows };
    return Object.fromEntries(Object.entries(all).map(([name, row]) => [name, row.commands]));
  };
  const expected = {
    "log in": 2,
    "log in again": 4,
    "GET /heartbeat": 0,
    "GET /login": 0,
    "GET / without a session": 0,
    "GET / with a session": 1,
    "GET /profile": 1,
    "GET /profile with a session that ended": 1,
    "POST /logout": 3,
    "POST /logout once more": 2,
  };
  for (const round of [1, 2, 3]) assert.deepEqual(await costs(round), expected);
});

test("a session in use is written once, and then not again for a while", async () => {
  const { cookie } = await ask("POST", "/login", "", credentials);
  // As if five minutes had passed; and as if it were no later hour than before, whatever the time.
  for (const key of Object.values(Object(await send("KEYS", "plinth:session:*"))).map(String)) {
    await send("HINCRBY", key, "lastSeenAt", "-300000");
    await send("HINCRBY", key, "expiresAt", "7200000");
  }
  const costs = [];
  for (let visit = 0; visit < 4; visit++) costs.push((await ask("GET", "/", cookie)).commands);
  assert.deepEqual(costs, [2, 1, 1, 1]);
});

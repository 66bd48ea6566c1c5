// A server on an SQLite file, over real HTTP: what was answered outlives the server.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runServer } from "../run-server.ts";

const directory = await mkdtemp(join(tmpdir(), "plinth-sqlite-"));
after(() => rm(directory, { recursive: true }));
const body = "username=demo&password=open-sesame";
const headers = { "content-type": "application/x-www-form-urlencoded" };
const start = () =>
  runServer({
    SESSION_STORE: fileURLToPath(new URL("sqlite-sessions.mjs", import.meta.url)),
    SESSION_FILE: join(directory, "sessions.db"),
    SCRYPT: "ln=14,r=8,p=5",
    DEMO_PASSWORD: "open-sesame",
  });

test("a login outlives kill -9, and so does a log-out", async () => {
  const first = await start();
  const post = { method: "POST", redirect: "manual" } as const;
  const reply = await fetch(`${first.url}/login`, { ...post, headers, body });
  const cookie = reply.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  await first.stop("SIGKILL");

  const second = await start();
  const profile = async (url: string) => fetch(`${url}/profile`, { headers: { cookie } });
  assert.equal((await profile(second.url)).status, 200);
  const loggedOut = await fetch(`${second.url}/logout`, { ...post, headers: { cookie } });
  assert.equal(loggedOut.status, 303);
  await second.stop("SIGKILL");

  const third = await start();
  assert.equal((await profile(third.url)).status, 401);
  assert.equal(await third.stop(), 0);
});

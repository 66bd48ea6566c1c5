// A whole run of the main program, in which all happens that is logged, but for a full queue and a
// renewal that fails: and no secret is.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hashPassword } from "../src/login/password.ts";
import { read, sourceFiles } from "./docs.ts";
import { runServer } from "./run-server.ts";
import { Visitor } from "./test-server.ts";
import type { Answer } from "./test-server.ts";

const directory = mkdtempSync(join(tmpdir(), "plinth-"));
after(() => rmSync(directory, { recursive: true }));

// A store that fails when all of somebody's sessions are to be ended, and has one without a start.
const corruptId = "corrupt".padEnd(43, "-");
const corruptKey = createHash("sha256").update(corruptId).digest("base64url");
const memoryStore = new URL("../src/stores/memory-store.ts", import.meta.url).href;
const store = `import { MemoryStore } from ${JSON.stringify(memoryStore)};
const store = new MemoryStore();
store.create("${corruptKey}", { data: new Map(), lastSeenAt: 0, expiresAt: 1e14 });
export default Object.assign(store, {
  deleteByOwner() { throw new Error("disk on fire"); },
});`;

const SCRYPT = "ln=14,r=8,p=5";
const password = "correct horse battery staple";

/** They happen in `login-app.test.ts`. */
const elsewhere = new Set(["login-busy", "renewal-failed"]);

/** The names of all events that are logged anywhere. */
function eventsOfSource(): readonly string[] {
  const text = sourceFiles().map(read).join("");
  return [...text.matchAll(/\blog\([^(),]+, "([\w-]+)"/g)].map(([, event = ""]) => event);
}

/** A text in the forms in which it could slip into a log. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const encoded = (["hex", "base64url"] as const).map((encoding) => bytes.toString(encoding));
  const hash = createHash("sha256").update(secret);
  return [secret, encodeURIComponent(secret), secret.replaceAll(" ", "+"), ...encoded,
    hash.copy().digest("hex"), hash.digest("base64url")];
}

test("a run logs a line for each event, and no password, id, query or unknown name", async (t) => {
  writeFileSync(join(directory, "store.mjs"), store);
  const passwordHash = await hashPassword(password, { parameters: SCRYPT });
  const USERS = `ada:${passwordHash}`;
  const settings = { SCRYPT, USERS, COOKIE_SECURE: "0", SESSION_STORE: "./store.mjs" };
  const server = await runServer({ ...settings, ACCESS_LOG: "1" }, directory);
  t.after(() => server.process.kill());
  const secrets = new Set([password, passwordHash, corruptId]);
  const visitor = new Visitor(server);
  const phone = new Visitor(server);

  async function logIn(username: string, typed: string, who = visitor): Promise<Answer> {
    const answer = await who.logIn(username, typed);
    secrets.add(typed);
    if (username !== "ada") secrets.add(username);
    if (who.cookie !== "") secrets.add(who.cookie.replace("session_id=", ""));
    return answer;
  }
  assert.equal((await logIn("hunter2 typed as a name", "in the wrong field")).status, 401);
  assert.equal((await logIn("mallory-nobody", "mallory's guess")).status, 401);
  assert.equal((await logIn("ada", "wrong battery staple")).status, 401);
  assert.equal((await logIn("ada", password)).status, 303);
  await logIn("ada", password, phone);
  secrets.add("asked-in-the-query").add("told-in-a-header").add("in-another-cookie");
  const cookie = `${visitor.cookie}; theme=in-another-cookie`;
  const headers = { authorization: "Bearer told-in-a-header", cookie };
  assert.equal((await visitor.get("/?token=asked-in-the-query", headers)).status, 200);
  const { body } = await visitor.get("/sessions");
  const handle = /name="handle" value="([^"]*)"/.exec(body)?.[1] ?? "";
  assert.equal((await visitor.post("/sessions/end", { handle })).status, 303);
  assert.equal((await phone.get("/profile")).status, 401);
  assert.equal((await visitor.post("/sessions/end-all")).status, 503);
  assert.equal((await visitor.post("/logout")).status, 303);
  const corrupt = await visitor.get("/profile", { cookie: `session_id=${corruptId}` });
  assert.equal(corrupt.status, 401);
  let tries = 0;
  while ((await logIn("ada", "guessed in a row")).status === 401) tries += 1;
  assert.equal(tries, 4, "one was spent before");
  assert.equal(await server.stop(), 0);

  const { stdout, stderr } = server.output();
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const events = lines.map(({ event }) => event).filter((event) => event !== "request");
  const seen = new Set([...events, "request"]);
  const missing = eventsOfSource().filter((event) => !seen.has(event) && !elsewhere.has(event));
  assert.deepEqual([missing, seen.size], [[], 10]);
  assert.equal(lines.length - events.length, 17, "one for each request");
  for (const { time, level, event, address } of lines) {
    assert.equal(new Date(time).toISOString(), time);
    assert.match(level, /^(?:info|warn|error)$/);
    const isOfRequest = !["start", "stop", "session-end"].includes(event);
    assert.equal(address, isOfRequest ? "127.0.0.1" : undefined, event);
  }
  for (const secret of secrets) {
    for (const form of formsOf(secret)) assert.ok(!(stdout + stderr).includes(form), secret);
  }
});

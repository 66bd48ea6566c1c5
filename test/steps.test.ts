// The seven steps of "build it yourself": each does what its page claims, and lacks what it admits.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { sourceArguments } from "./run-source.ts";

const DEMO_PASSWORD = "correct-horse";

interface Step {
  readonly url: string;
  readonly ended: Promise<unknown>;
}

/** Starts a step on a free port, and stops it after the test. */
async function start(context: TestContext, name: string, environment = {}): Promise<Step> {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, sourceArguments(`docs/steps/${name}.ts`), {
    env: { PATH, PORT: "0", DEMO_PASSWORD, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = once(child, "close");
  context.after(async () => {
    child.kill();
    await ended;
  });
  while (!/port: \d+/.test(output)) {
    await Promise.race([once(child.stdout, "data"), ended]);
    assert.equal(child.exitCode, null, output);
  }
  return { url: `http://127.0.0.1:${output.match(/port: (\d+)/)?.[1]}`, ended };
}

/** Asks as a browser that holds this cookie, and follows nothing. */
function ask(url: string, cookie: string = "", options: RequestInit = {}): Promise<Response> {
  return fetch(url, { redirect: "manual", ...options, headers: { ...options.headers, cookie } });
}

function submit(url: string, fields: Record<string, string>, cookie = ""): Promise<Response> {
  return ask(url, cookie, { method: "POST", body: new URLSearchParams(fields) });
}

function logIn(url: string, cookie = "", password = DEMO_PASSWORD): Promise<Response> {
  return submit(`${url}/login`, { username: "demo", password }, cookie);
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

async function textOf(url: string, cookie?: string): Promise<string> {
  return (await ask(url, cookie)).text();
}

async function statusOf(response: Promise<Response>): Promise<number> {
  return (await response).status;
}

/** A note that is under way: its session was looked up, its form is yet to come. */
async function slowNote(url: string, cookie: string): Promise<() => Promise<number | undefined>> {
  const body = "note=late";
  const sending = request(`${url}/note`, {
    method: "POST",
    headers: {
      Cookie: cookie,
      Expect: "100-continue",
      "Content-Type": "application/x-www-form-urlencoded",
      "Content-Length": body.length,
    },
  });
  sending.flushHeaders();
  await once(sending, "continue");
  return async () => {
    sending.end(body);
    const [answer] = await once(sending, "response");
    answer.resume();
    return answer.statusCode;
  };
}

/** What a login, a note and a logout must do from the fourth step on. */
async function checkFlow(url: string): Promise<void> {
  const wrong = await logIn(url, "", "wrong");
  assert.equal(wrong.status, 401);
  assert.deepEqual(wrong.headers.getSetCookie(), []);
  assert.match(await wrong.text(), /role="alert">User name or password is wrong\./);

  const stranger = { username: "ada", password: DEMO_PASSWORD };
  assert.equal(await statusOf(submit(`${url}/login`, stranger)), 401);

  const first = cookieOf(await logIn(url));
  assert.match(first, /^session_id=[\w-]{43}$/);
  const second = cookieOf(await logIn(url, first));
  assert.notEqual(second, first);
  assert.equal(await statusOf(ask(url, first)), 303);

  assert.equal(await statusOf(submit(`${url}/note`, { note: "milk" }, second)), 303);
  assert.match(await textOf(url, second), /Hello, demo\. Your note: milk/);

  const out = await submit(`${url}/logout`, {}, second);
  assert.match(out.headers.getSetCookie()[0] ?? "", /^session_id=; Path=\/; .*Max-Age=0/);
  assert.equal(await statusOf(ask(url, second)), 303);
}

describe("build it yourself", { concurrency: 2 }, () => {
  test("step 1 answers, and knows nobody", async (context) => {
    const { url } = await start(context, "1-hello");
    assert.equal(await textOf(url), "Hello, whoever you are\n");
    assert.equal(await statusOf(ask(`${url}/heartbeat`)), 200);
    assert.equal(await statusOf(ask(`${url}/login`)), 404);
  });

  test("step 2 remembers a name; anyone can write one, and a bad one ends it", async (context) => {
    const { url, ended } = await start(context, "2-cookies");
    assert.equal((await ask(url)).headers.get("location"), "/login");
    const cookie = cookieOf(await submit(`${url}/login`, { username: "Ada Löw" }));
    assert.equal(await textOf(url, cookie), "Hello, Ada Löw\n");
    assert.equal(await textOf(url, "username=root"), "Hello, root\n");
    await assert.rejects(ask(url, "username=%"));
    await ended;
  });

  test("step 3 gives an id for a name; it takes any id, and half a form ends it", async (context) => {
    const { url, ended } = await start(context, "3-sessions");
    const cookie = cookieOf(await ask(`${url}/login`));
    assert.match(cookie, /^session_id=[\w-]{43}$/);
    await submit(`${url}/login`, { username: "ada" }, cookie);
    await submit(`${url}/note`, { note: "milk" }, cookie);
    assert.equal(await textOf(url, cookie), "Hello, ada. Your note: milk\n");
    assert.equal(await statusOf(ask(url, "session_id=%; a")), 303);

    await submit(`${url}/login`, { username: "victim" }, "session_id=planted");
    assert.match(await textOf(url, "session_id=planted"), /Hello, victim/);

    const headers = { Expect: "100-continue", "Content-Length": 9 };
    const leaving = request(`${url}/login`, { method: "POST", headers }).on("error", () => {});
    leaving.flushHeaders();
    await once(leaving, "continue");
    leaving.destroy();
    await ended;
  });

  test("step 4 asks for a password; another site can log its visitors out", async (context) => {
    const { url } = await start(context, "4-passwords");
    await checkFlow(url);
    assert.equal(await statusOf(logIn(url, "", "x".repeat(9000))), 413);
    const planted = await logIn(url, "session_id=planted");
    assert.notEqual(cookieOf(planted), "session_id=planted");
    assert.equal(await statusOf(ask(url, "session_id=planted")), 303);

    const cookie = cookieOf(planted);
    const headers = { "Sec-Fetch-Site": "cross-site" };
    await ask(`${url}/logout`, cookie, { method: "POST", headers });
    assert.equal(await statusOf(ask(url, cookie)), 303);
  });

  test("step 5 refuses other sites; a slow request undoes a logout", async (context) => {
    const { url } = await start(context, "5-limits");
    await checkFlow(url);
    const cookie = cookieOf(await logIn(url));
    for (const headers of [{ "Sec-Fetch-Site": "cross-site" }, { Origin: "http://evil.example" }]) {
      assert.equal(await statusOf(ask(`${url}/logout`, cookie, { method: "POST", headers })), 403);
    }
    assert.equal(await statusOf(ask(url, cookie)), 200);

    const finish = await slowNote(url, cookie);
    await submit(`${url}/logout`, {}, cookie);
    assert.equal(await statusOf(ask(url, cookie)), 303);
    assert.equal(await finish(), 303);
    assert.match(await textOf(url, cookie), /Hello, demo\. Your note: late/);
  });

  for (const limit of ["IDLE_TIMEOUT", "ABSOLUTE_TIMEOUT"]) {
    test(`step 5 ends a session at its ${limit}`, async (context) => {
      const { url } = await start(context, "5-limits", { [limit]: "0" });
      const cookie = cookieOf(await logIn(url));
      assert.match(cookie, /^session_id=[\w-]{43}$/);
      assert.equal(await statusOf(ask(url, cookie)), 303);
    });
  }

  test("step 6 keeps a logout; it answers only what somebody thought of", async (context) => {
    const { url } = await start(context, "6-parts");
    await checkFlow(url);
    const cookie = cookieOf(await logIn(url));
    await submit(`${url}/note`, { note: "<b>" }, cookie);
    assert.match(await textOf(url, cookie), /Your note: &lt;b&gt;/);
    const headers = { "Sec-Fetch-Site": "cross-site" };
    assert.equal(await statusOf(ask(`${url}/logout`, cookie, { method: "POST", headers })), 403);

    const finish = await slowNote(url, cookie);
    await submit(`${url}/logout`, {}, cookie);
    assert.equal(await finish(), 401);
    assert.equal(await statusOf(ask(url, cookie)), 303);

    assert.equal(await statusOf(ask(`${url}/login`, "", { method: "HEAD" })), 404);
  });

  test("step 7 is the login flow, with all that HTTP asks for", async (context) => {
    const { url } = await start(context, "7-login-flow");
    await checkFlow(url);
    const cookie = cookieOf(await logIn(url));
    const finish = await slowNote(url, cookie);
    await submit(`${url}/logout`, {}, cookie);
    assert.equal(await finish(), 401);

    const head = await ask(`${url}/login`, "", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("x-content-type-options"), "nosniff");
    const put = await ask(`${url}/login`, "", { method: "PUT" });
    assert.equal(put.headers.get("allow"), "GET, HEAD, OPTIONS, POST");
    assert.equal(await statusOf(submit(`${url}/note`, { note: "x" })), 303);
  });
});

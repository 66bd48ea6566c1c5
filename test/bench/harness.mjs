// Starts the servers, speaks to them, and checks that each gives the right answers.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { fileURLToPath } from "node:url";

/** Every server by its file's name; the first two are in every run. */
export const titles = {
  bare: "bare node:http",
  plinth: "Plinth",
  "by-hand": "the least, by hand",
  express: "express + express-session",
  "fastify-session": "fastify + @fastify/session",
  "fastify-secure-session": "fastify + @fastify/secure-session",
  koa: "koa + koa-session",
  hono: "hono + hono-sessions",
};

export const form = { "Content-Type": "application/x-www-form-urlencoded" };
export const loginForm = (user) => `username=${user}&password=correct-horse`;

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Starts a server in a process of its own. `command` wraps it, as valgrind does. */
export async function start(name, answers, command = []) {
  const flags = ["--expose-gc"];
  const child = fork(fileURLToPath(new URL(`servers/${name}.mjs`, import.meta.url)), {
    env: { ...process.env, NODE_ENV: "production", BENCH_ANSWERS: JSON.stringify(answers) },
    execPath: command[0] ?? process.execPath,
    execArgv: command.length === 0 ? flags : [...command.slice(1), process.execPath, ...flags],
  });
  const gone = once(child, "exit").then(([code]) => {
    throw new Error(`${name} exited with ${code}`);
  });
  gone.catch(() => {});
  const answer = () => Promise.race([once(child, "message"), gone]);
  const [{ port, hasStore }] = await answer();
  return {
    name,
    hasStore,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    async ask(question, argument) {
      child.send({ ask: question, argument });
      return (await answer())[0].answer;
    },
    async stop() {
      child.disconnect();
      await gone.catch(() => {});
    },
  };
}

/** Sends one request on a connection of its own (or of the agent). */
export async function send(url, { method = "GET", headers = {}, body = "", agent = false } = {}) {
  const length = method === "POST" ? { "Content-Length": Buffer.byteLength(body) } : {};
  const outgoing = request(url, { method, headers: { ...headers, ...length }, agent });
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  const { statusCode: status, headers: fields, rawHeaders: raw } = response;
  return { status, headers: fields, raw, body: text };
}

const post = (server, body) => send(server.url("/login"), { method: "POST", headers: form, body });
const get = (server, Cookie) => send(server.url("/"), { headers: Cookie ? { Cookie } : {} });

/** What a browser would send back: the last cookie of each name. */
function cookiesOf(reply) {
  const pairs = (reply.headers["set-cookie"] ?? []).map((line) => line.split(";")[0]);
  return [...new Map(pairs.map((pair) => [pair.split("=")[0], pair])).values()].join("; ");
}

/** Logs a user in and answers the `Cookie` header to go on with. */
export async function logIn(server, user) {
  return cookiesOf(await post(server, loginForm(user)));
}

/** The session's cookie in the middle of what analytics and the like leave on a usual site. */
export function amongTwelve(cookie) {
  const others = [
    "_ga=GA1.2.1290412345.1763949911", "_gid=GA1.2.893471625.1763949911", "_gat_UA-1293847-1=1",
    "_fbp=fb.1.1763949911372.1093847561", "theme=dark", "locale=en-GB",
    "consent=%7B%22analytics%22%3Atrue%2C%22marketing%22%3Afalse%7D",
    "ajs_anonymous_id=%22f5a1c0de-7b1c-4a52-9d0e-2f4f6a1b7c3d%22", "_hjid=9b8f1c5e-3c0d-4a5b-8f2e",
    "intercom-id-x1y2z3=4d9e2b7a-6c1f-4e8d-b3a5-0f7c2d1e9b8a",
    "__stripe_mid=5c7a9e1b-2d4f-4b6a-8c0e",
  ];
  return [...others.slice(0, 6), cookie, ...others.slice(6)].join("; ");
}

const nodes = new Set(["date", "connection", "keep-alive"]);
const framing = ["content-type", "content-length", "location", "set-cookie", "transfer-encoding"];

function answerOf({ status, raw, body }) {
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1]]] : []));
  const own = pairs.filter(([name]) => !nodes.has(name.toLowerCase()));
  const alike = own.filter(([name]) => !framing.includes(name.toLowerCase()));
  return { status, headers: own.flat(), body, shared: Object.fromEntries(alike) };
}

/** Asks Plinth what it answers: all other servers are to answer the same. */
export async function plinthsAnswers() {
  const plinth = await start("plinth", {});
  const login = await post(plinth, loginForm("user-0"));
  const answers = {
    page: answerOf(await get(plinth, cookiesOf(login))),
    redirect: answerOf(await get(plinth)),
    login: answerOf(login),
    heartbeat: answerOf(await send(plinth.url("/heartbeat"))),
  };
  await plinth.stop();
  assert.equal(answers.page.status, 200, "Plinth shows a page to a user who has logged in");
  assert.ok(answers.page.body.includes("user-0"), "Plinth's page names the user");
  return answers;
}

function assertSame(reply, answer, what) {
  assert.equal(reply.status, answer.status, `${what}: status`);
  for (const [field, value] of Object.entries(answer.shared)) {
    const name = field.toLowerCase();
    // Express adds "Accept" to Vary where it redirects.
    const got = name === "vary" ? reply.headers.vary.replace(", Accept", "") : reply.headers[name];
    assert.equal(got, value, `${what}: ${name}`);
  }
}

/** Throws unless the server does what Plinth does, as far as the scenarios go. */
export async function check(server, answers) {
  if (server.name === "bare") return checkBare(server, answers);
  const refused = await post(server, "username=user-1&password=wrong");
  assert.ok(refused.status >= 400, "a wrong password is refused");
  const intruder = await get(server, cookiesOf(refused));
  assert.equal(intruder.status, answers.redirect.status, "a refused login opens nothing");

  const anonymous = await get(server);
  assertSame(anonymous, answers.redirect, "redirect");
  assert.equal(anonymous.headers.location, "/login");

  for (const user of ["user-0", "user-77"]) {
    const login = await post(server, loginForm(user));
    assertSame(login, answers.login, "login");
    assert.equal(login.headers.location, "/");
    for (const line of login.headers["set-cookie"]) {
      assert.match(line, /; path=\//i);
      assert.match(line, /; httponly/i);
      assert.match(line, /; samesite=lax/i);
      assert.doesNotMatch(line, /; (max-age|expires|secure)/i);
    }
    const cookie = cookiesOf(login);
    for (const header of [cookie, amongTwelve(cookie)]) {
      const reply = await get(server, header);
      assertSame(reply, answers.page, "page");
      assert.equal(reply.body, answers.page.body.replaceAll("user-0", user));
      assert.match(reply.headers["content-type"], /^text\/html; charset=utf-8$/i);
    }
  }

  const heartbeat = await send(server.url("/heartbeat"));
  assertSame(heartbeat, answers.heartbeat, "heartbeat");
  assert.equal(heartbeat.body, answers.heartbeat.body);
}

async function checkBare(server, answers) {
  for (const [name, answer] of Object.entries(answers)) {
    await server.ask("setUp", name);
    assert.deepEqual(answerOf(await get(server)), answer, `bare: ${name}`);
  }
}

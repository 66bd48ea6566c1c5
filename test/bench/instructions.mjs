// Counts the instructions of one request with valgrind: repeatable where times are not.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check, form, logIn, loginForm, plinthsAnswers } from "./harness.mjs";
import { send, start, titles } from "./harness.mjs";

const usage = `Usage: npm run bench:instructions -- [options]

  --only a,b     ${Object.keys(titles).join(", ")} (default bare,plinth)
  --scenario a   page, heartbeat, redirect or login (default page)
  --requests N   requests counted for each (default 10000)
  --warmup N     requests before those, while V8 still compiles (default 20000)
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "bare,plinth" },
    scenario: { type: "string", default: "page" },
    requests: { type: "string", default: "10000" },
    warmup: { type: "string", default: "20000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit();
}
if (spawnSync("valgrind", ["--version"]).error !== undefined) {
  throw new Error("Cannot count instructions: valgrind is not installed");
}

const names = [...new Set(["bare", ...values.only.split(",")])];
const requests = Number(values.requests);
const warmup = Number(values.warmup);
const connections = 10;
const answers = await plinthsAnswers();
const folder = mkdtempSync(join(tmpdir(), "plinth-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const { scenario } = values;
if (!(scenario in answers)) throw new Error(`Cannot count "${scenario}": see --help`);
const path = { heartbeat: "/heartbeat", login: "/login" }[scenario] ?? "/";

/** The instructions of a whole life: start, so many requests, end. */
async function instructionsOf(name, count) {
  const out = join(folder, `${name}-${count}`);
  const callgrind = ["valgrind", "--quiet", "--tool=callgrind", `--callgrind-out-file=${out}`];
  const server = await start(name, answers, callgrind);
  await check(server, answers);
  await server.ask("setUp", scenario);
  const cookie = name === "bare" ? `session_id=${"x".repeat(43)}` : await logIn(server, "user-0");
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  async function askOnce(user) {
    const isLogin = scenario === "login";
    const options = {
      agent,
      headers: isLogin ? form : scenario === "page" ? { Cookie: cookie } : {},
      ...(isLogin ? { method: "POST", body: loginForm(`user-${user}`) } : {}),
    };
    const { status } = await send(server.url(path), options).catch((error) => {
      // So slow a server may have closed the connection as idle, just as it was used again.
      if (error.code !== "ECONNRESET") throw error;
      return send(server.url(path), { ...options, agent: false });
    });
    if (status !== answers[scenario].status) throw new Error(`${name} answered ${status}`);
  }
  // In waves: the server finds as many requests each time, however busy the machine is.
  for (let sent = 0; sent < count; sent += connections) {
    await Promise.all(Array.from({ length: connections }, (_, index) => askOnce(sent + index)));
  }
  agent.destroy();
  await server.stop();
  return Number(/^(?:totals|summary): (\d+)/m.exec(readFileSync(out, "utf8"))[1]);
}

const counts = {};
for (const name of names) {
  // The shorter life holds the start, the compiler's work and the end; the difference is requests.
  const short = await instructionsOf(name, warmup);
  const long = await instructionsOf(name, warmup + requests);
  counts[name] = (long - short) / requests;
  process.stderr.write(`${name}: ${Math.round(counts[name])} instructions\n`);
}

console.log(`\n| ${scenario} | instructions a request | to bare |\n| --- | --- | --- |`);
for (const name of names) {
  const ratio = (counts[name] / counts.bare).toFixed(2);
  console.log(`| ${titles[name]} | ${Math.round(counts[name]).toLocaleString("en")} | ${ratio} |`);
}

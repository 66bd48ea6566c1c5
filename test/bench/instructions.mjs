// Counts the instructions of one request with valgrind: repeatable where times are not.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check, logIn, plinthsAnswers, send, start, titles } from "./harness.mjs";

const usage = `Usage: npm run bench:instructions -- [options]

  --only a,b     ${Object.keys(titles).join(", ")} (default bare,plinth)
  --requests N   requests counted for each (default 10000)
  --warmup N     requests before those, while V8 still compiles (default 20000)
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "bare,plinth" },
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

/** The instructions of a whole life: start, so many pages with a session, end. */
async function instructionsOf(name, pages) {
  const out = join(folder, `${name}-${pages}`);
  const callgrind = ["valgrind", "--quiet", "--tool=callgrind", `--callgrind-out-file=${out}`];
  const server = await start(name, answers, callgrind);
  await check(server, answers);
  let cookie = `session_id=${"x".repeat(43)}`;
  await server.ask("setUp", "page");
  if (name !== "bare") cookie = await logIn(server, "user-0");
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  async function askOnce() {
    const reply = await send(server.url("/"), { headers: { Cookie: cookie }, agent });
    if (reply.status !== 200) throw new Error(`${name} answered ${reply.status}`);
  }
  // In waves: the server finds as many requests each time, however busy the machine is.
  for (let left = pages; left > 0; left -= connections) {
    await Promise.all(Array.from({ length: connections }, askOnce));
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
  process.stderr.write(`${name}: ${Math.round(counts[name])} instructions a page\n`);
}

console.log("\n| page with a session | instructions a request | to bare |\n| --- | --- | --- |");
for (const name of names) {
  const ratio = (counts[name] / counts.bare).toFixed(2);
  console.log(`| ${titles[name]} | ${Math.round(counts[name]).toLocaleString("en")} | ${ratio} |`);
}

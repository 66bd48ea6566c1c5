// How long a server takes from its start to its first answer, and what memory it holds at rest.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { median, send } from "./harness.mjs";

const programs = {
  bare: fileURLToPath(new URL("servers/empty.mjs", import.meta.url)),
  plinth: fileURLToPath(new URL("../../dist/server.js", import.meta.url)),
};

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function startOnce(program) {
  const port = await freePort();
  const env = { PATH: process.env.PATH, PORT: String(port) };
  const started = performance.now();
  const child = spawn(process.execPath, [program], { env, stdio: "ignore" });
  const gone = once(child, "exit");
  const isUp = () => send(`http://127.0.0.1:${port}/heartbeat`).then(() => true, () => false);
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`${program} exited with ${child.exitCode}`);
    await sleep(2);
  }
  const time = performance.now() - started;
  await sleep(2000); // Until the demo account's password is hashed, in 128 MB.
  const memory = Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)])) / 1024;
  child.kill();
  await gone;
  return { time, memory };
}

/** Answers, for Plinth and for an empty node:http script, ms and MB: medians of so many starts. */
export async function startUp(times, progress) {
  const all = { bare: [], plinth: [] };
  for (let round = 0; round < times; round++) {
    for (const [name, program] of Object.entries(programs)) {
      const { time, memory } = await startOnce(program);
      all[name].push({ time, memory });
      const figures = `${time.toFixed(0)} ms  ${memory.toFixed(1)} MB`;
      progress(`start ${round + 1}/${times}  ${name}  ${figures}`);
    }
  }
  const medians = (name, what) => median(all[name].map((start) => start[what]));
  return Object.fromEntries(
    ["bare", "plinth"].map((name) => [
      name,
      { time: medians(name, "time"), memory: medians(name, "memory") },
    ]),
  );
}

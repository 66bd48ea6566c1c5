// How long a wrong password takes, somebody's and nobody's, and what a flood of logins does to other
// requests. Not a test; run it, which takes half a minute, with:
//
//   node --import tsx test/login-bench.ts

import { spawn } from "node:child_process";
import { once } from "node:events";
import { hashPassword } from "../src/login/password.ts";
import { sourceArguments } from "./run-source.ts";

const USERS = `ada:${await hashPassword("right")}`;
const settings = { USERS, COOKIE_SECURE: "0", TRUST_PROXY: "1", PORT: "0" };
const server = spawn(process.execPath, sourceArguments("src/server.ts"), {
  env: { PATH: process.env["PATH"], ...settings },
  stdio: ["ignore", "pipe", "inherit"],
});
const [started] = await once(server.stdout.setEncoding("utf8"), "data");
const { url }: { url: string } = JSON.parse(started);

let addresses = 0;

/** Milliseconds for a wrong password, from an address of its own: none is throttled. */
async function wrongLogin(username: string): Promise<{ status: number; time: number }> {
  const began = performance.now();
  const headers = { "X-Forwarded-For": `192.0.2.${(addresses += 1)}` };
  const body = new URLSearchParams({ username, password: "wrong" });
  const { status } = await fetch(`${url}/login`, { method: "POST", headers, body });
  return { status, time: performance.now() - began };
}

function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[times.length >> 1] ?? NaN;
}

const times: Record<string, number[]> = { ada: [], nobody: [] };
for (let round = 0; round < 15; round += 1) {
  for (const [name, taken] of Object.entries(times)) taken.push((await wrongLogin(name)).time);
}
const [ada = NaN, nobody = NaN] = Object.values(times).map(median);
const ratio = Math.max(ada, nobody) / Math.min(ada, nobody);
console.log(`wrong password: somebody's ${ada.toFixed(0)} ms, nobody's ${nobody.toFixed(0)} ms`);
console.log(`ratio of the medians ${ratio.toFixed(2)} (at most 1.3)`);

let isFlooded = true;
const flood = Promise.all(Array.from({ length: 50 }, (_, at) => wrongLogin(`user-${at}`)));
const answered = flood.finally(() => (isFlooded = false));
let longest = 0;
while (isFlooded) {
  const began = performance.now();
  await (await fetch(`${url}/heartbeat`)).text();
  longest = Math.max(longest, performance.now() - began);
}
const refused = (await answered).filter(({ status }) => status === 503).length;
console.log(`50 logins at once: ${50 - refused} checked, ${refused} told to try again`);
console.log(`meanwhile /heartbeat took ${longest.toFixed(0)} ms at most (at most 500)`);

server.kill();
process.exitCode = ratio <= 1.3 && longest <= 500 ? 0 : 1;

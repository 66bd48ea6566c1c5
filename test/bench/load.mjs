// The load generators: wrk where it is installed, else autocannon from npm.

import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { form, loginForm } from "./harness.mjs";

const script = fileURLToPath(new URL("load.lua", import.meta.url));
const connections = 50;

function hasWrk() {
  try {
    execFileSync("wrk", ["-v"], { stdio: "ignore" });
    return true;
  } catch (error) {
    return error.code !== "ENOENT"; // `wrk -v` itself exits with 1.
  }
}

export const generator = hasWrk() ? "wrk" : "autocannon";

/** Keeps waiting processors from sleeping, as long as this process lives; or answers false. */
export function keepAwake() {
  try {
    // How long one may take to wake up, in microseconds (Linux, "PM Quality of Service").
    writeSync(openSync("/dev/cpu_dma_latency", "r+"), new Uint32Array([0]));
    return true;
  } catch {
    return false; // Not Linux, or not root.
  }
}

async function byWrk({ url, cookie, cookies, isLogin, seconds }) {
  const header = cookie === undefined ? [] : ["-H", `Cookie: ${cookie}`];
  const options = ["-t1", `-c${connections}`, `-d${seconds}s`, ...header, "-s", script, url];
  const env = { ...process.env };
  if (isLogin) env.BENCH_LOGIN = "1";
  const folder = mkdtempSync(join(tmpdir(), "plinth-bench-"));
  try {
    if (cookies !== undefined) {
      env.BENCH_COOKIES = join(folder, "cookies");
      writeFileSync(env.BENCH_COOKIES, cookies.join("\n"));
    }
    const { stdout } = await promisify(execFile)("wrk", options, { env });
    return JSON.parse(stdout.trim().split("\n").at(-1));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function byAutocannon({ url, cookie, cookies, isLogin, seconds }) {
  const { default: autocannon } = await import("autocannon");
  // Each connection prepares them all: more would take it longer than the test.
  const logins = Array.from({ length: 500 }, (_, index) => ({
    method: "POST",
    headers: form,
    body: loginForm(`user-${index + 1}`),
  }));
  const visits = cookies?.slice(0, 500).map((Cookie) => ({ headers: { Cookie } }));
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    headers: cookie === undefined ? {} : { Cookie: cookie },
    ...(isLogin || visits !== undefined ? { requests: visits ?? logins } : {}),
  });
  const failed = result.errors + result.timeouts + result["4xx"] + result["5xx"];
  const { p50, p99 } = result.latency;
  return { requests: result.requests.total, seconds: result.duration, p50, p99, failed };
}

/**
 * Loads a server from 50 connections, with one cookie, or with one of many after the other. Answers
 * requests, also by second, and p50 and p99 in ms.
 */
export async function load(target) {
  const result = await (generator === "wrk" ? byWrk(target) : byAutocannon(target));
  // Answers that were errors are not throughput.
  if (result.failed > 0) throw new Error(`${target.url}: ${result.failed} requests failed`);
  return { ...result, rate: result.requests / result.seconds };
}

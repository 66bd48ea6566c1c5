// The tests on each line of Node, of 20 and 22 the oldest that is supported too, and one visit to
// the built server on all runtimes. From Node 22.18 on, the tests run in a copy of the repository
// with nothing installed.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { visit } from "./visit.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const installed = fileURLToPath(new URL("node_modules", import.meta.url));
const parent = mkdtempSync(join(tmpdir(), "plinth-matrix-"));

interface Runtime {
  readonly name: string;
  readonly program: string;
  /** How it runs a script that may use the network and the environment. */
  readonly args: readonly string[];
  /** Where it runs the tests, and with what before their names. Bun and Deno run none. */
  readonly tests?: { readonly folder: string; readonly args: readonly string[] };
}

function copy(name: string): string {
  const folder = join(parent, name);
  // node_modules of a test package would be installed too.
  const filter = (path: string) => !/\/(?:node_modules|dist|coverage|artifacts|\.git)$/.test(path);
  cpSync(root, folder, { recursive: true, filter });
  return folder;
}

const bare = copy("bare");
const withTsx = copy("tsx");
symlinkSync(join(root, "node_modules"), join(withTsx, "node_modules"));
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc")], { cwd: withTsx });
const server = join(withTsx, "dist/server.js");

const nodes = ["node-20", "node-20-newest", "node-22", "node-22-newest", "node-24", "node-26"];
const runtimes: readonly Runtime[] = [
  ...nodes.map((name) => {
    const needsTsx = name.startsWith("node-20");
    const tests = needsTsx
      ? { folder: withTsx, args: ["--import", "tsx"] }
      : { folder: bare, args: [] };
    return { name: "Node", program: join(installed, name, "bin/node"), args: [], tests };
  }),
  { name: "Bun", program: join(installed, ".bin/bun"), args: [] },
  { name: "Deno", program: join(installed, ".bin/deno"), args: ["run", "--allow-all"] },
];

function versionOf({ program }: Runtime): string {
  const output = execFileSync(program, ["--version"], { encoding: "utf8" });
  return output.match(/\d+\.\d+\.\d+/)?.[0] ?? "";
}

/** Runs the root tests; answers how many passed, or what failed. */
function runTests({ program, tests }: Runtime): string {
  if (tests === undefined) return "";
  const files = "test/*.test.ts";
  const args = [...tests.args, "--test", "--test-timeout=300000", "--test-reporter=tap"];
  // Node 20 knows no patterns: the shell spells them out.
  const command = `"${program}" ${args.join(" ")} ${files}`;
  const { stdout, status } = spawnSync("bash", ["-c", command], {
    cwd: tests.folder,
    encoding: "utf8",
    maxBuffer: 1e9,
    // What the tests start by the name of "node" is this one, too.
    env: { PATH: `${dirname(program)}:${process.env["PATH"]}` },
  });
  const count = (what: string) => stdout.match(new RegExp(`^# ${what} (\\d+)$`, "m"))?.[1] ?? "?";
  if (status === 0) return `${count("pass")} pass, ${count("skipped")} skipped`;
  const failed = stdout.match(/^ *not ok \d+ - .*$/gm) ?? [];
  return `FAIL: ${failed.map((line) => line.trim()).join("; ") || stdout.slice(-500)}`;
}

async function freePort(): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  await new Promise((resolve) => taken.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Starts the built server, visits it, and stops it; answers "pass" or what went wrong. */
async function runVisit({ program, args }: Runtime): Promise<string> {
  const port = await freePort();
  const env = {
    ...{ PATH: process.env["PATH"], PORT: String(port) },
    ...{ DEMO_PASSWORD: "open sesame", SCRYPT: "ln=14,r=8,p=5" },
  };
  const child = spawn(program, [...args, server], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const timeout = setTimeout(() => child.kill("SIGKILL"), 30_000);
  try {
    await new Promise<void>((resolve, reject) => {
      const listen = () => output.includes("Plinth listens on") && resolve();
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      void ended.then(() => reject(new Error(`Server ended: ${output}`)));
    });
    await visit(`http://127.0.0.1:${port}`);
    child.kill("SIGTERM");
    const code = await ended;
    return code === 0 ? "pass" : `FAIL: ends with ${code} on SIGTERM`;
  } catch (error) {
    return `FAIL: ${error instanceof Error ? error.message.split("\n").slice(0, 4).join(" ") : error}`;
  } finally {
    clearTimeout(timeout);
    child.kill("SIGKILL");
  }
}

console.log("| Runtime | Tests | A visit to the built server |\n|---|---|---|");
const cells: string[] = [];
for (const runtime of runtimes) {
  const row = [`${runtime.name} ${versionOf(runtime)}`, runTests(runtime), await runVisit(runtime)];
  cells.push(...row);
  console.log(`| ${row.join(" | ")} |`);
}
rmSync(parent, { recursive: true });
if (cells.some((cell) => cell.startsWith("FAIL"))) process.exitCode = 1;

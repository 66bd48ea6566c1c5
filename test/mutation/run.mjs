// Mutation testing: changes src piece by piece, runs the tests of the changed file, and expects one
// to fail, for 95 of 100 changes of all of src. The others must stand in survivors.md, each with the
// reason. From the top:
//
//   npm run mutate                        all of src, which takes an hour or more
//   npm run mutate -- src/router.ts       one file, or several
//   npm run mutate -- src/router.ts:70-80 these lines alone

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Stryker } from "@stryker-mutator/core";

process.chdir(fileURLToPath(new URL("../..", import.meta.url)));
// A seeded test must say the same of every mutant.
process.env.SEED ??= "1";
// From Node 22.18 on, a test starts in half the time without tsx. The first failure tells enough.
const tsx = process.features.typescript ? "" : "--import tsx";
const node = `node ${tsx} --test-reporter=${new URL("first-failure.mjs", import.meta.url)}`;

// Files that a test of the same name does not try alone. They run in turn until one fails: the
// quickest first.
const otherTests = {
  "src/cookie.ts": ["cookie", "cookie-laws"],
  "src/handler.ts": ["handler", "http-server", "headers", "session-http"],
  "src/http-server.ts": ["http-server", "headers"],
  "src/request.ts": ["request", "handler", "http-server"],
  "src/router.ts": ["router", "handler"],
  "src/session.ts": ["session", "session-manager"],
  "src/session-manager.ts": [
    "session-manager",
    "session-time",
    "session-faults",
    "session-rotation",
    "session-revocation",
  ],
  "src/session-timeouts.ts": ["session-time", "session-manager"],
  "src/session-writer.ts": [
    "session-manager",
    "session-rotation",
    "session-faults",
    "session-revocation",
    "session-races",
  ],
  "src/login/app.ts": ["login-app", "headers"],
  "src/login/layout.ts": ["views"],
  "src/login/log.ts": ["log", "login-app"],
  "src/login/username-password.ts": ["login-app"],
  "src/server.ts": ["server", "whole-run"],
  "src/stores/memory-store.ts": ["memory-store", "store-contract"],
  "src/stores/redis-store.ts": ["redis-store", "store-contract"],
  "src/stores/sqlite-store.ts": ["sqlite-store", "store-contract"],
};

/** The shell command that tells whether the tests of a file pass. */
function testCommand(file) {
  const ownTest = file.replace(/^.*\//, "").replace(".ts", "");
  const tests = otherTests[file] ?? [ownTest];
  const paths = tests.map((name) => `test/${name}.test.ts`);
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`Cannot mutate ${file}: there is no ${missing}`);
  return paths.map((path) => `${node} ${path}`).join(" && ");
}

function sourceFiles() {
  const names = readdirSync("src", { recursive: true }).map((name) => `src/${name}`);
  // Types alone: nothing of it runs.
  return names.filter((name) => name.endsWith(".ts") && name !== "src/session-store.ts").sort();
}

/** One line for a mutant, without its place: so that it stays the same when lines move. */
function describe({ fileName, location, replacement }) {
  const lines = readFileSync(fileName, "utf8").split("\n");
  const { start, end } = location;
  // Stryker counts lines and columns from 1.
  const stop = start.line === end.line ? end.column - 1 : undefined;
  const before = lines[start.line - 1]?.slice(start.column - 1, stop);
  const oneLine = (text) => text.replace(/\s+/g, " ").trim();
  return `${oneLine(before ?? "")} → ${oneLine(replacement)}`;
}

async function mutate(target) {
  const [file = ""] = target.split(":");
  const options = {
    mutate: [target],
    testRunner: "command",
    commandRunner: { command: testCommand(file) },
    coverageAnalysis: "off",
    concurrency: 2,
    timeoutMS: 10_000,
    reporters: ["progress-append-only"],
    ignorePatterns: ["/test/*/", "/docs", "/coverage", "/dist", "/.git"],
    allowConsoleColors: false,
    logLevel: "warn",
    // TypeScript 7 has no API for Stryker to read it with; tsx needs nothing of it.
    tsconfigFile: "none",
  };
  const mutants = await new Stryker(options).runMutationTest();
  const [killed = [], endless = [], survivors = []] = ["Killed", "Timeout", "Survived"].map(
    (status) => mutants.filter((mutant) => mutant.status === status),
  );
  return { file, killed: killed.length, endless, survivors };
}

const isOlder = Number.parseInt(process.versions.node) < 24;
const rows = readFileSync("test/mutation/survivors.md", "utf8").split("\n");

/** Takes the row of a survivor off those that are left. Each stands for one. */
function takeRow(text) {
  const index = rows.findIndex((row) => row.startsWith(`- \`${text}\``));
  if (index !== -1) rows.splice(index, 1);
  return index !== -1;
}

const problems = [];
const summary = [];
const all = { mutants: 0, survivors: 0 };
for (const target of process.argv.length > 2 ? process.argv.slice(2) : sourceFiles()) {
  console.log(`\n== ${target}`);
  const { file, killed, endless, survivors } = await mutate(target);
  for (const mutant of survivors) {
    const row = `${file}: ${describe(mutant)}`;
    if (takeRow(row)) continue;
    problems.push(`${file}:${mutant.location.start.line} not in survivors.md: ${row}`);
  }
  // To be looked at: a slow machine ends a test, too.
  for (const mutant of endless) {
    console.log(`timed out: ${file}:${mutant.location.start.line} ${describe(mutant)}`);
  }
  const total = killed + endless.length + survivors.length;
  const score = total === 0 ? 100 : (100 * (total - survivors.length)) / total;
  all.mutants += total;
  all.survivors += survivors.length;
  const endings = `${killed} killed, ${endless.length} timed out, ${survivors.length} survived`;
  summary.push(`${target}: ${score.toFixed(1)} % of ${total} mutants (${endings})`);
  console.log(summary.at(-1));
  if (target !== file) continue;
  const own = rows.filter((row) => row.startsWith(`- \`${file}: `));
  const stale = own.filter((row) => !(isOlder && row.includes("From Node 24 on")));
  problems.push(...stale.map((row) => `in survivors.md, and did not survive: ${row}`));
}
console.log(`\n${summary.join("\n")}`);
console.log(`${all.survivors} of ${all.mutants} survived.`);
if (process.argv.length === 2 && all.survivors > 0.05 * all.mutants) problems.push("under 95 %");
if (problems.length > 0) {
  console.log(`\n${problems.join("\n")}`);
  console.log("Write a test, simplify the code, or give the reason in test/mutation/survivors.md.");
  process.exitCode = 1;
}

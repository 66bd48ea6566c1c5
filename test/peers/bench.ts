// How fast cookie.ts is beside the `cookie` package; and that no header takes over linear time.
// Ratios are medians of interleaved rounds, then of fresh processes: V8 settles otherwise in each.
// `npm run bench`; with a number behind it, that many processes (5 when left out).

import * as cookie1 from "cookie";
import * as cookie2 from "cookie-newest";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { getCookie, parseCookiePairs, parseCookies, serializeCookie } from "../../src/cookie.ts";

type Job = () => unknown;
type Peer = typeof cookie1 | typeof cookie2;

interface Comparison {
  readonly name: string;
  readonly ours: Job;
  readonly theirs: (cookie: Peer) => unknown;
  /** The part of the newest version's time that we want to stay under. */
  readonly aim: number;
}

const sessionId = "Qm9b0yXlH5eX0w7cWkq1n3d8Jv6tPz2sRaUgTfYhIjK";
const session = `__Host-session_id=${sessionId}`;
const analytics = [
  "_ga=GA1.1.1278318512.1763900000",
  "_ga_7PZ3QW9X1K=GS2.1.s1763900000$o3$g1$t1763900421$j60$l0$h0",
  "_gid=GA1.2.904223115.1763900000",
  "_gcl_au=1.1.1733211983.1763900000",
  "_fbp=fb.1.1763900000123.1098115397",
  "_hjSessionUser_3141592=eyJpZCI6IjVmN2QxYjY4LTAwZGUtNTY3OS04YzYwLTdhMWM4ZDY1ZTM0ZiJ9",
  "_hjSession_3141592=eyJpZCI6ImQ3ZDg0MGU1LTkzMjItNDRjZS1iM2I0LWI5NDU2YzU0M2UxNSJ9",
  "ajs_anonymous_id=%22a5a0f7c9-6a1f-4d2c-9c43-1f3a9d7a1e55%22",
  "intercom-id-abc123=6d2d0f6e-4f5c-4d1e-8a8e-5a2c3b1f0e9d",
  "OptanonAlertBoxClosed=2026-11-23T10:11:12.345Z",
  "_clck=1x2y3z%7C2%7Cfsa%7C0%7C1789",
  "theme=dark",
];

// A header as `node:http` hands it over: one flat string.
function header(...pieces: readonly string[]): string {
  return Buffer.from(pieces.join("; "), "latin1").toString("latin1");
}

function numbered(count: number, value: string, separator: string): string {
  return Array.from({ length: count }, (_, index) => `k${index}=${value}`).join(separator);
}

const page = header(...analytics, session);
const one = header(session);
const ten = header(...analytics.slice(0, 6), "theme=dark", "lang=en", "seen=1", session);
const broken = header(numbered(2000, "%", ";").slice(0, 8192));
const cookieOptions = { path: "/", secure: true, httpOnly: true, sameSite: "lax" } as const;
const sessionCookie = { name: "__Host-session_id", value: sessionId, ...cookieOptions };

const comparisons: readonly Comparison[] = [
  {
    name: "find the session behind a dozen analytics cookies",
    ours: () => getCookie(page, "__Host-session_id"),
    theirs: (cookie) => cookie.parseCookie(page)["__Host-session_id"],
    aim: 0.1,
  },
  {
    name: "read all of that header",
    ours: () => parseCookies(page),
    theirs: (cookie) => cookie.parseCookie(page),
    aim: 0.75,
  },
  {
    name: "read 10 cookies",
    ours: () => parseCookies(ten),
    theirs: (cookie) => cookie.parseCookie(ten),
    aim: 1.1,
  },
  {
    name: "read 1 cookie",
    ours: () => parseCookies(one),
    theirs: (cookie) => cookie.parseCookie(one),
    aim: 1.1,
  },
  {
    name: "read 8 KiB of k0=%;k1=%;…",
    ours: () => parseCookies(broken),
    theirs: (cookie) => cookie.parseCookie(broken),
    aim: 0.06,
  },
  {
    name: "write the session cookie",
    ours: () => serializeCookie("__Host-session_id", sessionId, cookieOptions),
    theirs: (cookie) => cookie.stringifySetCookie(sessionCookie),
    aim: 0.85,
  },
];

// What an attacker would send: each is cut to a size, and the name looked for is "a".
const hostileShapes: readonly (readonly [name: string, unit: string])[] = [
  ["pieces without =", "a;"],
  ["only ;", ";"],
  ["only =", "="],
  ["only blanks", " "],
  ["the name again and again", "a"],
  ["the name between blanks", `${" ".repeat(50)}a${"\t".repeat(50)}`],
  ["one name, one run of blanks", `a${" ".repeat(200_000)}`],
  ["one run of blanks, then a name", `${" ".repeat(200_000)}a=`],
  ["near hits", "aa=1;ba=2;a b=3;"],
  ["empty names", "=a;"],
  ["malformed escapes", "k=%;"],
  ["one long value of malformed escapes", "%E2%82"],
  ["one long value of bare %", "%"],
  ["one long value of valid escapes", "%E2%82%AC"],
  ["distinct names", "k"],
  ["one name repeated", "b=1;"],
  ["quotes and commas", '"a=1,",'],
];

function shape(unit: string, size: number): string {
  if (unit === "k") return header(numbered(size / 4, "1", ";").slice(0, size));
  const start = unit.startsWith("%") ? "v=" : "";
  return header((start + unit.repeat(Math.ceil(size / unit.length))).slice(0, size));
}

let sink: unknown;

// Milliseconds for so many calls.
function time(job: Job, calls: number): number {
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call++) sink = job();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

// Calls that take about 4 ms, once the code is warm.
function calibrate(job: Job): number {
  let calls = 1;
  while (time(job, calls) < 4) calls *= 2;
  return calls;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted[middle] ?? Number.NaN;
}

// Microseconds a call of each job: medians of so many rounds, in each of which all take their turn.
function compare(jobs: readonly Job[], rounds: number): readonly number[] {
  const calls = jobs.map(calibrate);
  const times = Array.from({ length: rounds }, () =>
    jobs.map((job, index) => time(job, calls[index] ?? 1) / (calls[index] ?? 1)),
  );
  return jobs.map((_, index) => 1e3 * median(times.map((round) => round[index] ?? Number.NaN)));
}

const functions: readonly (readonly [name: string, run: (text: string) => unknown])[] = [
  ["getCookie", (text) => getCookie(text, "a")],
  ["parseCookies", parseCookies],
  ["parseCookiePairs", parseCookiePairs],
  ["serializeCookie", refuseToWrite],
];

// Every text of a cookie in turn: each is too long, and refused.
function refuseToWrite(text: string): void {
  const writings = [
    () => serializeCookie(text, ""),
    () => serializeCookie("a", text),
    () => serializeCookie("a", "", { domain: text }),
    () => serializeCookie("a", "", { path: `/${text}` }),
  ];
  for (const write of writings) {
    try {
      sink = write();
    } catch {}
  }
}

// One fresh process: all figures, in the order of the rows.
function measure(): readonly (readonly number[])[] {
  const figures = comparisons.map(({ ours, theirs }) =>
    compare([ours, () => theirs(cookie2), () => theirs(cookie1)], 25),
  );
  for (const [, unit] of hostileShapes) {
    const small = shape(unit, 16 * 1024);
    const large = shape(unit, 128 * 1024);
    for (const [, run] of functions) figures.push(compare([() => run(large), () => run(small)], 5));
  }
  return figures;
}

function report(processes: number): void {
  const script = fileURLToPath(import.meta.url);
  const runs = Array.from({ length: processes }, (): readonly (readonly number[])[] => {
    const args = ["--import", "tsx", script, "--measure"];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  });
  const figure = (row: number, of: (times: readonly number[]) => number): number =>
    median(runs.map((run) => of(run[row] ?? [])));
  const ratio = (row: number, to: number): number =>
    figure(row, (times) => (times[0] ?? 0) / (times[to] ?? 0));
  const ours = (row: number): number => figure(row, ([time = 0]) => time);

  console.log(`Node ${process.version}, ${processes} processes. Lower is faster.`);
  console.log("ours : cookie 2 (aim), ours : cookie 1, ours");
  comparisons.forEach(({ name, aim }, row) => {
    const newest = ratio(row, 1);
    const older = ratio(row, 2).toFixed(3);
    const verdict = newest <= aim ? "" : "  MISSED";
    if (verdict !== "") process.exitCode = 1;
    console.log(
      `${newest.toFixed(3)} (${aim})  ${older}  ${ours(row).toFixed(2)} µs  ${name}${verdict}`,
    );
  });
  console.log("\n128 KiB : 16 KiB, 8 is linear.");
  hostileShapes.forEach(([name], index) => {
    functions.forEach(([called], column) => {
      const row = comparisons.length + index * functions.length + column;
      const growth = ratio(row, 1);
      const verdict = growth <= 16 ? "" : "  NOT LINEAR";
      if (verdict !== "") process.exitCode = 1;
      console.log(
        `${growth.toFixed(1).padStart(5)}  ${ours(row).toFixed(1)} µs  ${called}: ${name}${verdict}`,
      );
    });
  });
}

if (process.argv.includes("--measure")) console.log(JSON.stringify(measure()));
else report(Number(process.argv[2] ?? 5));
void sink;

// Measures Plinth beside a bare node:http server and its peers, and prints one table.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { amongTwelve, check, logIn, median, plinthsAnswers } from "./harness.mjs";
import { send, start, titles } from "./harness.mjs";
import { generator, keepAwake, load } from "./load.mjs";
import { startUp } from "./startup.mjs";

const usage = `Usage: npm run bench -- [options]

  --rounds N        rounds, each with fresh processes (default 5)
  --seconds N       how long each server is loaded, after 1 s of warming up (default 4)
  --scenario a,b    page, cookies12, heartbeat, redirect, login, guarded, routes, million,
                    anywhere, memory, expiry, startup
  --only a,b        ${Object.keys(titles).slice(2).join(", ")};
                    bare and plinth are always there
  --quick           1 round of 1 s, a tenth of the sessions: tells that it works, measures nothing
`;

const throughput = {
  page: "page with a session, 1 cookie",
  cookies12: "page with a session, among 12 cookies",
  heartbeat: "heartbeat",
  redirect: "redirect, no cookie",
  login: "login churn, cheap password check",
  guarded: "… with Plinth's throttle and log",
  routes: "page with a session, among 1,000 routes",
};
const forPlinth = ["guarded", "routes"];
const others = ["million", "anywhere", "memory", "expiry", "startup"];
const scenarioNames = [...Object.keys(throughput), ...others];

function refuse(message) {
  console.error(`${message}: see --help`);
  process.exit(1);
}

function readOptions() {
  const text = { type: "string" };
  const flag = { type: "boolean", default: false };
  const { values } = parseArgs({
    options: { rounds: text, seconds: text, scenario: text, only: text, quick: flag, help: flag },
  });
  if (values.help) {
    console.log(usage);
    process.exit();
  }
  const list = (given, all, what) => {
    const chosen = given?.split(",") ?? all;
    const unknown = chosen.find((name) => !all.includes(name));
    if (unknown !== undefined) refuse(`Cannot measure ${what} "${unknown}"`);
    return chosen;
  };
  const whole = (given, fallback) => {
    if (/^[1-9]\d{0,3}$/.test(given ?? fallback)) return Number(given ?? fallback);
    return refuse(`Cannot use "${given}": not a whole number from 1 on`);
  };
  const { quick } = values;
  return {
    rounds: whole(values.rounds, quick ? 1 : 5),
    seconds: whole(values.seconds, quick ? 1 : 4),
    scenarios: list(values.scenario, scenarioNames, "scenario"),
    servers: [...new Set(["bare", "plinth", ...list(values.only, Object.keys(titles), "server")])],
    most: quick ? 100_000 : 1_000_000,
  };
}

const options = readOptions();
const { rounds, seconds, servers: names, most } = options;
const progress = (line) => process.stderr.write(`${line}\n`);
const hour = 3_600_000;

/** Runs scenarios side by side in every round: name of the scenario -> server -> results. */
async function measure(scenarios, sessions) {
  const results = Object.fromEntries(scenarios.map((scenario) => [scenario, {}]));
  for (let round = 0; round < rounds; round++) {
    // Another order each round, so that nobody always follows the same neighbour.
    const order = names.map((_, index) => names[(index + round) % names.length]);
    const servers = [];
    for (const name of order) {
      const server = await start(name, answers);
      await check(server, answers);
      if (server.hasStore && sessions > 0) await fill(server, 0, sessions, Date.now() + hour);
      if (server.hasStore || sessions === 0 || name === "bare") servers.push(server);
      else await server.stop();
    }
    for (const scenario of scenarios) {
      for (const server of servers) {
        if (forPlinth.includes(scenario) && !["bare", "plinth"].includes(server.name)) continue;
        const result = await measureOne(server, scenario);
        (results[scenario][server.name] ??= []).push(result);
        const bare = results[scenario].bare?.[round];
        const ratio = bare === undefined ? "" : (result.rate / bare.rate).toFixed(2);
        const what = `${scenario.padEnd(10)} ${server.name.padEnd(24)}`;
        const rate = `${Math.round(result.rate)}/s`.padStart(9);
        progress(`round ${round + 1}/${rounds}  ${what} ${rate}  ${ratio}`);
      }
    }
    for (const server of servers) await server.stop();
  }
  return results;
}

async function measureOne(server, scenario) {
  const isLogin = scenario === "login" || scenario === "guarded";
  const path = isLogin ? "/login" : scenario === "heartbeat" ? "/heartbeat" : "/";
  const needsCookie = ["page", "cookies12", "routes", "million"].includes(scenario);
  let cookie;
  await server.ask("setUp", scenario);
  if (server.name === "bare") {
    // As long as Plinth's: parsing the header is a part of what node:http does.
    cookie = needsCookie ? `session_id=${"x".repeat(43)}` : undefined;
  } else if (needsCookie) {
    cookie = await logIn(server, "user-0");
  }
  if (scenario === "cookies12") cookie = amongTwelve(cookie);
  const target = { url: server.url(path), cookie, isLogin };
  await load({ ...target, seconds: 1 });
  const before = await server.ask("cpu");
  const result = await load({ ...target, seconds });
  return { ...result, cpu: ((await server.ask("cpu")) - before) / result.requests };
}

/** Stores sessions past the server's HTTP, and checks that the last one opens the page. */
async function fill(server, from, to, expiresAt) {
  await expectPage(server, await server.ask("fill", { from, to, expiresAt }), `user-${to - 1}`);
}

async function expectPage(server, Cookie, user) {
  const reply = await send(server.url("/"), { headers: { Cookie } });
  if (reply.body.includes(user)) return;
  throw new Error(`Cannot fill ${server.name}: a session stored just now opens nothing`);
}

/** Plinth alone: a get, a set and a create among a million and among a thousand, anywhere there. */
async function anywhere() {
  const visits = { get: "/", set: "/write", create: "/login" };
  const times = { get: [], set: [], create: [] };
  for (let round = 0; round < rounds; round++) {
    const among = [];
    for (const sessions of [1000, most]) {
      const server = await start("plinth", answers);
      // So many that hardly one is visited twice in a run: what was read last is not in a cache.
      const step = Math.max(1, sessions / 100_000);
      const cookies = [];
      for (let from = 0; from < sessions; from += step) {
        const expiresAt = Date.now() + hour;
        cookies.push(await server.ask("fill", { from, to: from + step, expiresAt }));
      }
      await expectPage(server, cookies.at(-1), `user-${sessions - 1}`);
      among.push({ server, cookies });
    }
    for (const [visit, path] of Object.entries(visits)) {
      const rates = {};
      for (const { server, cookies } of round % 2 === 0 ? among : among.toReversed()) {
        const isLogin = visit === "create";
        const target = { url: server.url(path), isLogin, cookies: isLogin ? undefined : cookies };
        await load({ ...target, cookies: target.cookies?.slice(0, 1), seconds: 1 });
        rates[cookies.length] = Math.round((await load({ ...target, seconds })).rate);
      }
      const [few, many] = Object.values(rates); // Numbers as keys are in order.
      times[visit].push(few / many);
      progress(`round ${round + 1}/${rounds}  ${visit}  ${few}/s, ${many}/s among ${most}`);
    }
    for (const { server } of among) await server.stop();
  }
  return times;
}

/** Runs a job on each server that has a store, one after the other: server -> result. */
async function onEachStore(job) {
  const results = {};
  for (const name of names) {
    const server = await start(name, answers);
    if (server.hasStore) results[name] = await job(server);
    await server.stop();
  }
  return results;
}

async function memory(server) {
  await check(server, answers); // So that code compiled on the way is not counted.
  const expiresAt = Date.now() + hour;
  await fill(server, 0, 10, expiresAt);
  const empty = await server.ask("heap");
  await fill(server, 10, most / 10, expiresAt);
  const tenth = ((await server.ask("heap")) - empty) / (most / 10 - 10);
  await fill(server, most / 10, most, expiresAt);
  const all = ((await server.ask("heap")) - empty) / (most - 10);
  progress(`memory  ${server.name}  ${Math.round(tenth)}, ${Math.round(all)} bytes a session`);
  return { tenth, all };
}

async function expiry(server) {
  // All expire at one moment, late enough for all to be there by then: a few, which stay, tell.
  const few = most / 100;
  const started = Date.now();
  await fill(server, 0, few, started + hour);
  const deadline = Date.now() + 10_000 + ((Date.now() - started) * 2 * most) / few;
  await fill(server, few, most + few, deadline);
  const Cookie = await logIn(server, "user-0");
  await server.ask("heap"); // Collects what filling left behind: its pauses are not expiry's.
  await server.ask("watch");
  // One visitor goes on meanwhile. Plinth sweeps every minute, so 75 s see all of it.
  let held = most;
  while (Date.now() < deadline + 75_000 && held > few + 1) {
    for (let count = 0; count < 1000; count++) {
      await send(server.url("/"), { headers: { Cookie } });
    }
    held = await server.ask("held");
  }
  const pause = await server.ask("pause");
  const part = (held - few - 1) / most;
  progress(`expiry  ${server.name}  ${pause.toFixed(1)} ms, ${(part * 100).toFixed(0)} % held`);
  return { pause, part };
}

const rows = [];
function addRow(title, cell) {
  rows.push([title, ...names.map((name) => cell(name) ?? "–")]);
}

function range(numbers, digits) {
  return `${Math.min(...numbers).toFixed(digits)} to ${Math.max(...numbers).toFixed(digits)}`;
}

function addThroughput(title, results) {
  const of = (name, what) => median(results[name].map((result) => result[what]));
  addRow(title, (name) => {
    if (results[name] === undefined) return undefined;
    const bare = results.bare.map((result) => result.rate);
    if (name === "bare") return `**${of(name, "rate").toFixed(0)}/s** (${range(bare, 0)})`;
    const ratios = results[name].map((result, round) => result.rate / bare[round]);
    return `**${(of(name, "rate") / of("bare", "rate")).toFixed(2)}** (${range(ratios, 2)})`;
  });
  addRow("… p50 / p99, ms", (name) =>
    results[name] && `${of(name, "p50").toFixed(2)} / ${of(name, "p99").toFixed(2)}`,
  );
  addRow("… CPU a request, µs (to bare)", (name) => {
    if (results[name] === undefined) return undefined;
    return `${of(name, "cpu").toFixed(1)} (${(of(name, "cpu") / of("bare", "cpu")).toFixed(2)})`;
  });
}

const answers = await plinthsAnswers();
const sleep = keepAwake() ? "are kept awake" : "may sleep";
const has = (scenario) => options.scenarios.includes(scenario);
const count = (number) => number.toLocaleString("en");

const chosen = Object.keys(throughput).filter(has);
if (chosen.length > 0) {
  const results = await measure(chosen, 0);
  for (const scenario of chosen) addThroughput(throughput[scenario], results[scenario]);
}
if (has("million")) {
  const { million } = await measure(["million"], most);
  addThroughput(`page, ${count(most)} sessions live`, million);
}
if (has("anywhere")) {
  for (const [visit, times] of Object.entries(await anywhere())) {
    const title = `${visit}, time among ${count(most)} sessions to that among 1,000`;
    const cell = `**${median(times).toFixed(2)}** (${range(times, 2)})`;
    addRow(title, (name) => (name === "plinth" ? cell : undefined));
  }
}
if (has("memory")) {
  const bytes = await onEachStore(memory);
  const cell = (name, key) => bytes[name] && String(Math.round(bytes[name][key]));
  addRow(`heap bytes a session, ${count(most / 10)} live`, (name) => cell(name, "tenth"));
  addRow(`heap bytes a session, ${count(most)} live`, (name) => cell(name, "all"));
}
if (has("expiry")) {
  const seen = await onEachStore(expiry);
  addRow(`longest pause while ${count(most)} expire, ms`, (name) => seen[name]?.pause.toFixed(1));
  addRow("… held 75 s later", (name) => seen[name] && `${(seen[name].part * 100).toFixed(0)} %`);
}
if (has("startup")) {
  const seen = await startUp(rounds * 3, progress);
  addRow("start to first answer, ms", (name) => seen[name]?.time.toFixed(0));
  addRow("resident memory at rest, MB", (name) => seen[name]?.memory.toFixed(1));
}

const head = ["", ...names.map((name) => titles[name])];
const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
console.log(`\nNode ${process.version}, ${cpus().length} × ${cpus()[0].model}, ${generator},`);
console.log(`waiting processors ${sleep}; ${rounds} rounds of ${seconds} s: the medians, and the`);
console.log("lowest to highest of the rounds.\n");
console.log(lines.join("\n"));

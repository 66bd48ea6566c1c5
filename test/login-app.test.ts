// The login application over real HTTP: who gets in, who does not, and what is told of it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Scrypt } from "../src/login/password.ts";
import { PasswordCheckerBusyError } from "../src/login/password-checker.ts";
import type { UserStore } from "../src/login/users.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { cheapScrypt, heldScrypt } from "./fake-scrypt.ts";
import { gate } from "./gate.ts";
import { interposedStore } from "./interposed-store.ts";
import { hashCheaply, password, startLogin, Visitor } from "./test-server.ts";
import type { Answer, LoginServer } from "./test-server.ts";

const minute = 60_000;
const hour = 60 * minute;

function locationOf({ status, headers }: Answer): string {
  return `${status} ${headers.get("location")}`;
}

function alertOf({ body }: Answer): string | undefined {
  return /role="alert">([^<]*)</.exec(body)?.[1];
}

async function isLoggedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.get("/profile")).status === 200;
}

test("a visitor is sent to the form, logs in, looks, logs out, and the old cookie is dead", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  assert.equal(locationOf(await visitor.get("/")), "303 /login");
  const form = await visitor.get("/login");
  assert.equal(form.status, 200);
  assert.match(form.body, /name="username"[^]*name="password"/);
  assert.equal(visitor.cookie, "");

  const entered = await visitor.logIn();
  assert.equal(locationOf(entered), "303 /");
  assert.equal(entered.headers.getSetCookie().length, 1);
  assert.match(visitor.cookie, /^session_id=[\w-]{43}$/);
  assert.match((await visitor.get("/")).body, /<h1>Hello, ada<\/h1>/);
  const profile = await visitor.get("/profile");
  assert.equal(profile.headers.get("content-type"), "application/json");
  assert.equal(profile.body, '{"username":"ada"}');

  const thief = new Visitor(server);
  thief.cookie = visitor.cookie;
  const left = await visitor.post("/logout");
  assert.equal(locationOf(left), "303 /login");
  assert.equal(left.headers.get("clear-site-data"), '"cache", "storage"');
  assert.equal(visitor.cookie, "");
  assert.equal(left.headers.getSetCookie()[0], "logged_out=1; Path=/; Max-Age=1; HttpOnly; SameSite=Lax");
  const denied = await thief.get("/profile");
  assert.deepEqual([denied.status, denied.body], [401, '{"error":"Log in first."}']);
  assert.equal(locationOf(await thief.get("/")), "303 /login");
  assert.deepEqual(server.newEvents(), ["login", "logout"]);
});

test("a wrong password is 401: the form again, the name kept, the reason announced", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  const refused = await visitor.logIn("ada", "wrong");
  assert.equal(refused.status, 401);
  assert.equal(alertOf(refused), "User name or password is wrong.");
  assert.match(refused.body, /name="username" value="ada"/);
  assert.equal(refused.body.includes('value="wrong"'), false);
  assert.match(refused.headers.get("www-authenticate") ?? "", /^Session /);
  assert.deepEqual(refused.headers.getSetCookie(), []);
  assert.equal(locationOf(await visitor.logIn()), "303 /");
});

const refusedLogins: readonly (readonly [claim: string, username: string, typed: string])[] = [
  ["a name that nobody has", "nobody", password],
  ["another account's name in other letters", "Ada", password],
  ["another account's name in wide letters", "\uff41da", password],
  ["an empty name", "", password],
  ["a name with a space", "ada ", password],
  ["a name with NUL", "ada\0", password],
  ["a name of 65 characters", "a".repeat(65), password],
  ["an empty password", "ada", ""],
  ["the password with NUL behind it, which scrypt takes for the same", "ada", `${password}\0`],
  ["a password of 257 bytes", "ada", "x".repeat(257)],
  ["a password with a space behind it", "ada", `${password} `],
  ["the name of something that every object has", "__proto__", password],
];

for (const [claim, username, typed] of refusedLogins) {
  test(`${claim} is an ordinary refusal, in the same words`, async (t) => {
    const server = await startLogin(t);
    const visitor = new Visitor(server);
    const refused = await visitor.logIn(username, typed);
    assert.equal(refused.status, 401);
    assert.equal(alertOf(refused), "User name or password is wrong.");
    assert.equal(visitor.cookie, "");
  });
}

test("a form without the two fields is refused like a wrong one", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  const refused = await visitor.post("/login");
  assert.equal(refused.status, 401);
  assert.match(refused.body, /name="username" value=""/);
  assert.equal((await visitor.post("/login", { username: "ada" })).status, 401);
  assert.equal((await visitor.send("POST", "/login")).status, 401);
});

test("a password of 256 bytes is a try, and one of 257 is none", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  const statuses: number[] = [];
  for (const length of [...new Array<number>(6).fill(257), ...new Array<number>(6).fill(256)]) {
    statuses.push((await visitor.logIn("ada", "x".repeat(length))).status);
  }
  assert.deepEqual(statuses, [...new Array<number>(11).fill(401), 429]);
});

test("the sixth try is 429, the same for the right password and for a name nobody has", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  const other = new Visitor(server);
  await other.logIn("ben");
  for (let tries = 0; tries < 5; tries += 1) {
    assert.equal((await visitor.logIn("ada", "wrong")).status, 401);
    assert.equal((await visitor.logIn("eve", "wrong")).status, 401);
  }
  const wrong = await visitor.logIn("ada", "wrong");
  assert.equal(wrong.status, 429);
  assert.equal(wrong.headers.get("retry-after"), "30");
  assert.equal(alertOf(wrong), "Too many tries. Seconds to wait: 30.");
  const right = await visitor.logIn();
  const unknown = await visitor.logIn("eve");
  const known = { ...wrong, body: wrong.body.replace('value="ada"', 'value="eve"') };
  for (const [answer, expected] of [[right, wrong], [unknown, known]] as const) {
    assert.deepEqual([answer.status, answer.body], [expected.status, expected.body]);
    assert.deepEqual([...answer.headers.keys()], [...expected.headers.keys()]);
    assert.equal(answer.headers.get("retry-after"), "30");
  }
  assert.equal(visitor.cookie, "");
  // The page, and whoever is logged in, are not concerned.
  assert.equal((await visitor.get("/login")).status, 200);
  assert.equal(await isLoggedIn(other), true);

  server.clock.advance(30_000 - 1);
  assert.equal((await visitor.logIn()).status, 429);
  server.clock.advance(1);
  assert.equal((await visitor.logIn()).status, 303);
});

test("a right password costs no try, however often it is typed", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  for (let logins = 0; logins < 7; logins += 1) {
    assert.equal((await visitor.logIn()).status, 303);
  }
});

/** A scrypt that is held, and tells when its first call came. */
function announcedScrypt() {
  const [held, started] = [heldScrypt(), gate()];
  const scrypt: Scrypt = (...call) => {
    void started.pass();
    held.scrypt(...call);
  };
  return { held, scrypt, started: started.reached };
}

test("what is no try costs none: a bad form, what nobody can have, a busy server", async (t) => {
  const { held, started, scrypt } = announcedScrypt();
  const server = await startLogin(t, { hashing: { scrypt, maxRunning: 1, maxQueued: 0 } });
  const first = new Visitor(server).logIn();
  await started;
  const other = new Visitor(server);
  // One more than an address has.
  for (let tries = 0; tries < 31; tries += 1) {
    const refused = await other.logIn();
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "5");
    assert.equal(alertOf(refused), "Too many people log in right now. Try again soon.");
    assert.match(refused.body, /value="ada"/);
    assert.equal((await other.logIn(`a ${tries}`)).status, 401);
    assert.equal((await other.logIn("ada", "x".repeat(257))).status, 401);
    assert.equal((await other.send("POST", "/login", {}, "text")).status, 415);
  }
  assert.equal(other.cookie, "");
  await held.finish(0);
  assert.equal((await first).status, 303);
  assert.match(server.lines[0] ?? "", /"level":"warn","event":"login-busy","address":"127.0.0.1"\}$/);
  const busy = new Array<string>(31).fill("login-busy");
  const failed = new Array<string>(62).fill("login-failed");
  assert.deepEqual([...server.newEvents()].sort(), ["login", ...busy, ...failed]);
});

test("with 50 logins at once the heartbeat answers, and each is answered in the end", async (t) => {
  const held = heldScrypt();
  const server = await startLogin(t, { hashing: { scrypt: held.scrypt }, trustedProxies: 1 });
  const visitor = new Visitor(server);
  const answered: number[] = [];
  const decided = gate();
  const logins = Array.from({ length: 50 }, async (_, index) => {
    const form = { username: index % 2 === 0 ? "ada" : `nobody-${index}`, password };
    const address = { "x-forwarded-for": `192.0.2.${index}` };
    const { status } = await new Visitor(server).post("/login", form, address);
    answered.push(status);
    if (answered.length === 16) void decided.pass();
  });
  // 2 are checked, 32 wait: the others know at once.
  await decided.reached;
  for (const status of answered) assert.ok([429, 503].includes(status), `${status}`);
  assert.equal((await visitor.get("/heartbeat")).status, 200);
  assert.equal((await visitor.get("/login")).status, 200);
  for (let index = 0; index < 34; index += 1) await held.finish(index);
  await Promise.all(logins);
  for (const status of answered.slice(16)) assert.ok([303, 401].includes(status), `${status}`);
});

/** A login whose client leaves, when this has happened; answers when the server knows. */
async function leaveLogin(server: LoginServer, name: string, when: Promise<unknown>): Promise<void> {
  const leaving = new AbortController();
  const seen = once(server.server, "request");
  const body = new URLSearchParams({ username: name, password });
  const { signal } = leaving;
  const login = fetch(`${server.url}/login`, { method: "POST", body, signal });
  const [, response] = await seen;
  await when;
  leaving.abort();
  await assert.rejects(login, { name: "AbortError" });
  await once(response, "close");
}

test("a check whose client left the queue is not made", async (t) => {
  const { held, started, scrypt } = announcedScrypt();
  const [ada, sought] = [await hashCheaply(), gate()];
  const users: UserStore = {
    findHash(name) {
      if (name === "ben") void sought.pass();
      return ada;
    },
  };
  const server = await startLogin(t, { users, hashing: { scrypt, maxRunning: 1 } });
  const first = new Visitor(server).logIn("ada", "first");
  await started;
  await leaveLogin(server, "ben", sought.reached);
  await held.finish(0);
  assert.equal((await first).status, 401);
  assert.deepEqual(held.texts(), ["first"]);
  assert.deepEqual([...server.newEvents()].sort(), ["login-busy", "login-failed"]);
});

test("a login whose client left during the check makes no session, and costs no try", async (t) => {
  const { held, started, scrypt } = announcedScrypt();
  const holdFirst: Scrypt = (...call) =>
    held.texts().length === 0 ? scrypt(...call) : cheapScrypt(...call);
  const store = new MemoryStore();
  const server = await startLogin(t, { store, hashing: { scrypt: holdFirst } });
  await leaveLogin(server, "ada", started);
  await held.finish(0);
  assert.equal(store.size, 0);
  // Whoever guesses and hangs up would else try right passwords unseen.
  assert.deepEqual(server.newEvents(), ["login"]);
  const visitor = new Visitor(server);
  for (let tries = 0; tries < 5; tries += 1) {
    assert.equal((await visitor.logIn("ada", "wrong")).status, 401);
  }
});

function renewing(old: string, renewed: string[]): UserStore {
  const hashes = new Map([["ada", old]]);
  return {
    findHash: (name) => hashes.get(name),
    renew(name, passwordHash) {
      hashes.set(name, passwordHash);
      renewed.push(passwordHash);
    },
  };
}

test("an old hash is renewed at the next right login, once, and still opens", async (t) => {
  const renewed: string[] = [];
  const old = await hashCheaply({ parameters: "ln=14,r=8,p=5" });
  const server = await startLogin(t, { users: renewing(old, renewed) });
  const visitor = new Visitor(server);
  assert.equal((await visitor.logIn("ada", "wrong")).status, 401);
  assert.deepEqual(renewed, []);
  assert.equal((await visitor.logIn()).status, 303);
  assert.equal(renewed.length, 1);
  assert.match(renewed[0] ?? "", /^\$scrypt\$ln=17,r=8,p=1\$/);
  assert.equal((await visitor.logIn()).status, 303);
  assert.equal(renewed.length, 1);
});

test("an old hash opens where the accounts cannot be changed", async (t) => {
  const old = await hashCheaply({ parameters: "ln=15,r=8,p=3" });
  const server = await startLogin(t, { users: { findHash: () => old } });
  assert.equal((await new Visitor(server).logIn()).status, 303);
  assert.deepEqual(server.newEvents(), ["login"]);
});

test("a login that could not renew its hash is one all the same, and the log says why", async (t) => {
  const old = await hashCheaply({ parameters: "ln=14,r=8,p=5" });
  for (const error of [new Error("disk full"), new PasswordCheckerBusyError()]) {
    const users: UserStore = {
      findHash: () => old,
      renew() {
        throw error;
      },
    };
    const server = await startLogin(t, { users });
    const visitor = new Visitor(server);
    assert.equal((await visitor.logIn()).status, 303);
    assert.equal((await visitor.get("/profile")).body, '{"username":"ada"}');
    const [failed, login] = server.lines.map((line) => JSON.parse(line));
    const { level, event, address, user, cause } = failed;
    assert.deepEqual([level, event, address, user], ["warn", "renewal-failed", "127.0.0.1", "ada"]);
    assert.equal(cause.includes(error.message), true);
    assert.equal(login.event, "login");
  }
});

test("where the accounts answer null for nobody, the log does not name what was typed", async (t) => {
  // As a client of Redis does: a user store need not be written in TypeScript.
  const nothing = JSON.parse("null");
  const server = await startLogin(t, { users: { findHash: () => nothing } });
  assert.equal((await new Visitor(server).logIn("hunter2-typed-as-name")).status, 401);
  assert.match(server.lines[0] ?? "", /"event":"login-failed","address":"127.0.0.1"\}$/);
});

test("a fault of the accounts is 500, tells nothing, costs no try and logs nobody in", async (t) => {
  let isDown = true;
  const ada = await hashCheaply();
  const users: UserStore = {
    findHash(name) {
      // What is thrown need not be an error.
      if (isDown) throw name === "ada" ? new Error("disk on fire") : "smoke";
      return ada;
    },
  };
  const server = await startLogin(t, { users });
  const visitor = new Visitor(server);
  for (let tries = 0; tries < 6; tries += 1) {
    const answer = await visitor.logIn();
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.body, /fire|disk/);
  }
  assert.equal((await visitor.logIn("eve")).status, 500);
  assert.equal(visitor.cookie, "");
  assert.match(server.lines[0] ?? "", /"event":"fault","method":"POST","cause":"Error: disk on fire/);
  assert.match(server.lines[6] ?? "", /"cause":"smoke"/);
  isDown = false;
  assert.equal((await visitor.logIn()).status, 303);
});

test("logging in anew ends the session before, whoever's it was", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  await visitor.logIn();
  const before = visitor.cookie;
  await visitor.logIn("ben");
  assert.notEqual(visitor.cookie, before);
  assert.equal((await visitor.get("/profile")).body, '{"username":"ben"}');
  visitor.cookie = before;
  assert.equal(await isLoggedIn(visitor), false);
});

test("an id that the visitor brings is never adopted", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  const planted = `session_id=${"A".repeat(43)}`;
  visitor.cookie = planted;
  assert.equal((await visitor.logIn()).status, 303);
  assert.notEqual(visitor.cookie, planted);
});

test("a session ends 30 minutes after its last use, and 8 hours after the login", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  await visitor.logIn();
  server.clock.advance(30 * minute - 1);
  assert.equal(await isLoggedIn(visitor), true);
  server.clock.advance(30 * minute);
  assert.equal(await isLoggedIn(visitor), false);

  await visitor.logIn();
  for (let time = 0; time < 8 * hour - 20 * minute; time += 20 * minute) {
    server.clock.advance(20 * minute);
    assert.equal(await isLoggedIn(visitor), true);
  }
  server.clock.advance(20 * minute - 1);
  assert.equal(await isLoggedIn(visitor), true);
  server.clock.advance(1);
  assert.equal(await isLoggedIn(visitor), false);
});

const firefox = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";

async function threeBrowsers(server: { readonly url: string }): Promise<readonly Visitor[]> {
  const visitors = [new Visitor(server), new Visitor(server), new Visitor(server)];
  const form = { username: "ada", password };
  for (const visitor of visitors) await visitor.post("/login", form, { "user-agent": firefox });
  return visitors;
}

function noticeOf({ body }: Answer): string | undefined {
  return /role="status">([^<]*)</.exec(body)?.[1];
}

function handlesIn({ body }: Answer): readonly string[] {
  return [...body.matchAll(/name="handle" value="([^"]*)"/g)].map(([, handle = ""]) => handle);
}

test("the sessions page lists the user's own, in plain words, this one marked", async (t) => {
  const server = await startLogin(t);
  const [first, second] = await threeBrowsers(server);
  await new Visitor(server).logIn("ben");
  server.clock.advance(2 * minute);
  const list = await first?.get("/sessions") ?? assert.fail();
  assert.equal(list.status, 200);
  assert.equal(list.body.match(/Firefox on Windows/g)?.length, 3);
  assert.equal(list.body.match(/Started <time [^>]*>2 minutes ago/g)?.length, 3);
  assert.equal(list.body.match(/This browser/g)?.length, 1);
  assert.equal(handlesIn(list).length, 2);
  for (const visitor of [first, second]) {
    const [, id = "none"] = visitor?.cookie.split("=") ?? [];
    assert.equal(list.body.includes(id), false);
  }
  assert.equal(locationOf(await new Visitor(server).get("/sessions")), "303 /login");
});

test("a user ends another session of theirs, and is told once", async (t) => {
  const server = await startLogin(t);
  const visitors = await threeBrowsers(server);
  const [first = assert.fail()] = visitors;
  const [handle = ""] = handlesIn(await first.get("/sessions"));
  assert.equal(locationOf(await first.post("/sessions/end", { handle })), "303 /sessions");
  assert.equal(noticeOf(await first.get("/sessions")), "1 session was ended.");
  assert.equal(noticeOf(await first.get("/sessions")), undefined);
  assert.deepEqual(await Promise.all(visitors.map(isLoggedIn)), [true, false, true]);

  for (const form of [{ handle }, { handle: "" }, {}] as const) {
    await first.post("/sessions/end", form);
    assert.equal(noticeOf(await first.get("/sessions")), "That had ended already.");
  }
  const ended = /"level":"info","event":"sessions-ended","address":"127.0.0.1","user":"ada","count":0\}$/;
  assert.match(server.lines.at(-1) ?? "", ended);
  assert.deepEqual(server.newEvents().slice(3), new Array(4).fill("sessions-ended"));
});

test("nobody ends another user's session, knowing its handle", async (t) => {
  const server = await startLogin(t);
  const [ada = assert.fail()] = await threeBrowsers(server);
  const [handle = ""] = handlesIn(await ada.get("/sessions"));
  const ben = new Visitor(server);
  await ben.logIn("ben");
  await ben.post("/sessions/end", { handle });
  assert.equal(noticeOf(await ben.get("/sessions")), "That had ended already.");
  assert.deepEqual(handlesIn(await ada.get("/sessions")).includes(handle), true);
});

test("a user ends all other sessions, and stays logged in", async (t) => {
  const server = await startLogin(t);
  const visitors = await threeBrowsers(server);
  const ben = new Visitor(server);
  await ben.logIn("ben");
  const [first = assert.fail()] = visitors;
  assert.equal(locationOf(await first.post("/sessions/end-others")), "303 /sessions");
  assert.equal(noticeOf(await first.get("/sessions")), "2 sessions were ended.");
  assert.deepEqual(await Promise.all([...visitors, ben].map(isLoggedIn)), [true, false, false, true]);
});

test("a user logs out everywhere, here too", async (t) => {
  const server = await startLogin(t);
  const visitors = await threeBrowsers(server);
  const [first = assert.fail()] = visitors;
  const { cookie } = first;
  const left = await first.post("/sessions/end-all");
  assert.equal(locationOf(left), "303 /login");
  assert.equal(left.headers.get("clear-site-data"), '"cache", "storage"');
  assert.equal(first.cookie, "");
  first.cookie = cookie;
  assert.deepEqual(await Promise.all(visitors.map(isLoggedIn)), [false, false, false]);
  const [ended = "", loggedOut = ""] = server.lines.slice(3);
  assert.match(ended, /"level":"info","event":"sessions-ended","address":"127.0.0.1","user":"ada","count":3\}$/);
  assert.match(loggedOut, /"level":"info","event":"logout","address":"127.0.0.1","user":"ada","session":"[\w-]{22}"\}$/);
});

for (const path of ["/sessions/end", "/sessions/end-others", "/sessions/end-all"]) {
  test(`${path} from a session that has ended says that it changed nothing`, async (t) => {
    const visitors = await threeBrowsers(await startLogin(t));
    const [first = assert.fail()] = visitors;
    const { cookie } = first;
    await first.post("/logout");
    first.cookie = cookie;
    const refused = await first.post(path);
    assert.equal(refused.status, 401);
    assert.match(refused.body, /<p>Your session had ended already: this changed nothing\. Log in to go on\.<\/p>/);
    assert.deepEqual(await Promise.all(visitors.map(isLoggedIn)), [false, true, true]);
  });
}

test("a session that was started without a browser's name is listed all the same", async (t) => {
  const store = new MemoryStore();
  const nameless = interposedStore(store, async (method, ask) => {
    const answer = await ask();
    if (method !== "listByOwner" || !Array.isArray(answer)) return answer;
    return answer.map((session) => ({ ...session, data: new Map() }));
  });
  const visitor = new Visitor(await startLogin(t, { store: nameless, clock: Date.now }));
  await visitor.logIn();
  assert.match((await visitor.get("/sessions")).body, /<strong>An unknown browser<\/strong>/);
});

type Fields = Readonly<Record<string, string>>;

const logouts: readonly (readonly [
  claim: string, method: string, headers: Fields, status: number, isOut: boolean,
])[] = [
  ["a click on a link of this site", "GET", { "sec-fetch-site": "same-origin" }, 303, true],
  ["typing the address", "GET", { "sec-fetch-site": "none" }, 303, true],
  ["curl", "GET", {}, 303, true],
  ["the button", "POST", { "sec-fetch-site": "same-origin" }, 303, true],
  ["the button in an old browser", "POST", { origin: "ours" }, 303, true],
  ["another site's link", "GET", { "sec-fetch-site": "cross-site" }, 200, false],
  ["a neighbour host's link", "GET", { "sec-fetch-site": "same-site" }, 200, false],
  ["an image of this site", "GET", { "sec-fetch-dest": "image" }, 200, false],
  ["a prefetch", "GET", { "sec-fetch-site": "none", "sec-purpose": "prefetch" }, 200, false],
  ["HEAD", "HEAD", {}, 200, false],
  ["OPTIONS", "OPTIONS", {}, 204, false],
  ["another site's form", "POST", { "sec-fetch-site": "cross-site" }, 403, false],
  ["another site's form in an old browser", "POST", { origin: "http://evil.test" }, 403, false],
  ["a sandboxed form", "POST", { origin: "null" }, 403, false],
];

for (const [claim, method, headers, status, isOut] of logouts) {
  test(`${claim} ${isOut ? "logs out" : "logs nobody out"}`, async (t) => {
    const server = await startLogin(t);
    const visitor = new Visitor(server);
    await visitor.logIn();
    const { cookie } = visitor;
    const own: Fields = headers["origin"] === "ours" ? { origin: server.url } : headers;
    const answer = await visitor.send(method, "/logout", own);
    assert.equal(answer.status, status);
    assert.equal(visitor.cookie === "", isOut);
    visitor.cookie = cookie;
    assert.equal(await isLoggedIn(visitor), !isOut);
    assert.equal(server.newEvents().includes("logout"), isOut);
  });
}

test("another site cannot log a visitor in", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  const form = { username: "ada", password };
  const answer = await visitor.post("/login", form, { origin: "https://evil.test" });
  assert.deepEqual([answer.status, visitor.cookie], [403, ""]);
});

test("no header of a proxy makes the cookie another one, forged or not", async (t) => {
  for (const secure of [false, true]) {
    const server = await startLogin(t, { secure });
    const post = async (headers: Record<string, string>): Promise<string> => {
      const answer = await new Visitor(server).post("/login", { username: "ada", password }, headers);
      return (answer.headers.getSetCookie()[0] ?? "").replace(/=[\w-]{43};/, "=ID;");
    };
    const plain = await post({});
    assert.match(plain, secure ? /^__Host-session_id=ID; .*; Secure/ : /^session_id=ID; (?!.*Secure)/);
    for (const scheme of ["http", "https"]) {
      const forwarded = { "x-forwarded-proto": scheme, forwarded: `proto=${scheme};host=evil.test` };
      assert.equal(await post({ ...forwarded, "x-forwarded-host": "evil.test" }), plain);
    }
    assert.equal(await post({ origin: server.url, "x-forwarded-ssl": "on" }), plain);
  }
});

test("logging out without a session goes to the form, creates nothing and logs nothing", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  const answer = await visitor.post("/logout");
  assert.equal(locationOf(answer), "303 /login");
  assert.deepEqual(answer.headers.getSetCookie(), []);
  assert.deepEqual(server.lines, []);
});

test("the heartbeat asks the store nothing, and the form neither, whatever the cookie", async (t) => {
  const asked: string[] = [];
  const store = interposedStore(new MemoryStore(), (method, ask) => {
    asked.push(method);
    return ask();
  });
  const visitor = new Visitor(await startLogin(t, { store, clock: Date.now }));
  await visitor.logIn();
  asked.length = 0;
  const heartbeat = await visitor.get("/heartbeat");
  assert.deepEqual([heartbeat.status, heartbeat.body], [200, ""]);
  assert.equal(heartbeat.headers.has("vary"), false);
  await visitor.send("HEAD", "/heartbeat");
  await visitor.get("/login");
  await visitor.get("/nowhere");
  assert.deepEqual(asked, []);
  await visitor.get("/");
  assert.deepEqual(asked, ["read"]);
});

test("looking at the sessions changes none, but for a notice that was read", async (t) => {
  const asked: string[] = [];
  const store = interposedStore(new MemoryStore(), (method, ask) => {
    asked.push(method);
    return ask();
  });
  const visitor = new Visitor(await startLogin(t, { store, clock: Date.now }));
  await visitor.logIn();
  await visitor.post("/sessions/end-others");
  await visitor.get("/sessions");
  assert.equal(asked.includes("update"), true);
  asked.length = 0;
  await visitor.get("/sessions");
  assert.deepEqual(asked, ["read", "listByOwner"]);
});

test("the login asks the store for one new session, and reads nothing", async (t) => {
  const asked: string[] = [];
  const store = interposedStore(new MemoryStore(), (method, ask) => {
    asked.push(method);
    return ask();
  });
  await new Visitor(await startLogin(t, { store, clock: Date.now })).logIn();
  assert.deepEqual(asked, ["create"]);
});

test("errors are pages, or JSON for a client that prefers it", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  const missing = await visitor.get("/nowhere");
  assert.match(missing.body, /<h1>Page not found<\/h1>/);
  const told = await visitor.get("/nowhere", { accept: "application/json" });
  assert.deepEqual([told.status, told.body], [404, '{"error":"There is no such page."}']);
  assert.equal(told.headers.get("vary"), "Accept");
});

test("a refused login is told as JSON to a client that prefers it", async (t) => {
  const visitor = new Visitor(await startLogin(t));
  async function tell(): Promise<readonly unknown[]> {
    const form = { username: "ada", password: "wrong" };
    const answer = await visitor.post("/login", form, { accept: "application/json" });
    assert.equal(answer.headers.get("vary"), "Accept");
    return [answer.status, answer.headers.get("retry-after"), JSON.parse(answer.body)];
  }
  for (let tries = 0; tries < 5; tries += 1) {
    assert.deepEqual(await tell(), [401, null, { error: "User name or password is wrong." }]);
  }
  assert.deepEqual(await tell(), [429, "30", { error: "Too many tries. Seconds to wait: 30." }]);
  const page = await visitor.logIn();
  assert.equal(page.headers.get("vary"), "Accept");
  assert.equal(alertOf(page), "Too many tries. Seconds to wait: 30.");
});

test("the log names known users alone, and no password, id, query or unknown name", async (t) => {
  const server = await startLogin(t);
  const visitor = new Visitor(server);
  const secrets = [password];
  async function tryLogin(username: string, typed: string): Promise<void> {
    await visitor.logIn(username, typed);
    secrets.push(typed);
    if (username !== "ada") secrets.push(username);
    if (visitor.cookie !== "") secrets.push(visitor.cookie.split("=")[1] ?? "");
  }
  await tryLogin("hunter2-typed-as-name", "in-the-wrong-field");
  await tryLogin("eve\nadmin", "line-break");
  await tryLogin("ada", "wr0ng-password");
  await tryLogin("ada", password);
  await visitor.get(`/login?password=${"query-secret"}`, { authorization: "Basic header-secret" });
  secrets.push("query-secret", "header-secret");
  await visitor.get("/sessions");
  await visitor.post("/sessions/end-others");
  await visitor.post("/logout");
  for (let tries = 0; tries < 6; tries += 1) await tryLogin("mallory-nobody", "guessed-password");
  const failures = new Array<string>(5).fill("login-failed");
  const events = [...failures.slice(2), "login", "sessions-ended", "logout"];
  assert.deepEqual(server.newEvents(), [...events, ...failures, "login-throttled"]);
  const log = server.lines.join("\n");
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
  const throttled = /"level":"warn","event":"login-throttled","address":"127.0.0.1"\}$/;
  assert.match(server.lines.at(-1) ?? "", throttled);
  assert.match(server.lines[0] ?? "", /"level":"warn","event":"login-failed","address":"127.0.0.1"\}$/);
  assert.match(server.lines[1] ?? "", /"level":"warn","event":"login-failed","address":"127.0.0.1"\}$/);
  assert.match(server.lines[2] ?? "", /"event":"login-failed","address":"127.0.0.1","user":"ada"\}$/);
  assert.match(server.lines[3] ?? "", /"level":"info","event":"login","address":.*"user":"ada"\}$/);
});

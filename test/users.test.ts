// Accounts from USERS: found, and refused when an entry cannot be read.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isUserName, parseUsers } from "../src/login/users.ts";

const hash = `$scrypt$ln=17,r=8,p=1$${"A".repeat(22)}$${"A".repeat(43)}`;
const otherHash = hash.replace("ln=17,r=8,p=1", "ln=14,r=8,p=5");
const badName = "it needs a name of 1 to 64 characters before a colon";
const badHash = (name: string): string =>
  `"${name}:" needs a hash from hash-password after it, in single quotes in a shell`;

async function find(text: string, name: string): Promise<unknown> {
  const parsed = parseUsers(text);
  assert.ok("users" in parsed, JSON.stringify(parsed));
  return parsed.users.findHash(name);
}

test("users are found by name, whatever white space is between the entries", async () => {
  for (const between of [" ", "\n", "\r\n", "\t", " \n\n  "]) {
    const text = `${between}ada:${hash}${between}grace:${otherHash}${between}`;
    assert.equal(await find(text, "ada"), hash);
    assert.equal(await find(text, "grace"), otherHash);
  }
  assert.equal(await find(`ada:${hash}`, "ada"), hash);
});

test("a user is found by exactly the name, and by nothing that every object has", async () => {
  for (const name of ["Ada", "ADA", "ad", "ada ", "", "grace", "__proto__", "constructor"]) {
    assert.equal(await find(`ada:${hash}`, name), undefined, name);
  }
  assert.equal(await find(`__proto__:${hash}`, "__proto__"), hash);
});

test("names that differ only in case are two users", async () => {
  const text = `ada:${hash} Ada:${otherHash}`;
  assert.equal(await find(text, "Ada"), otherHash);
});

test("users of USERS are not renewed: there is nowhere to write to", () => {
  const parsed = parseUsers(`ada:${hash}`);
  assert.ok("users" in parsed, JSON.stringify(parsed));
  assert.equal(parsed.users.renew, undefined);
});

test("a name has 1 to 64 characters, and none that a list or a log could trip over", () => {
  for (const [claim, name, expected] of [
    ["one letter", "a", true],
    ["64 letters", "a".repeat(64), true],
    ["65 letters", "a".repeat(65), false],
    ["64 characters outside the basic plane", "😀".repeat(64), true],
    ["65 characters outside the basic plane", "😀".repeat(65), false],
    ["an address of mail", "ada@example.org", true],
    ["other scripts", "адa-愛", true],
    ["a dollar and quotes", `$"'`, true],
    ["nothing", "", false],
    ["a space", "a da", false],
    ["a space that does not break", "a\u00a0da", false],
    ["a colon", "a:da", false],
    ["a line end", "ada\n", false],
    ["NUL", "a\0da", false],
    ["DEL", "a\x7fda", false],
    ["a C1 control", "a\u0085da", false],
    ["a line separator", "a\u2028da", false],
    ["half a surrogate pair", "a\ud83d", false],
  ] as const) {
    assert.equal(isUserName(name), expected, claim);
  }
});

test("an entry of another cost than was asked for is refused: its time would tell whose it is", () => {
  const text = `ada:${hash} grace:${otherHash}`;
  const advice = "make it again with this SCRYPT, or set SCRYPT to that";
  assert.deepEqual(parseUsers(text, "ln=17,r=8,p=1"), {
    errors: [`Cannot read entry 2 of USERS: "grace" has the cost ln=14,r=8,p=5; ${advice}`],
  });
  assert.equal("users" in parseUsers(`grace:${otherHash}`, "ln=14,r=8,p=5"), true);
  assert.equal("users" in parseUsers(text), true);
});

test("everything that is wrong is said at once, and no password with it", () => {
  const text = `ada:secret ada:${hash} :${hash} hunter2 grace:${hash} ${"x".repeat(65)}:${hash} b:`;
  assert.deepEqual(parseUsers(text), {
    errors: [
      `Cannot read entry 1 of USERS: ${badHash("ada")}`,
      `Cannot read entry 2 of USERS: "ada" is there already`,
      `Cannot read entry 3 of USERS: ${badName}`,
      `Cannot read entry 4 of USERS: ${badName}`,
      `Cannot read entry 6 of USERS: ${badName}`,
      `Cannot read entry 7 of USERS: ${badHash("b")}`,
    ],
  });
});

test("what a shell leaves of an entry in double quotes is refused with the remedy", () => {
  const errors = [`Cannot read entry 1 of USERS: ${badHash("ada")}`];
  assert.deepEqual(parseUsers("ada:=17,r=8,p=1"), { errors });
});

test("the same name twice is refused even with the same hash", () => {
  const errors = ['Cannot read entry 2 of USERS: "ada" is there already'];
  assert.deepEqual(parseUsers(`ada:${hash} ada:${hash}`), { errors });
});

test("a list that names nobody is refused", () => {
  for (const text of ["", " ", "\n\t "]) {
    assert.deepEqual(parseUsers(text), { errors: ["Cannot read USERS: it names nobody"] });
  }
});

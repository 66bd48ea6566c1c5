// Passwords checked: the same work for every name, and bounded work for all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { PasswordChecker, PasswordCheckerBusyError } from "../src/login/password-checker.ts";
import type { PasswordCheckerOptions } from "../src/login/password-checker.ts";
import { decoyHash, hashPassword } from "../src/login/password.ts";
import type { HashOptions, Scrypt } from "../src/login/password.ts";
import { fakeClock } from "./fake-clock.ts";
import { cheapScrypt, heldScrypt } from "./fake-scrypt.ts";

const hash = decoyHash();

/** What became of a promise by now. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  const pending = setImmediate("pending");
  return Promise.race([promise.catch((error: unknown) => error), pending]);
}

test("the same work is done for every name, and for a password with NUL", async () => {
  const work: unknown[] = [];
  const scrypt: Scrypt = (bytes, salt, length, options, done) => {
    work.push({ saltLength: salt.length, length, ...options });
    cheapScrypt(bytes, salt, length, options, done);
  };
  const options: HashOptions = { parameters: "ln=15,r=8,p=3", scrypt };
  const hash = await hashPassword("P", options);
  const checker = new PasswordChecker(options);
  work.length = 0;
  assert.equal(await checker.check("P", hash), true);
  assert.equal(await checker.check("wrong", hash), false);
  assert.equal(await checker.check("P\0", hash), false);
  assert.equal(await checker.check("P", undefined), false);
  const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 2 ** 26 };
  assert.deepEqual(work, new Array(4).fill({ saltLength: 16, length: 32, ...cost }));
});

for (const options of [{ maxRunning: 0 }, { maxRunning: NaN }, { maxQueued: -1 }, { maxQueued: NaN }]) {
  const [[name, limit] = assert.fail()] = Object.entries(options);
  test(`a checker with ${name} ${limit} is not made: its checks would wait for ever`, () => {
    const message = /^Cannot check \S+ passwords at once, \S+ waiting$/;
    assert.throws(() => new PasswordChecker(options), { name: "RangeError", message });
  });
}

test("a checker may have no queue", async () => {
  const checker = new PasswordChecker({ maxRunning: 1, maxQueued: 0, scrypt: cheapScrypt });
  assert.equal(await checker.check("P", await hashPassword("P", { scrypt: cheapScrypt })), true);
});

test("a password over 256 bytes is wrong without any work, whoever's it is", async () => {
  const held = heldScrypt();
  const checker = new PasswordChecker({ scrypt: held.scrypt });
  assert.equal(await checker.check("x".repeat(257), hash), false);
  assert.equal(await checker.check("é".repeat(129), undefined), false);
  assert.deepEqual(held.texts(), []);
  const longest = checker.check("x".repeat(256), hash);
  await setImmediate();
  assert.deepEqual(held.texts(), ["x".repeat(256)]);
  await held.finish(0);
  assert.equal(await longest, false);
});

test("a name that nobody has never logs in, even if the key were guessed", async () => {
  // The decoy's key is known: it is all zeros.
  const scrypt: Scrypt = (_bytes, _salt, length, _options, done) => {
    done(null, new Uint8Array(length));
  };
  const checker = new PasswordChecker({ scrypt });
  assert.equal(await checker.check("P", decoyHash()), true);
  assert.equal(await checker.check("P", undefined), false);
});

test("two checks run at once, and the next one starts when either ends", async () => {
  const held = heldScrypt();
  const checker = new PasswordChecker({ scrypt: held.scrypt });
  const checks = ["a", "b", "c", "d"].map((guess) => checker.check(guess, undefined));
  await setImmediate();
  assert.deepEqual(held.texts(), ["a", "b"]);
  await held.finish(1);
  checks.push(checker.check("e", undefined));
  await setImmediate();
  assert.deepEqual(held.texts(), ["a", "b", "c"]);
  await held.finish(0);
  assert.deepEqual(held.texts(), ["a", "b", "c", "d"]);
  for (const index of [2, 3, 4]) await held.finish(index);
  assert.deepEqual(held.texts(), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(await Promise.all(checks), new Array(5).fill(false));
});

test("hashing takes its turn among the checks, with the checker's parameters", async () => {
  const held = heldScrypt();
  const options: PasswordCheckerOptions = { parameters: "ln=14,r=8,p=5", maxRunning: 1 };
  const checker = new PasswordChecker({ ...options, scrypt: held.scrypt });
  const check = checker.check("a", undefined);
  const hash = checker.hash("b");
  await setImmediate();
  assert.deepEqual(held.texts(), ["a"]);
  await held.finish(0);
  assert.equal(await check, false);
  await held.finish(1);
  const made = await hash;
  assert.match(made, /^\$scrypt\$ln=14,r=8,p=5\$/);
});

test("a hash is to be renewed when its parameters are not those of the checker", () => {
  const [standard, cheapest] = [decoyHash(), decoyHash("ln=14,r=8,p=5")];
  const checker = new PasswordChecker();
  const cheap = new PasswordChecker({ parameters: "ln=14,r=8,p=5" });
  assert.deepEqual([standard, cheapest].map((one) => checker.needsRenewal(one)), [false, true]);
  assert.deepEqual([standard, cheapest].map((one) => cheap.needsRenewal(one)), [true, false]);
});

test("on its own clock a check waits its turn, whatever the time of day is set to", async (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  const held = heldScrypt();
  const checker = new PasswordChecker({ maxRunning: 1, scrypt: held.scrypt });
  const checks = ["a", "b"].map((guess) => checker.check(guess, undefined));
  await setImmediate();
  context.mock.timers.setTime(86_400_000);
  await held.finish(0);
  await held.finish(1);
  assert.deepEqual(await Promise.all(checks), [false, false]);
});

test("32 checks may wait, and one more is refused at once with the seconds to wait", async () => {
  const held = heldScrypt();
  const checker = new PasswordChecker({ scrypt: held.scrypt });
  const checks = Array.from({ length: 34 }, (_, index) => checker.check(`${index}`, undefined));
  const refused = await outcomeOf(checker.check("one more", undefined));
  assert.ok(refused instanceof PasswordCheckerBusyError, String(refused));
  assert.equal(refused.retryAfter, 5);
  const told = "PasswordCheckerBusyError: Cannot check the password: too many others are waiting";
  assert.equal(String(refused), told);
  await held.finish(0);
  const admitted = checker.check("in the free place", undefined);
  for (let index = 1; index < 35; index += 1) await held.finish(index);
  assert.deepEqual(await Promise.all([...checks, admitted]), new Array(35).fill(false));
});

test("a check that waited 5 s is done, one that waited longer is refused", async () => {
  const clock = fakeClock();
  const held = heldScrypt();
  const checker = new PasswordChecker({ scrypt: held.scrypt, clock, maxRunning: 1 });
  const first = checker.check("first", undefined);
  const tooLate = ["late", "late too"].map((guess) =>
    checker.check(guess, undefined).catch((error: unknown) => error),
  );
  clock.advance(1);
  const inTime = checker.check("in time", undefined);
  clock.advance(5_000);
  await held.finish(0);
  assert.deepEqual(held.texts(), ["first", "in time"]);
  for (const outcome of await Promise.all(tooLate)) {
    assert.equal(outcome instanceof PasswordCheckerBusyError, true);
  }
  await held.finish(1);
  assert.deepEqual(await Promise.all([first, inTime]), [false, false]);
});

test("a check whose client left the queue is never done, and its place is free", async () => {
  const held = heldScrypt();
  const limits = { maxRunning: 1, maxQueued: 1, scrypt: held.scrypt };
  const checker = new PasswordChecker(limits);
  const [client, other] = [{ hasLeft: false }, { hasLeft: false }];
  const first = checker.check("first", undefined);
  const left = outcomeOf(checker.check("left", undefined, client));
  assert.equal((await outcomeOf(checker.check("too many", undefined))) instanceof PasswordCheckerBusyError, true);
  client.hasLeft = true;
  const alsoLeft = outcomeOf(checker.hash("also left", other));
  assert.equal((await left) instanceof PasswordCheckerBusyError, true);
  other.hasLeft = true;
  await held.finish(0);
  assert.equal((await alsoLeft) instanceof PasswordCheckerBusyError, true);
  const next = checker.check("next", undefined);
  await held.finish(1);
  assert.deepEqual(held.texts(), ["first", "next"]);
  assert.deepEqual(await Promise.all([first, next]), [false, false]);
});

test("a client that leaves while its password is checked changes nothing", async () => {
  const held = heldScrypt();
  const checker = new PasswordChecker({ scrypt: held.scrypt, maxRunning: 1 });
  const client = { hasLeft: false };
  const first = checker.check("first", undefined);
  const leaving = checker.check("leaving", undefined, client);
  const last = checker.check("last", undefined);
  await held.finish(0);
  client.hasLeft = true;
  await held.finish(1);
  await held.finish(2);
  assert.deepEqual(held.texts(), ["first", "leaving", "last"]);
  assert.deepEqual(await Promise.all([first, leaving, last]), [false, false, false]);
});

test("a scrypt that fails rejects its own check, and frees its place", async () => {
  const fault = new Error("out of memory");
  let failures = 2;
  const scrypt: Scrypt = (bytes, salt, length, options, done) =>
    failures-- > 0
      ? done(fault, new Uint8Array())
      : cheapScrypt(bytes, salt, length, options, done);
  const checker = new PasswordChecker({ scrypt, maxRunning: 1, maxQueued: 1 });
  const failing = [checker.check("a", undefined), checker.check("b", undefined)];
  assert.deepEqual(await Promise.all(failing.map(outcomeOf)), [fault, fault]);
  assert.equal(await checker.check("c", undefined), false);
});

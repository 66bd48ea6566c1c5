import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { PasswordChecker, PasswordCheckerBusyError } from "../src/login/password.ts";
import { hashPassword, isPasswordHash } from "../src/login/password.ts";
import type { PasswordOptions, ScryptParameters } from "../src/login/password.ts";
import { fakeClock } from "./fake-clock.ts";

type DeriveKey = NonNullable<PasswordOptions["deriveKey"]>;

// What Python's hashlib.scrypt makes of "correct horse é" and the salt 0, 1, … 15.
const salt = "AAECAwQFBgcICQoLDA0ODw";
const cheapest = `$scrypt$ln=14,r=8,p=5$${salt}$UCZEEMjWVt9dXq4PpsgpyNXOJPJTOUZsp2Jil40ESH4`;
const standard = `$scrypt$ln=17,r=8,p=1$${salt}$a4mOIclkPycDevo9/+wEVPE+9MVaMhi4F6kt8+qO0zY`;
const foreignHashes = [
  standard,
  `$scrypt$ln=16,r=8,p=2$${salt}$z6jPx7uoZQ2i7PGKT1jTK7hS/xLqkcKlneiXM3zVAnM`,
  `$scrypt$ln=15,r=8,p=3$${salt}$7v0CWv3ja70JdcFtj1pQAE/JfhRPDk7BPganJ8AccEM`,
  cheapest,
];
const password = "correct horse é";
const countingBytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i);

const cheapKey: DeriveKey = (bytes, salt) =>
  Promise.resolve(createHash("sha256").update(salt).update(bytes).digest());

/** Key derivations that the test ends one by one, in any order. */
function heldDerivations() {
  const started: { readonly text: string; finish(): void }[] = [];
  const deriveKey: DeriveKey = (bytes, salt, parameters) =>
    new Promise((resolve) => {
      const finish = () => resolve(cheapKey(bytes, salt, parameters));
      started.push({ text: Buffer.from(bytes).toString(), finish });
    });
  return {
    deriveKey,
    texts: () => started.map(({ text }) => text),
    async finish(index: number): Promise<void> {
      started[index]?.finish();
      await setImmediate();
    },
  };
}

/** What became of a promise by now. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  const pending = setImmediate("pending");
  return Promise.race([promise.catch((error: unknown) => error), pending]);
}

test("a hash has the salt and the key that scrypt gives, in the PHC format", async () => {
  const options: PasswordOptions = { parameters: "ln=14,r=8,p=5", random: countingBytes };
  assert.equal(await hashPassword(password, options), cheapest);
});

test("a hash has the standard parameters and its own salt when nothing else is said", async () => {
  const hash = await hashPassword("P", { deriveKey: cheapKey });
  assert.match(hash, /^\$scrypt\$ln=17,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(await hashPassword("P", { deriveKey: cheapKey }), hash);
});

test("hashes made elsewhere are checked, with each of the stronger parameters", async () => {
  const checker = new PasswordChecker();
  const hashes = foreignHashes.filter((hash) => hash !== cheapest);
  const answers = await Promise.all(hashes.map((hash) => checker.check(password, hash)));
  assert.deepEqual(answers, [true, true, true]);
});

test("the right password with NUL after it is wrong, though scrypt makes the same of it", async () => {
  const short = `$scrypt$ln=14,r=8,p=5$${salt}$Aeh0srJSo6D2zhosDjQZherlQRMIMAvx9qVPgzR3tXM`;
  const checker = new PasswordChecker();
  const guesses = ["P", "P\0"].map((guess) => checker.check(guess, short));
  assert.deepEqual(await Promise.all(guesses), [true, false]);
});

test("a password is right only when every byte is", async () => {
  const hash = await hashPassword("Password", { deriveKey: cheapKey });
  const checker = new PasswordChecker({ deriveKey: cheapKey });
  assert.equal(await checker.check("Password", hash), true);
  for (const wrong of ["password", "Password ", " Password", "Passwor", ""]) {
    assert.equal(await checker.check(wrong, hash), false, wrong);
  }
});

test("a letter and its accent are the same password as the letter with the accent", async () => {
  const hash = await hashPassword("caf\u00e9", { deriveKey: cheapKey });
  const checker = new PasswordChecker({ deriveKey: cheapKey });
  assert.equal(await checker.check("cafe\u0301", hash), true);
  assert.equal(await checker.check("cafe", hash), false);
});

test("nothing is hashed that could not be checked later", async () => {
  for (const [wrong, message] of [
    ["", "Cannot hash the password: it is empty"],
    ["P\0", "Cannot hash the password: it contains NUL"],
    ["x".repeat(257), "Cannot hash the password: it is over 256 bytes"],
    ["é".repeat(129), "Cannot hash the password: it is over 256 bytes"],
  ] as const) {
    const hashing = hashPassword(wrong, { deriveKey: cheapKey });
    await assert.rejects(hashing, { name: "TypeError", message });
  }
  for (const longest of ["x".repeat(256), "é".repeat(128)]) {
    const hash = await hashPassword(longest, { deriveKey: cheapKey });
    const checker = new PasswordChecker({ deriveKey: cheapKey });
    assert.equal(await checker.check(longest, hash), true);
  }
});

test("the same work is done for every name, and for a password with NUL", async () => {
  const work: unknown[] = [];
  const parameters: ScryptParameters = "ln=15,r=8,p=3";
  const deriveKey: DeriveKey = (bytes, salt, parameters) => {
    work.push([salt.length, parameters]);
    return cheapKey(bytes, salt, parameters);
  };
  const hash = await hashPassword("P", { parameters, deriveKey });
  const checker = new PasswordChecker({ parameters, deriveKey });
  work.length = 0;
  assert.equal(await checker.check("P", hash), true);
  assert.equal(await checker.check("wrong", hash), false);
  assert.equal(await checker.check("P\0", hash), false);
  assert.equal(await checker.check("P", undefined), false);
  assert.deepEqual(work, new Array(4).fill([16, parameters]));
});

test("a password over 256 bytes is wrong without any work, whoever's it is", async () => {
  const held = heldDerivations();
  const checker = new PasswordChecker({ deriveKey: held.deriveKey });
  assert.equal(await checker.check("x".repeat(257), standard), false);
  assert.equal(await checker.check("x".repeat(257), undefined), false);
  assert.deepEqual(held.texts(), []);
});

test("a name that nobody has never logs in, even if the key were guessed", async () => {
  const zeros = (size: number): Uint8Array => new Uint8Array(size);
  const checker = new PasswordChecker({ random: zeros, deriveKey: async () => zeros(32) });
  assert.equal(await checker.check("P", undefined), false);
});

test("the decoy is new in each checker, and so large as a real hash", () => {
  const sizes: number[] = [];
  const random = (size: number): Uint8Array => countingBytes(sizes.push(size) && size);
  new PasswordChecker({ random });
  assert.deepEqual(sizes, [16, 32]);
});

test("only what this program writes is a hash", async () => {
  const checker = new PasswordChecker({ deriveKey: cheapKey });
  const [key = ""] = standard.split("$").slice(-1);
  for (const hash of foreignHashes) assert.equal(isPasswordHash(hash), true, hash);
  for (const [claim, hash] of [
    ["nothing", ""],
    ["the password itself", password],
    ["a space before", ` ${standard}`],
    ["a line end after", `${standard}\n`],
    ["another algorithm", standard.replace("scrypt", "argon2id")],
    ["text before the first $", `x${standard}`],
    ["one more part", `${standard}$`],
    ["one part less", standard.slice(0, standard.lastIndexOf("$"))],
    ["weaker parameters", standard.replace("ln=17", "ln=13")],
    ["stronger parameters", standard.replace("ln=17", "ln=20")],
    ["parameters of two rows", standard.replace("ln=17", "ln=14")],
    ["parameters in another order", standard.replace("ln=17,r=8", "r=8,ln=17")],
    ["a leading zero", standard.replace("ln=17", "ln=017")],
    ["a name every object has", standard.replace("ln=17,r=8,p=1", "constructor")],
    ["padding", `${standard}=`],
    ["a short salt", standard.replace(salt, salt.slice(0, 20))],
    ["a long salt", standard.replace(salt, `${salt}AA`)],
    ["an empty key", standard.replace(key, "")],
    ["a short key", standard.slice(0, -3)],
    ["a long key", `${standard}AA`],
    ["spare bits in the salt", standard.replace("Dw$", "Dx$")],
    ["spare bits in the key", standard.replace(/Y$/, "Z")],
    ["the URL's base64", standard.replace("/", "_")],
    ["a space inside", standard.replace("a4mO", "a4 mO")],
  ] as const) {
    assert.equal(isPasswordHash(hash), false, claim);
    const checking = checker.check(password, hash);
    await assert.rejects(checking, {
      name: "TypeError",
      message: "Cannot check a password: malformed hash",
    });
  }
});

test("a hash is to be renewed when its parameters are not those in use", () => {
  assert.equal(new PasswordChecker().needsRenewal(standard), false);
  assert.equal(new PasswordChecker().needsRenewal(cheapest), true);
  const cheap = new PasswordChecker({ parameters: "ln=14,r=8,p=5" });
  assert.equal(cheap.needsRenewal(standard), true);
  assert.equal(cheap.needsRenewal(cheapest), false);
});

test("two checks run at once, and the next one starts when either ends", async () => {
  const held = heldDerivations();
  const checker = new PasswordChecker({ deriveKey: held.deriveKey });
  const checks = ["a", "b", "c", "d"].map((guess) => checker.check(guess, undefined));
  await setImmediate();
  assert.deepEqual(held.texts(), ["a", "b"]);
  await held.finish(1);
  assert.deepEqual(held.texts(), ["a", "b", "c"]);
  await held.finish(0);
  assert.deepEqual(held.texts(), ["a", "b", "c", "d"]);
  await held.finish(2);
  await held.finish(3);
  assert.deepEqual(await Promise.all(checks), [false, false, false, false]);
});

test("hashing takes its turn among the checks, with the checker's parameters", async () => {
  const held = heldDerivations();
  const options: PasswordOptions = { parameters: "ln=14,r=8,p=5", maxRunning: 1 };
  const checker = new PasswordChecker({ ...options, deriveKey: held.deriveKey });
  const check = checker.check("a", undefined);
  const hash = checker.hash("b");
  await setImmediate();
  assert.deepEqual(held.texts(), ["a"]);
  await held.finish(0);
  assert.equal(await check, false);
  await held.finish(1);
  assert.match(await hash, /^\$scrypt\$ln=14,r=8,p=5\$/);
});

test("32 checks may wait, and one more is refused at once with the seconds to wait", async () => {
  const held = heldDerivations();
  const checker = new PasswordChecker({ deriveKey: held.deriveKey });
  const checks = Array.from({ length: 34 }, (_, index) => checker.check(`${index}`, undefined));
  const refused = await outcomeOf(checker.check("one more", standard));
  assert.ok(refused instanceof PasswordCheckerBusyError);
  assert.equal(refused.retryAfter, 5);
  await held.finish(0);
  const admitted = checker.check("in the free place", undefined);
  for (let index = 1; index < 35; index += 1) await held.finish(index);
  assert.deepEqual(await Promise.all([...checks, admitted]), new Array(35).fill(false));
});

test("a check that waited 5 s is done, one that waited longer is refused", async () => {
  const clock = fakeClock();
  const held = heldDerivations();
  const checker = new PasswordChecker({ deriveKey: held.deriveKey, clock, maxRunning: 1 });
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
    assert.ok(outcome instanceof PasswordCheckerBusyError);
  }
  await held.finish(1);
  assert.deepEqual(await Promise.all([first, inTime]), [false, false]);
});

test("a check whose client left the queue is never done, and its place is free", async () => {
  const held = heldDerivations();
  const limits = { maxRunning: 1, maxQueued: 1, deriveKey: held.deriveKey };
  const checker = new PasswordChecker(limits);
  const client = new AbortController();
  const reason = new Error("gone");
  const first = checker.check("first", undefined);
  const left = checker.check("left", undefined, client.signal);
  client.abort(reason);
  assert.equal(await outcomeOf(left), reason);
  const next = checker.check("next", undefined);
  await held.finish(0);
  await held.finish(1);
  assert.deepEqual(held.texts(), ["first", "next"]);
  assert.deepEqual(await Promise.all([first, next]), [false, false]);
});

test("a client that has left already costs nothing, one that leaves later changes nothing", async () => {
  const held = heldDerivations();
  const checker = new PasswordChecker({ deriveKey: held.deriveKey, maxRunning: 1 });
  const reason = new Error("gone");
  const left = AbortSignal.abort(reason);
  assert.equal(await outcomeOf(checker.check("left", undefined, left)), reason);
  assert.equal(await outcomeOf(checker.hash("left", left)), reason);
  assert.deepEqual(held.texts(), []);

  const client = new AbortController();
  const first = checker.check("first", undefined);
  const leaving = checker.check("leaving", undefined, client.signal);
  const last = checker.check("last", undefined);
  await held.finish(0);
  client.abort(reason);
  await held.finish(1);
  await held.finish(2);
  assert.deepEqual(await Promise.all([first, leaving, last]), [false, false, false]);
});

test("a derivation that fails rejects its own check, and frees its place", async () => {
  const fault = new Error("out of memory");
  let failures = 2;
  const deriveKey: DeriveKey = (bytes, salt, parameters) =>
    failures-- > 0 ? Promise.reject(fault) : cheapKey(bytes, salt, parameters);
  const checker = new PasswordChecker({ deriveKey, maxRunning: 1, maxQueued: 1 });
  const failing = [checker.check("a", undefined), checker.check("b", undefined)];
  assert.deepEqual(await Promise.all(failing.map(outcomeOf)), [fault, fault]);
  assert.equal(await checker.check("c", undefined), false);
});

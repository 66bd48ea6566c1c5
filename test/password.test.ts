// Password hashes: what is made, what is accepted, and what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decoyHash, hashPassword, parametersOf } from "../src/login/password.ts";
import { passwordBytes, verifyPassword } from "../src/login/password.ts";
import type { Scrypt } from "../src/login/password.ts";
import { cheapScrypt } from "./fake-scrypt.ts";

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

test("a hash has its salt and the key that scrypt gives, in the PHC format", async () => {
  const parts: Uint8Array[] = [];
  const scrypt: Scrypt = (bytes, salt, length, options, done) => {
    cheapScrypt(bytes, salt, length, options, (error, key) => {
      parts.push(salt, key);
      done(error, key);
    });
  };
  const hash = await hashPassword(password, { parameters: "ln=14,r=8,p=5", scrypt });
  const [salt, key] = parts.map((part) => Buffer.from(part).toString("base64").replace(/=*$/, ""));
  assert.equal(hash, `$scrypt$ln=14,r=8,p=5$${salt}$${key}`);
});

test("a hash that was made here opens with the true scrypt", async () => {
  const hash = await hashPassword(password, { parameters: "ln=14,r=8,p=5" });
  assert.equal(await verifyPassword(password, hash), true);
  assert.equal(await verifyPassword(password, cheapest), true);
});

test("a hash has the standard parameters and its own salt when nothing else is said", async () => {
  const hash = await hashPassword("P", { scrypt: cheapScrypt });
  assert.match(hash, /^\$scrypt\$ln=17,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(await hashPassword("P", { scrypt: cheapScrypt }), hash);
});

test("hashes made elsewhere are checked, with each of the stronger parameters", async () => {
  const hashes = foreignHashes.filter((hash) => hash !== cheapest);
  const answers = await Promise.all(hashes.map((hash) => verifyPassword(password, hash)));
  assert.deepEqual(answers, [true, true, true]);
});

test("a hash is checked with its own parameters, whatever is in use", async () => {
  assert.equal(await verifyPassword(password, cheapest, { parameters: "ln=15,r=8,p=3" }), true);
});

test("NUL after the right password makes it wrong, though not to scrypt", async () => {
  const short = `$scrypt$ln=14,r=8,p=5$${salt}$Aeh0srJSo6D2zhosDjQZherlQRMIMAvx9qVPgzR3tXM`;
  assert.equal(await verifyPassword("P", short), true);
  assert.equal(await verifyPassword("P\0", short), false);
});

test("a password is right only when every byte is", async () => {
  const hash = await hashPassword("Password", { scrypt: cheapScrypt });
  assert.equal(await verifyPassword("Password", hash, { scrypt: cheapScrypt }), true);
  for (const wrong of ["password", "Password ", " Password", "Passwor", ""]) {
    assert.equal(await verifyPassword(wrong, hash, { scrypt: cheapScrypt }), false, wrong);
  }
});

test("a letter and its accent are the same password as the letter with the accent", async () => {
  const [one, other] = ["caf\u00e9", "cafe\u0301"] as const;
  for (const [made, typed] of [[one, other], [other, one]] as const) {
    const hash = await hashPassword(made, { scrypt: cheapScrypt });
    assert.equal(await verifyPassword(typed, hash, { scrypt: cheapScrypt }), true);
    for (const wrong of ["cafe", "\uff43af\u00e9"]) {
      assert.equal(await verifyPassword(wrong, hash, { scrypt: cheapScrypt }), false, wrong);
    }
  }
});

test("a password over 256 bytes is wrong without any work", async () => {
  const hash = await hashPassword("P", { scrypt: cheapScrypt });
  const scrypt: Scrypt = () => assert.fail("scrypt was called");
  assert.equal(await verifyPassword("x".repeat(257), hash, { scrypt }), false);
  assert.equal(await verifyPassword("é".repeat(129), hash, { scrypt }), false);
});

test("of a password that is much too long only the beginning is read, which is too long too", () => {
  for (const typed of ["x".repeat(8_000), "e\u0301".repeat(4_000)]) {
    assert.equal(passwordBytes(typed).length, 1_000);
  }
});

test("nothing is hashed that could not be checked later", async () => {
  for (const [wrong, message] of [
    ["", "Cannot hash the password: it is empty"],
    ["P\0", "Cannot hash the password: it contains NUL"],
    ["x".repeat(257), "Cannot hash the password: it is over 256 bytes"],
    ["é".repeat(129), "Cannot hash the password: it is over 256 bytes"],
  ] as const) {
    const hashing = hashPassword(wrong, { scrypt: cheapScrypt });
    await assert.rejects(hashing, { name: "TypeError", message });
  }
  for (const longest of ["x".repeat(256), "é".repeat(128)]) {
    const hash = await hashPassword(longest, { scrypt: cheapScrypt });
    assert.equal(await verifyPassword(longest, hash, { scrypt: cheapScrypt }), true);
  }
});

test("only what this program writes is a hash", async () => {
  const [key = ""] = standard.split("$").slice(-1);
  for (const hash of foreignHashes) assert.notEqual(parametersOf(hash), undefined, hash);
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
    assert.equal(parametersOf(hash), undefined, claim);
    await assert.rejects(verifyPassword(password, hash, { scrypt: cheapScrypt }), {
      name: "TypeError",
      message: "Cannot verify a password: malformed hash",
    });
  }
});

test("a decoy is a hash with the parameters in use", () => {
  const decoy = decoyHash();
  assert.equal(parametersOf(decoy), "ln=17,r=8,p=1");
  const cheap = decoyHash("ln=14,r=8,p=5");
  assert.equal(cheap, `$scrypt$ln=14,r=8,p=5$${"A".repeat(22)}$${"A".repeat(43)}`);
});

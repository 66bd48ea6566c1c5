// Passwords as they are stored: hashed with scrypt, in the PHC string format.

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** The parameters that a hash may have, written as in the hash. */
export type ScryptParameters =
  "ln=17,r=8,p=1" | "ln=16,r=8,p=2" | "ln=15,r=8,p=3" | "ln=14,r=8,p=5";

// From the OWASP Password Storage Cheat Sheet: rows of equal strength, memory traded for time.
const costs: Readonly<Record<ScryptParameters, { N: number; r: number; p: number }>> = {
  "ln=17,r=8,p=1": { N: 2 ** 17, r: 8, p: 1 },
  "ln=16,r=8,p=2": { N: 2 ** 16, r: 8, p: 2 },
  "ln=15,r=8,p=3": { N: 2 ** 15, r: 8, p: 3 },
  "ln=14,r=8,p=5": { N: 2 ** 14, r: 8, p: 5 },
};

/** The part of `scrypt` of `node:crypto` that is used here. */
export type Scrypt = (
  password: Uint8Array,
  salt: Uint8Array,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
  done: (error: Error | null, key: Uint8Array) => void,
) => void;

/** How passwords are hashed. */
export interface HashOptions {
  readonly parameters?: ScryptParameters;
  /** Stands in for scrypt in tests alone: what a cheaper function computes protects nothing. */
  readonly scrypt?: Scrypt;
}

/** The parameters where none are named: OWASP's first row. */
export const defaultParameters: ScryptParameters = "ln=17,r=8,p=1";

/** The most bytes of a password, as `passwordBytes` counts them. */
export const maxPasswordBytes: number = 256;

/**
 * Hashes a password: `$scrypt$ln=17,r=8,p=1$salt$hash`.
 *
 * @throws {TypeError} when the password is empty, contains NUL or is over 256 bytes.
 */
export async function hashPassword(password: string, options: HashOptions = {}): Promise<string> {
  const { parameters = defaultParameters } = options;
  const bytes = passwordBytes(password);
  if (bytes.length === 0) throw new TypeError("Cannot hash the password: it is empty");
  if (bytes.includes(0)) throw new TypeError("Cannot hash the password: it contains NUL");
  if (bytes.length > maxPasswordBytes) {
    throw new TypeError(`Cannot hash the password: it is over ${maxPasswordBytes} bytes`);
  }
  const salt = randomBytes(16);
  return format(parameters, salt, await deriveKey(bytes, salt, parameters, options.scrypt));
}

/**
 * Tells whether this is the password of the hash, after the same work for any password; but one
 * over 256 bytes is nobody's, and wrong at once.
 *
 * @throws {TypeError} when the hash is not one that `hashPassword` writes.
 */
export async function verifyPassword(
  password: string,
  hash: string,
  options: HashOptions = {},
): Promise<boolean> {
  const expected = parse(hash);
  if (expected === undefined) throw new TypeError("Cannot verify a password: malformed hash");
  const { parameters, salt, key } = expected;
  const bytes = passwordBytes(password);
  if (bytes.length > maxPasswordBytes) return false;
  const found = await deriveKey(bytes, salt, parameters, options.scrypt);
  // HMAC pads short keys with zero bytes: to scrypt, "P" and "P\0" are the same password.
  return timingSafeEqual(found, key) && !bytes.includes(0);
}

/** Makes a hash that costs as much to verify as any, and that no known password has. */
export function decoyHash(parameters: ScryptParameters = defaultParameters): string {
  return format(parameters, new Uint8Array(16), new Uint8Array(32));
}

/** The parameters of a hash; `undefined` for a text that `hashPassword` would not write so. */
export function parametersOf(hash: string): ScryptParameters | undefined {
  return parse(hash)?.parameters;
}

/** The bytes of a password: "é" is the same as one character and as two (RFC 8265, 4.2.2). */
export function passwordBytes(password: string): Buffer {
  // To normalize takes quadratic time. What is left of a longer one is still over the limit.
  return Buffer.from(password.slice(0, 1_000).normalize("NFC"));
}

function deriveKey(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: ScryptParameters,
  derive: Scrypt = scrypt,
): Promise<Uint8Array> {
  const cost = costs[parameters];
  // Twice what scrypt needs: the default limit of 32 MiB refuses every row but the last.
  const options = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    derive(password, salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

function format(parameters: ScryptParameters, salt: Uint8Array, key: Uint8Array): string {
  return `$scrypt$${parameters}$${base64(salt)}$${base64(key)}`;
}

/** Tells whether a text names one of the four costs. */
export function isScryptParameters(text: string): text is ScryptParameters {
  return Object.hasOwn(costs, text);
}

function parse(text: string) {
  const [, , parameters = "", saltText = "", keyText = ""] = text.split("$");
  if (!isScryptParameters(parameters)) return undefined;
  const salt = Buffer.from(saltText, "base64");
  const key = Buffer.from(keyText, "base64");
  if (salt.length !== 16 || key.length !== 32) return undefined;
  // Decoding forgives much. What is not written back the same was not written by us.
  return format(parameters, salt, key) === text ? { parameters, salt, key } : undefined;
}

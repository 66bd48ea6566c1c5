// Session ids: made, checked and hashed in this one place.

import { hash } from "node:crypto";
import type { SessionKey, UnhashedText } from "./session-store.ts";

/** A source of cryptographically strong random bytes, such as `randomBytes` of `node:crypto`. */
export type RandomSource = (size: number) => Uint8Array;

/**
 * Makes a new id: 32 random bytes, base64url, 43 characters.
 *
 * @throws {Error} when the source does not give 32 bytes.
 */
export function newSessionId(random: RandomSource): string {
  const bytes = random(32);
  if (bytes.length !== 32) throw new Error("Cannot make a session id: too few random bytes");
  return Buffer.from(bytes).toString("base64url");
}

/** Tells whether a text has the form of our ids. Whether it is one, only the store knows. */
export function isSessionId(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/**
 * Hashes an id to the key that its session is stored under. A store that leaks opens nothing, and
 * the time of a look-up tells nothing about an id (Copenhagen Book, "Server-side tokens").
 */
export function hashSessionId(id: UnhashedText): SessionKey;
export function hashSessionId(id: string): string {
  return hash("sha256", id, "base64url");
}

/** The public name of a session: safe to show and to put in a form, and not to be turned back. */
export function sessionHandle(key: SessionKey): string {
  return hash("sha256", `handle of ${key}`, "base64url").slice(0, 22);
}

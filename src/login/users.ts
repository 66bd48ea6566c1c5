// The accounts: what the login asks of a user store, and the one that the variable USERS fills.

import type { MaybePromise } from "../session-store.ts";
import { parametersOf } from "./password.ts";
import type { ScryptParameters } from "./password.ts";

/** Where accounts are found. A fault throws, and must never look like an unknown user. */
export interface UserStore {
  /** Finds the password hash of the user of exactly this name: `Ada` is not `ada`. */
  findHash(name: string): MaybePromise<string | undefined>;

  /**
   * Replaces a hash that has older parameters; a store that cannot leaves this out. A fault is
   * logged, and the login succeeds.
   */
  renew?(name: string, passwordHash: string): MaybePromise<void>;
}

/** Tells whether a name can be an account's: 1 to 64 characters, no space, colon or control. */
export function isUserName(name: string): boolean {
  return /^[^\s:\p{Cc}\p{Cs}]{1,64}$/u.test(name);
}

/** The accounts of a text, or all that is wrong with it, one line each. */
export type ParsedUsers = { readonly users: UserStore } | { readonly errors: readonly string[] };

/**
 * Reads accounts as `name:$scrypt$…` with white space between them. The errors never repeat what
 * stands after a colon, nor an entry without one: it may be a password. With parameters, an entry
 * that has others is refused: its time to log in would tell that the name is somebody's.
 */
export function parseUsers(text: string, parameters?: ScryptParameters): ParsedUsers {
  const users = new Map<string, string>();
  const errors: string[] = [];

  function problemOf(name: string, passwordHash: string): string | undefined {
    if (!isUserName(name)) return "it needs a name of 1 to 64 characters before a colon";
    if (users.has(name)) return `"${name}" is there already`;
    // A shell replaces $scrypt and its like between double quotes: the likeliest mistake.
    const cost = parametersOf(passwordHash);
    if (cost === undefined) {
      return `"${name}:" needs a hash from hash-password after it, in single quotes in a shell`;
    }
    if (parameters === undefined || cost === parameters) return undefined;
    return `"${name}" has the cost ${cost}; make it again with this SCRYPT, or set SCRYPT to that`;
  }

  const entries = text.split(/\s/).filter((entry) => entry !== "");
  if (entries.length === 0) errors.push("Cannot read USERS: it names nobody");
  entries.forEach((entry, index) => {
    const colon = entry.indexOf(":");
    const name = entry.slice(0, Math.max(colon, 0));
    const passwordHash = entry.slice(colon + 1);
    const problem = problemOf(name, passwordHash);
    if (problem !== undefined) errors.push(`Cannot read entry ${index + 1} of USERS: ${problem}`);
    users.set(name, passwordHash);
  });
  return errors.length > 0 ? { errors } : { users: { findHash: (name) => users.get(name) } };
}

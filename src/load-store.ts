// A session store of one's own: loaded from the module that the variable SESSION_STORE names.

import { inTime, messageOf } from "./checked-store.ts";
import type { SessionStore } from "./session-store.ts";

const methods = ["create", "read", "update", "delete", "listByOwner", "deleteByOwner"];

/**
 * Loads a module by its path, seen from a directory. Its default export is a session store, or a
 * function that makes one, at once or with a promise.
 *
 * @throws {Error} when it cannot be loaded, does not answer in 10 seconds, or makes no store.
 */
export async function loadStore(path: string, directory: string): Promise<SessionStore> {
  // A client that tries to connect for ever would leave the operator without a word.
  const store = await inTime(load(fileUrl(path, directory)), 10_000).catch((error: unknown) => {
    const [line] = messageOf(error).trim().split("\n");
    throw new Error(`Cannot load SESSION_STORE ${path}: ${line}`, { cause: error });
  });
  // The store may be anything: a module need not be written in TypeScript.
  const missing = methods.filter((name) => typeof Reflect.get(Object(store), name) !== "function");
  if (missing.length === 0) return store;
  throw new Error(`Cannot use SESSION_STORE ${path}: what it makes has no ${missing.join(", ")}`);
}

async function load(url: string): Promise<SessionStore> {
  const { default: made } = await import(url);
  return typeof made === "function" ? made() : made;
}

function fileUrl(path: string, directory: string): string {
  const url = new URL("file:///");
  const isAbsolute = /^(?:\/|[A-Za-z]:[/\\])/.test(path);
  // The setter escapes what means something in a URL, but takes "%" for an escape.
  url.pathname = (isAbsolute ? path : `${directory}/${path}`).replaceAll("%", "%25");
  return url.href;
}

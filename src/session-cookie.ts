// The session's cookie: which keys a request brings, and what the browser is told.

import { clearCookie, getCookie, serializeCookie } from "./cookie.ts";
import type { CookieOptions } from "./cookie.ts";
import { hashSessionId, isSessionId } from "./session-id.ts";
import type { SessionKey } from "./session-store.ts";

/** How many session cookies of one request are tried: each costs a question to the store. */
const maxCookies = 4;

/** Reads and writes the session's cookie. The choice of its attributes is made once. */
export class SessionCookie {
  readonly #name: string;
  readonly #options: CookieOptions;

  /**
   * With `secure`, the name has the prefix `__Host-`: browsers then take the cookie over https
   * alone, from this very host, for all its paths (rfc6265bis-22, section 4.1.3.2). `maxAge` is in
   * seconds; without it the cookie ends with the browser.
   */
  constructor(secure: boolean, maxAge: number | undefined) {
    this.#name = secure ? "__Host-session_id" : "session_id";
    this.#options = { path: "/", secure, httpOnly: true, sameSite: "lax", maxAge };
  }

  /** Tells whether the browser has a session cookie, whatever it is worth. */
  isIn(header: string | undefined): boolean {
    return getCookie(header, this.#name) !== undefined;
  }

  /** The keys of the well-formed session cookies of a request, the first few of them. */
  keysIn(header: string | undefined): readonly SessionKey[] {
    if (header === undefined) return [];
    const ids: string[] = [];
    let end = 0;
    // A neighbour host can plant a cookie of the same name before ours (RFC 6265, section 8.6): so
    // each piece with the name in it is read, and no other.
    for (let at = header.indexOf(this.#name); at !== -1; at = header.indexOf(this.#name, end)) {
      const semicolon = header.indexOf(";", at);
      end = semicolon === -1 ? header.length : semicolon;
      const piece = header.slice(header.lastIndexOf(";", at) + 1, end);
      const id = getCookie(piece, this.#name) ?? "";
      // No percent escape makes a second spelling of an id.
      if (isSessionId(id) && !piece.includes("%") && !ids.includes(id)) ids.push(id);
      if (ids.length === maxCookies) break;
    }
    return ids.map((id) => hashSessionId(id));
  }

  /** The value of `Set-Cookie` that gives the browser an id. */
  give(id: string): string {
    return serializeCookie(this.#name, id, this.#options);
  }

  /** The value of `Set-Cookie` that makes the browser forget its id. */
  clear(): string {
    return clearCookie(this.#name, this.#options);
  }
}

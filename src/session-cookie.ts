// The session's cookie: which keys a request brings, and what the browser is told.

import { clearCookie, getCookie, parseCookiePairs, serializeCookie } from "./cookie.ts";
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
  keysIn(header: string = ""): readonly SessionKey[] {
    // The text as it came, so that no percent escape makes a second spelling of an id.
    const isId = (value: string): boolean => isSessionId(value) && header.includes(value);
    // The usual case, without reading the rest.
    if (header.indexOf(this.#name) === header.lastIndexOf(this.#name)) {
      const id = getCookie(header, this.#name) ?? "";
      return isId(id) ? [hashSessionId(id)] : [];
    }
    // A neighbour host can plant a cookie of the same name before ours (RFC 6265, section 8.6).
    const ids = parseCookiePairs(header)
      .filter(([name, value]) => name === this.#name && isId(value))
      .map(([, value]) => value);
    return [...new Set(ids)].slice(0, maxCookies).map((id) => hashSessionId(id));
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

// The `Cookie` and `Set-Cookie` headers: find one cookie, read all, write one, delete one.
// Pure and alone: it imports nothing, so this one file can be copied. "bis" is RFC 6265bis, draft 22.

/** Attributes of a cookie. What is left out is not sent; inside a value nothing is repaired. */
export interface CookieOptions {
  /** Life in whole seconds; 0 deletes. Browsers keep no cookie for more than 400 days (bis 5.5). */
  readonly maxAge?: number | undefined;
  /** End of life, in the years 1601 to 9999. `maxAge` wins over it (bis 4.1.2.2). */
  readonly expires?: Date | undefined;
  /** A host name without a leading dot: also its subdomains get the cookie. */
  readonly domain?: string | undefined;
  /** Starts with "/": only this path and what lies below it gets the cookie. */
  readonly path?: string | undefined;
  readonly httpOnly?: boolean | undefined;
  readonly secure?: boolean | undefined;
  /** "none" needs `secure`. */
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
  /** One jar for each top-level site (CHIPS). Needs `secure`. */
  readonly partitioned?: boolean | undefined;
  /** What Chromium evicts first when it holds too many cookies. */
  readonly priority?: "low" | "medium" | "high" | undefined;
}

/**
 * Finds the first cookie of this name without reading the others: the value that `parseCookies`
 * has for it, on every input. Never throws; takes time linear in the header.
 * The value may share memory with the whole header: copy what is kept for long.
 */
export function getCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined || neverAName.test(name)) return undefined;
  let at = header.indexOf(name);
  for (; at !== -1; at = header.indexOf(name, at + name.length)) {
    // Names neither start nor end with a blank: no two hits walk over the same blanks.
    const before = skipBlanksBack(header, at);
    if (before !== 0 && header.charCodeAt(before - 1) !== semicolon) continue;
    const equals = skipBlanks(header, at + name.length);
    if (header.charCodeAt(equals) !== equalsSign) continue;
    const end = header.indexOf(";", equals);
    return valueBetween(header, equals + 1, end === -1 ? header.length : end);
  }
  return undefined;
}

/**
 * Reads all cookies by name. Of several with one name the first wins: browsers send the longest
 * path first (bis 5.8.3). A `Map`, so `__proto__` is a name like any other. Never throws.
 */
export function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const [name, value] of parseCookiePairs(header)) {
    if (!cookies.has(name)) cookies.set(name, value);
  }
  return cookies;
}

/**
 * Reads every pair in the order sent, repeated names too. Never throws, and reads on behind a
 * malformed piece, so that no cookie can hide another. Pieces without a name are skipped.
 */
// As browsers write it, and as bis 5.6 splits it: at each ";", then at the first "=". Only SP and
// HTAB are trimmed: more would make "__Host-id" of "\xa0__Host-id" (CVE-2026-39410). Names are
// never decoded, and quotes, commas and "$Version" (RFC 2965) mean nothing.
export function parseCookiePairs(header: string | undefined): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  if (header === undefined) return pairs;
  let start = 0;
  for (;;) {
    const equals = header.indexOf("=", start);
    if (equals === -1) return pairs;
    const semicolonAt = header.indexOf(";", start);
    const end = semicolonAt === -1 ? header.length : semicolonAt;
    if (end < equals) {
      // Jump over all pieces without "=" at once: to search from each would be quadratic.
      start = header.lastIndexOf(";", equals) + 1;
      continue;
    }
    const nameStart = skipBlanks(header, start);
    if (nameStart < equals) {
      const name = header.slice(nameStart, skipBlanksBack(header, equals));
      pairs.push([name, valueBetween(header, equals + 1, end)]);
    }
    start = end + 1;
  }
}

// What a piece cannot be called: empty, with a separator inside, or with a blank at an end.
const neverAName = /^$|[;=]|^[ \t]|[ \t]$/;
const semicolon = 0x3b;
const equalsSign = 0x3d;

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function skipBlanks(text: string, start: number): number {
  let index = start;
  while (isBlank(text.charCodeAt(index))) index++;
  return index;
}

function skipBlanksBack(text: string, end: number): number {
  let index = end;
  while (index > 0 && isBlank(text.charCodeAt(index - 1))) index--;
  return index;
}

function valueBetween(header: string, start: number, end: number): string {
  const value = header.slice(skipBlanks(header, start), skipBlanksBack(header, end));
  // Asked before, not caught after: a throw costs as much as parsing a whole header.
  if (!value.includes("%") || value.replace(utf8Escapes, "").includes("%")) return value;
  return decodeURIComponent(value);
}

// The bytes of one character in UTF-8, percent-encoded (RFC 3629, section 4):
//   UTF8-1 = %x00-7F            UTF8-2 = %xC2-DF tail           tail = %x80-BF
//   UTF8-3 = %xE0 %xA0-BF tail / %xE1-EC 2( tail ) / %xED %x80-9F tail / %xEE-EF 2( tail )
//   UTF8-4 = %xF0 %x90-BF 2( tail ) / %xF1-F3 3( tail ) / %xF4 %x80-8F 2( tail )
const tail = "%[89AB][\\dA-F]";
const utf8Escapes = new RegExp(
  `%[0-7][\\dA-F]|%(?:C[2-9A-F]|D[\\dA-F])${tail}|` +
    `%(?:E0%[AB][\\dA-F]|E[1-9A-CEF]${tail}|ED%[89][\\dA-F])${tail}|` +
    `%(?:F0%[9AB][\\dA-F]|F[1-3]${tail}|F4%8[\\dA-F])${tail}${tail}`,
  "gi",
);

/**
 * Writes the value of a `Set-Cookie` header. The cookie's value stands as it is, or
 * percent-encoded whole when it must be; `parseCookies` gives it back. Nothing is repaired.
 * A reply may set each name only once (bis 4.1.1).
 *
 * @throws {TypeError} when a browser would drop or misread a part. Names the cookie and the rule.
 * @throws {RangeError} when a size, number or date is beyond what browsers keep.
 */
export function serializeCookie(name: string, value: string, options: CookieOptions = {}): string {
  // Each is read once: a getter cannot show the checks one thing and the header another.
  const { domain, path, maxAge, expires, secure, httpOnly, sameSite, partitioned, priority } = options;
  if (!matches(token, name)) throw typeError(name, "its name must be a token (RFC 9110, 5.6.2)");
  let text = `${name}=${encodeValue(name, value)}`;
  if (text.length > 4097) throw rangeError(name, "name and value are over 4096 octets");
  if (domain !== undefined) {
    if (!matches(hostName, domain)) throw typeError(name, "Domain must be a host name, no dot first");
    text += `; Domain=${domain}`;
  }
  if (path !== undefined) {
    if (!matches(pathValue, path)) throw typeError(name, 'Path must be "/…", printable, without ";"');
    if (path.length > 1024) throw rangeError(name, "Path is over 1024 octets");
    text += `; Path=${path}`;
  }
  if (maxAge !== undefined) {
    if (!Number.isSafeInteger(maxAge) || maxAge < 0) {
      throw rangeError(name, "Max-Age must be whole seconds, from 0 up");
    }
    text += `; Max-Age=${maxAge}`;
  }
  if (expires !== undefined) text += `; Expires=${httpDate(name, expires)}`;
  if (isSet(name, "Secure", secure)) text += "; Secure";
  if (isSet(name, "HttpOnly", httpOnly)) text += "; HttpOnly";
  if (sameSite !== undefined) text += choice(name, "SameSite", sameSites.get(sameSite));
  if (isSet(name, "Partitioned", partitioned)) text += "; Partitioned";
  if (priority !== undefined) text += choice(name, "Priority", priorities.get(priority));

  if (!secure && sameSite === "none") throw typeError(name, "SameSite=None needs Secure");
  if (!secure && partitioned) throw typeError(name, "Partitioned needs Secure");
  if (!name.startsWith("__")) return text;
  // In any case, for servers that compare names so (bis 4.1.3; Http: draft layered-cookies).
  if (/^__(?:Secure|Http)-/i.test(name) && !secure) throw typeError(name, "its prefix needs Secure");
  if (/^__Host-/i.test(name) && (!secure || path !== "/" || domain !== undefined)) {
    throw typeError(name, "__Host- needs Secure, Path=/ and no Domain");
  }
  if (/^__(?:Host-)?Http-/i.test(name) && !httpOnly) throw typeError(name, "Http- needs HttpOnly");
  return text;
}

/**
 * Writes the `Set-Cookie` that deletes a cookie: give it the options that set it. All but its life
 * and Priority are repeated: a browser deletes only what has the same Domain, Path and partition,
 * and drops a clearing cookie that it would not store (bis 5.7).
 *
 * @throws {TypeError | RangeError} as `serializeCookie` does.
 */
export function clearCookie(name: string, options: CookieOptions = {}): string {
  const { domain, path, secure, httpOnly, sameSite, partitioned } = options;
  const scope = { domain, path, secure, httpOnly, sameSite, partitioned };
  return serializeCookie(name, "", { ...scope, maxAge: 0, expires: new Date(0) });
}

// token = 1*tchar (RFC 9110, 5.6.2); cookie-octet less "%" (bis 4.1.1); <subdomain> (RFC 1034, 3.5,
// and RFC 1123, 2.1); path-value = *av-octet, here from "/" on, without the SP that browsers trim.
const token = /^[\w!#$%&'*+.^`|~-]+$/;
const cookieOctets = /^[!#$&-+\--:<-[\]-~]*$/;
const label = "[a-z\\d](?:[a-z\\d-]{0,61}[a-z\\d])?";
const hostName = new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`, "i");
const pathValue = /^\/[ -:<-~]*(?<! )$/;
const sameSites = new Map([["strict", "Strict"], ["lax", "Lax"], ["none", "None"]]);
const priorities = new Map([["low", "Low"], ["medium", "Medium"], ["high", "High"]]);

// An object that pretends to be a string could say something else the next time.
function matches(grammar: RegExp, text: unknown): text is string {
  return typeof text === "string" && grammar.test(text);
}

function encodeValue(name: string, value: string): string {
  if (matches(cookieOctets, value)) return value;
  if (typeof value !== "string") throw typeError(name, "its value must be a string");
  if (/\p{Surrogate}/u.test(value)) throw typeError(name, "its value has a lone surrogate");
  return encodeURIComponent(value);
}

function isSet(name: string, attribute: string, flag: boolean | undefined): boolean {
  if (flag === undefined || flag === false) return false;
  if (flag !== true) throw typeError(name, `${attribute} must be true or false`);
  return true;
}

function choice(name: string, attribute: string, text: string | undefined): string {
  if (text === undefined) throw typeError(name, `${attribute} is not one of its words`);
  return `; ${attribute}=${text}`;
}

// Only a real Date has a time to give to `Date.prototype`, whatever it overrides or pretends.
function httpDate(name: string, expires: Date): string {
  let time;
  try {
    time = Date.prototype.getTime.call(expires);
  } catch {
    throw typeError(name, "Expires must be a Date");
  }
  // Years that browsers read (bis 5.1.1). An invalid date is NaN, within no limits.
  if (time >= Date.UTC(1601) && time < Date.UTC(10_000)) return new Date(time).toUTCString();
  throw rangeError(name, "Expires must lie in the years 1601 to 9999");
}

function refusal(name: unknown, rule: string): string {
  const quoted = typeof name === "string" ? JSON.stringify(name) : `of type ${typeof name}`;
  return `Cannot serialize cookie ${quoted}: ${rule}`;
}

function typeError(name: unknown, rule: string): TypeError {
  return new TypeError(refusal(name, rule));
}

function rangeError(name: unknown, rule: string): RangeError {
  return new RangeError(refusal(name, rule));
}

// The `Cookie` and `Set-Cookie` headers: find one cookie, read all, write one, delete one.
// Pure, imports nothing: this one file can be copied. "bis" is RFC 6265bis, draft 22.

/** The attributes of a cookie (bis 4.1.2). */
export interface CookieOptions {
  /** Seconds; 0 deletes. Wins over `expires`. Browsers keep no cookie for more than 400 days. */
  readonly maxAge?: number | undefined;
  readonly expires?: Date | undefined;
  /** A host name: its subdomains get the cookie too. Without it only the very host does. */
  readonly domain?: string | undefined;
  readonly path?: string | undefined;
  readonly httpOnly?: boolean | undefined;
  readonly secure?: boolean | undefined;
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
  readonly partitioned?: boolean | undefined;
  readonly priority?: "low" | "medium" | "high" | undefined;
}

/**
 * Finds the first cookie of this name, the one that `parseCookies` has, without reading the rest.
 * Never throws; takes linear time. The value may keep the whole header in memory.
 */
export function getCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined || neverAName.test(name)) return undefined;
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    // Linear: a name has no blank at its ends, so this loop walks over a blank at most twice.
    const before = skipBlanks(header, at - 1, -1, -1);
    const equals = skipBlanks(header, at + name.length, header.length, 1);
    if ((before !== -1 && header[before] !== ";") || header[equals] !== "=") continue;
    const end = header.indexOf(";", equals);
    return read(header, equals + 1, end === -1 ? header.length : end, header.indexOf("%", equals));
  }
  return undefined;
}

/**
 * Reads all cookies by name. The first of a name wins: browsers send the longest path first
 * (bis 5.8.3). A `Map`, so that `__proto__` is a name like any other. Never throws.
 */
export function parseCookies(header: string = ""): Map<string, string> {
  const cookies = new Map<string, string>();
  // Splits as bis 5.6 does: at each ";", then at the first "=". Quotes, commas and "$Version" mean
  // nothing, names are not decoded, and a piece without a name is skipped: none can hide another.
  let count = 0;
  let percent = header.indexOf("%");
  let start = 0;
  for (let equals = header.indexOf("="); equals !== -1; equals = header.indexOf("=", start)) {
    const semicolon = header.indexOf(";", start);
    const end = semicolon === -1 ? header.length : semicolon;
    if (end < equals) {
      start = header.lastIndexOf(";", equals) + 1; // All at once: one by one would be quadratic.
      continue;
    }
    if (percent !== -1 && percent < equals) percent = header.indexOf("%", equals);
    const name = read(header, start, equals, -1);
    const value = read(header, equals + 1, end, percent);
    start = end + 1;
    if (name === "") continue;
    cookies.set(name, value);
    count++;
  }
  if (count === cookies.size) return cookies;
  // A name came twice: set again in reverse, the first wins. To call `has` each time is slower.
  for (const [name, value] of parseCookiePairs(header).reverse()) cookies.set(name, value);
  return cookies;
}

/** Reads every pair in the order sent, repeated names too. Never throws. */
export function parseCookiePairs(header: string = ""): (readonly [string, string])[] {
  return header.split(";").flatMap((piece) => [...parseCookies(piece)]);
}

// Only SP and HTAB: `trim()` makes "__Host-id" of "\xa0__Host-id" (CVE-2026-39410). Never looks
// outside the text: after one such look, V8 makes every later `charCodeAt` here slower.
function skipBlanks(text: string, start: number, stop: number, step: 1 | -1): number {
  let at = start;
  while (at !== stop && (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09)) at += step;
  return at;
}

// Without blanks at its ends, and decoded: `at` is where the next "%" stands, -1 for a name.
function read(header: string, start: number, end: number, at: number): string {
  const first = skipBlanks(header, start, end, 1);
  const stop = skipBlanks(header, end - 1, first - 1, -1) + 1;
  return at === -1 || at >= stop ? header.slice(first, stop) : decode(header, first, stop, at);
}

// A character in UTF-8 (RFC 3629, section 4): UTF8-1 = %x00-7F   UTF8-2 = %xC2-DF tail   UTF8-3 =
// %xE0 %xA0-BF tail / %xE1-EC 2( tail ) / %xED %x80-9F tail / %xEE-EF 2( tail )   UTF8-4 =
// %xF0 %x90-BF 2( tail ) / %xF1-F3 3( tail ) / %xF4 %x80-8F 2( tail )   tail = %x80-BF
const tail = "%[89AB][\\dA-F]";
const utf8Escapes = new RegExp(
  `%[0-7][\\dA-F]|%(?:C[2-9A-F]|D[\\dA-F])${tail}|%(?:E0%[AB][\\dA-F]|E[1-9A-CEF]${tail}|` +
    `ED%[89][\\dA-F])${tail}|%(?:F0%[9AB][\\dA-F]|F[1-3]${tail}|F4%8[\\dA-F])${tail}${tail}`,
  "gi",
);
const neverAName = /^(?:$|[ \t])|[;=]|[ \t]$/; // Empty, with a separator, or a blank at an end.

// Whole, or not at all. ASCII is read here: `decodeURIComponent` is slow, and slowest if it throws.
function decode(header: string, start: number, end: number, percent: number): string {
  let [text, from] = ["", start];
  for (let at = percent; at !== -1 && at < end; at = header.indexOf("%", from)) {
    if (at + 2 >= end) return header.slice(start, end); // Half an escape.
    const code = hexDigit(header.charCodeAt(at + 1)) * 16 + hexDigit(header.charCodeAt(at + 2));
    if (code > 0x7f) {
      const value = header.slice(start, end);
      return value.replace(utf8Escapes, "").includes("%") ? value : decodeURIComponent(value);
    }
    text += header.slice(from, at) + String.fromCharCode(code);
    from = at + 3;
  }
  return text + header.slice(from, end);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x41 && code <= 0x46 ? code - 0x37 : 0x80; // Else over 0x7f: the slow way.
}

/**
 * Writes a `Set-Cookie` value; a reply sets each name only once (bis 4.1.1). The cookie's value
 * stands as it is, or percent-encoded whole when it must be: `parseCookies` gives it back.
 *
 * @throws {TypeError | RangeError} when a browser would drop, cut or misread it; says the rule.
 */
export function serializeCookie(name: string, value: string, options: CookieOptions = {}): string {
  // Each is read once: a getter cannot show one thing to the check and another to the header.
  const { domain, path, maxAge, expires, sameSite, priority } = options;
  const { secure = false, httpOnly = false, partitioned = false } = options;
  const site = sameSite === undefined ? "" : sites.get(sameSite);
  const rank = priority === undefined ? "" : ranks.get(priority);
  if (typeof name !== "string" || !token.test(name)) throw refusal(name, "name must be a token");
  const asIs = typeof value === "string" && cookieOctets.test(value);
  if (!asIs && !fits(wellFormed, value ?? null)) throw refusal(name, "value must be Unicode text");
  let text = name + "=" + (asIs ? value : encodeURIComponent(value));
  if (text.length > 4097) throw refusal(name, "name and value exceed 4096 octets", RangeError);
  if (!fits(hostName, domain)) throw refusal(name, "Domain must be a host name, no dot in front");
  if (path !== "/" && !fits(pathValue, path)) throw refusal(name, 'Path must be "/…" up to 1 KiB');
  const isAge = maxAge === undefined || (Number.isSafeInteger(maxAge) && maxAge >= 0);
  if (!isAge) throw refusal(name, "Max-Age must be whole seconds, 0 or more", RangeError);
  if (typeof secure !== "boolean") throw refusal(name, "Secure must be true or false");
  if (typeof httpOnly !== "boolean") throw refusal(name, "HttpOnly must be true or false");
  if (typeof partitioned !== "boolean") throw refusal(name, "Partitioned must be true or false");
  if (site === undefined) throw refusal(name, "SameSite must be strict, lax or none");
  if (rank === undefined) throw refusal(name, "Priority must be low, medium or high");
  if (!secure && sameSite === "none") throw refusal(name, "SameSite=None needs Secure");
  if (!secure && partitioned) throw refusal(name, "Partitioned needs Secure");
  // In any case, as browsers compare (bis 5.4; "Http": draft-ietf-httpbis-layered-cookies).
  if (!secure && /^__(Secure|Http)-/i.test(name)) throw refusal(name, "its prefix needs Secure");
  if (!httpOnly && /^__(Host-)?Http-/i.test(name)) throw refusal(name, "its prefix needs HttpOnly");
  if ((!secure || path !== "/" || domain !== undefined) && /^__Host-/i.test(name)) {
    throw refusal(name, "__Host- needs Secure, Path=/ and no Domain");
  }
  if (domain !== undefined) text += `; Domain=${domain}`;
  if (path !== undefined) text += path === "/" ? "; Path=/" : `; Path=${path}`;
  if (maxAge !== undefined) text += `; Max-Age=${maxAge}`;
  if (expires !== undefined) text += `; Expires=${httpDate(name, expires)}`;
  text += (secure ? "; Secure" : "") + (httpOnly ? "; HttpOnly" : "");
  if (site !== "") text += `; SameSite=${site}`;
  if (partitioned) text += "; Partitioned";
  return rank === "" ? text : `${text}; Priority=${rank}`;
}

/** Writes the `Set-Cookie` that deletes the cookie which these options set. Refuses as above. */
export function clearCookie(name: string, options: CookieOptions = {}): string {
  // Browsers compare Domain, Path and partition, and drop what they would not store (bis 5.7).
  const { domain, path, secure, httpOnly, sameSite, partitioned } = options;
  const scope = { domain, path, secure, httpOnly, sameSite, partitioned };
  return serializeCookie(name, "", { ...scope, maxAge: 0, expires: new Date(0) });
}

// token = 1*tchar (RFC 9110, 5.6.2). cookie-octet (bis 4.1.1), but for "%". <subdomain> (RFC 1034,
// 3.5; RFC 1123, 2.1). path-value = *av-octet (bis 4.1.1), but for what browsers trim or replace.
const token = /^[\w!#$%&'*+.^`|~-]+$/;
const cookieOctets = /^(?:[--:<-[\]-~]*|[!#$&-+\--:<-[\]-~]*)$/; // First the usual ones: faster.
const wellFormed = /^\P{Surrogate}*$/u;
const hostName = /^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.(?!$)|$))+$/i;
const pathValue = /^(?=.{1,1024}$)\/[ -:<-~]*(?<! )$/;
const sites = new Map([["strict", "Strict"], ["lax", "Lax"], ["none", "None"]]);
const ranks = new Map([["low", "Low"], ["medium", "Medium"], ["high", "High"]]);

// Left out, or a string: an object that pretends to be one could change between check and use.
function fits(grammar: RegExp, text: unknown): boolean {
  return text === undefined || (typeof text === "string" && grammar.test(text));
}

function refusal(name: unknown, rule: string, Kind: ErrorConstructor = TypeError): Error {
  const shown = typeof name === "string" ? JSON.stringify(name) : typeof name; // toJSON may lie.
  return new Kind(`Cannot serialize cookie ${shown}: ${rule}`);
}

// Only a real Date has a time to give, and only a valid one is within the years of bis 5.1.1.
function httpDate(name: string, expires: Date): string {
  try {
    const time = Date.prototype.getTime.call(expires);
    if (time >= Date.UTC(1601) && time < Date.UTC(10_000)) return new Date(time).toUTCString();
  } catch {}
  throw refusal(name, "Expires must be a Date in the years 1601 to 9999");
}

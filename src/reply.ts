// Replies are plain values: a controller returns one, and the handler alone turns it into bytes.

/** An answer to a request: all that a controller can do to the outside, as a value. */
export interface Reply {
  readonly status: number;
  /**
   * Fields by name, spelled as their RFCs spell it: `Cache-Control`. Not among them are
   * `Set-Cookie`, since there may be several, in `cookies`, and `Content-Length`, which is added.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** Values of `Set-Cookie`, at most one for each cookie name (RFC 6265, section 4.1.1). */
  readonly cookies: readonly string[];
  readonly body: string;
}

/** What JSON can say. An object typed by an `interface` must be spread: `json({ ...product })`. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A piece of HTML that is safe to send as it is: only `html` and `unescapedHtml` make one. */
export type Html = HtmlText;

class HtmlText {
  // Not #text: deepEqual does not look into that, and takes any two pieces for equal.
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What can stand in an `html` template: text is escaped, pieces of HTML are not. */
export type HtmlContent = string | number | Html | readonly Html[];

function escape(content: HtmlContent): string {
  if (content instanceof HtmlText) return content.toString();
  if (typeof content === "object") return content.map(escape).join("");
  const text = String(content);
  if (!/[&<>"']/.test(text)) return text;
  const inText = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return inText.replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/**
 * A template tag that escapes every value put into it (OWASP XSS Prevention, output encoding).
 * Safe between tags and inside quoted attributes; not inside `<script>`, `<style>` or a URL scheme.
 */
export function html(parts: TemplateStringsArray, ...contents: readonly HtmlContent[]): Html {
  // After the last part stands nothing.
  return new HtmlText(parts.map((part, index) => part + escape(contents[index] ?? "")).join(""));
}

/** Takes text as HTML without escaping it: for the program's own constants, never for input. */
export function unescapedHtml(text: string): Html {
  return new HtmlText(text);
}

const pageHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy":
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
};
const textHeaders = { "Content-Type": "text/plain; charset=utf-8" };
const jsonHeaders = { "Content-Type": "application/json" };

/** Answers an HTML page, under a policy that allows no script, no style and no outside content. */
export function page(content: Html, status: number = 200): Reply {
  return { status, headers: pageHeaders, cookies: [], body: content.toString() };
}

/** Answers plain text. */
export function text(body: string, status: number = 200): Reply {
  return { status, headers: textHeaders, cookies: [], body };
}

/** Answers JSON (RFC 8259). */
export function json(value: Json, status: number = 200): Reply {
  return { status, headers: jsonHeaders, cookies: [], body: JSON.stringify(value) };
}

/**
 * Sends the browser to another page of this site with 303 See Other (RFC 9110, section 15.4.4).
 *
 * @throws {TypeError} when the target could lead to another site: it must be a path.
 */
export function redirect(path: string): Reply {
  // "//host" and "/\host" name another host (WHATWG URL), and control characters end the header.
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(path)) {
    const target = JSON.stringify(path);
    throw new TypeError(`Cannot redirect to ${target}: not a path of this site, percent-encoded`);
  }
  return { status: 303, headers: { Location: path }, cookies: [], body: "" };
}

/** Answers a status alone, without a body. */
export function status(code: number): Reply {
  return { status: code, headers: {}, cookies: [], body: "" };
}

/** Returns the reply with more header fields; a field that it has already is replaced. */
export function withHeaders(reply: Reply, headers: Readonly<Record<string, string>>): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

/** Returns the reply with a cookie from `serializeCookie`, in place of one of the same name. */
export function withCookie(reply: Reply, cookie: string): Reply {
  const start = cookie.slice(0, cookie.indexOf("=") + 1);
  const others = reply.cookies.filter((other) => !other.startsWith(start));
  return { ...reply, cookies: [...others, cookie] };
}

/**
 * A refusal that is thrown instead of returned. The message is for the visitor: one line that says
 * what was refused and what to do, and nothing of what went on inside.
 */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

// The answer to a refused request, as a page or as JSON, whichever the client prefers.

import { html, json, withHeaders } from "../reply.ts";
import type { Reply } from "../reply.ts";
import { layout } from "./layout.ts";

const titles: ReadonlyMap<number, string> = new Map([
  [401, "Not logged in"],
  [403, "Not allowed"],
  [404, "Page not found"],
  [405, "Not possible here"],
  [408, "Too slow"],
  [413, "Too large"],
  [415, "Not a form"],
  [421, "Wrong address"],
  [429, "Too many tries"],
  [503, "Not just now"],
]);

/** Answers an error. The message is shown: what was refused, and what to do. */
export function errorReply(status: number, message: string, accept: string | undefined): Reply {
  const title = titles.get(status) ?? (status < 500 ? "Not understood" : "Something went wrong");
  const page = layout(title, html`<p class="soft">Error ${status}</p>
<h1>${title}</h1>
<p>${message}</p>
<p><a href="/">Go to the first page</a></p>`, status);
  return pageOrJson(page, message, accept);
}

/** Answers a refusal as this page, or as `{"error": message}` to a client that prefers JSON. */
export function pageOrJson(page: Reply, message: string, accept: string | undefined): Reply {
  const reply = prefersJson(accept) ? json({ error: message }, page.status) : page;
  return withHeaders(reply, { Vary: "Accept" });
}

/**
 * Tells whether `Accept` ranks JSON above HTML (RFC 9110, section 12.5.1). A tie is HTML: so are an
 * absent field and curl's own, which takes anything. A person can read a page, a program can ask.
 * Parameters other than `q` are ignored; a range with a malformed `q` does not count.
 */
export function prefersJson(accept: string | undefined): boolean {
  const weights = new Map<string, number>();
  // Real ones have about 150 characters. 16 KiB of commas would take longer than all the rest.
  for (const range of (accept ?? "").slice(0, 1_000).toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q=")) ?? "q=1";
    // qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
    if (!/^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight)) continue;
    weights.set(type, Math.max(Number(weight.slice(2)), weights.get(type) ?? 0));
  }
  // The most specific range decides, whatever the order.
  const anything = weights.get("*/*") ?? 0;
  const asJson = weights.get("application/json") ?? weights.get("application/*") ?? anything;
  const asHtml = weights.get("text/html") ?? weights.get("text/*") ?? anything;
  return asJson > asHtml;
}

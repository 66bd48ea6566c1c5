// The answer to a refused request, as a page or as JSON, whichever the client prefers.

import { html, json, withHeaders } from "../reply.ts";
import type { Reply } from "../reply.ts";
import { layout } from "./layout.ts";

/** A title, and what to do now. */
type ErrorText = readonly [title: string, advice: string];

const refused: ErrorText = ["Not understood", "Go back, look at what you sent, and try again."];
const failed: ErrorText = ["Something went wrong", "It is not your fault. Try again in a moment."];
const errorTexts: ReadonlyMap<number, ErrorText> = new Map<number, ErrorText>([
  [401, ["Not logged in", "This needs a login. Log in and try again."]],
  [403, ["Not from another site", "Open the first page here, and start from it."]],
  [404, ["Page not found", "Check the address for a slip, or start from the first page."]],
  [405, ["Not possible here", "This address takes other requests. Start from the first page."]],
  [408, ["Too slow", "The request did not arrive in time. Check the connection and try again."]],
  [413, ["Too large", "There is more in the form than fits. Shorten it and send it again."]],
  [415, ["Not a form", "Only ordinary forms are read here. Send it from its own page."]],
  [421, ["Wrong address", "No site of that name is here. Check the address."]],
  [429, ["Too many tries", "Wait a little, then try again."]],
  [503, ["Not just now", "The server cannot do this at the moment. Wait a little and try again."]],
]);

/**
 * Answers a refusal as a page, or as `{"error": message}` to a client that prefers JSON.
 * Without a message it gives plain advice for the status. The visitor sees the message: it must
 * say what was refused and what to do, never what went wrong inside.
 */
export function errorReply(
  status: number,
  message: string | undefined,
  accept: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const [title, advice] = errorTexts.get(status) ?? (status < 500 ? refused : failed);
  const words = message ?? advice;
  const reply = prefersJson(accept)
    ? json({ error: words }, status)
    : errorPage(status, title, words);
  return withHeaders(reply, headers);
}

function errorPage(status: number, title: string, message: string): Reply {
  return layout(title, html`<p class="soft">Error ${status}</p>
<h1>${title}</h1>
<p>${message}</p>
<p><a href="/">Go to the first page</a></p>`, status);
}

/**
 * Tells whether `Accept` ranks JSON above HTML (RFC 9110, section 12.5.1). A tie is HTML: so are an
 * absent field and curl's own, which takes anything. A person can read a page, a program can ask.
 * Parameters other than `q` are ignored; a range with a malformed `q` does not count.
 */
export function prefersJson(accept: string | undefined): boolean {
  const weights = new Map<string, number>();
  for (const range of (accept ?? "").toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q=")) ?? "q=1";
    // qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
    if (!/^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight)) continue;
    weights.set(type, Math.max(Number(weight.slice(2)), weights.get(type) ?? 0));
  }
  // The most specific range decides, whatever the order.
  const any = weights.get("*/*") ?? 0;
  const asJson = weights.get("application/json") ?? weights.get("application/*") ?? any;
  const asHtml = weights.get("text/html") ?? weights.get("text/*") ?? any;
  return asJson > asHtml;
}

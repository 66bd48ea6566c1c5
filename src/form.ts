// HTML forms: what a request says of its body, and how it is decoded. Pure; repairs nothing.

import type { IncomingHttpHeaders } from "node:http";
import { HttpError } from "./reply.ts";

/** The most octets of a form that are read. */
export const maxFormSize: number = 8192;

const maxFields = 16;
const formType = /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset=("?)utf-8\1[ \t]*)?$/i;

/** Tells whether a request has a body (RFC 9112, section 6.3). */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/**
 * Checks what a request says of its body, before any of it is read.
 *
 * @throws {HttpError} 415 when it is not a form in UTF-8, 413 when it is over 8 KiB.
 */
export function checkFormHeaders(headers: IncomingHttpHeaders): void {
  if (!formType.test(headers["content-type"] ?? "")) {
    throw new HttpError(415, "Send a form: application/x-www-form-urlencoded, in UTF-8.");
  }
  if (headers["content-encoding"] !== undefined) {
    throw new HttpError(415, "Send the form without a content encoding.");
  }
  if (Number(headers["content-length"] ?? 0) > maxFormSize) throw formTooLarge();
}

/** The refusal of a form over 8 KiB. */
export function formTooLarge(): HttpError {
  return new HttpError(413, `Send a form of at most ${maxFormSize} bytes.`);
}

/**
 * Decodes a form (WHATWG URL, section 5.1) into its fields. One without "=" is empty.
 *
 * @throws {HttpError} 400 when it is not UTF-8, has a bad escape, a repeated or too many fields.
 */
export function parseForm(body: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of decodePairs(body)) {
    if (fields.has(name)) throw new HttpError(400, "Send each field once.");
    if (fields.size === maxFields) throw new HttpError(400, `Send at most ${maxFields} fields.`);
    fields.set(name, value);
  }
  return fields;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodePairs(body: Uint8Array): URLSearchParams {
  try {
    const text = utf8.decode(body);
    decodeURIComponent(text); // Throws for an escape that URLSearchParams would repair.
    return new URLSearchParams(`?${text}`); // It drops one "?" in front: not the form's own.
  } catch {
    throw new HttpError(400, "Send the form in UTF-8, percent-encoded.");
  }
}

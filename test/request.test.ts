// What a controller sees of a request. Most is checked over real HTTP, in handler.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf } from "../src/request.ts";
import { messageFrom } from "./message-from.ts";

const proxy = "10.0.0.1";
const rows: readonly (readonly [
  claim: string, forwardedFor: string | undefined, proxies: number, address: string,
])[] = [
  ["nothing is believed by default", "192.0.2.9", 0, proxy],
  ["without the field: the connection", undefined, 1, proxy],
  ["one proxy: what it added, on the right", "192.0.2.9", 1, "192.0.2.9"],
  ["one proxy: the client's own claim is on the left", "1.1.1.1, 192.0.2.9", 1, "192.0.2.9"],
  ["two proxies: the second from the right", "1.1.1.1, 192.0.2.9, 10.0.0.2", 2, "192.0.2.9"],
  ["as many as there are", "192.0.2.9,10.0.0.2", 2, "192.0.2.9"],
  ["fewer than there are proxies: not theirs", "192.0.2.9", 2, proxy],
  ["spaces and tabs do not matter", "1.1.1.1 ,\t192.0.2.9 ", 1, "192.0.2.9"],
  ["IPv6 is an address", "2001:db8::1", 1, "2001:db8::1"],
  ["IPv4 in IPv6 is an address", "::ffff:192.0.2.9", 1, "::ffff:192.0.2.9"],
  ["the shortest address", "::", 1, "::"],
  ["the longest address", `::${"0".repeat(43)}`, 1, `::${"0".repeat(43)}`],
  ["longer than any address", `::${"0".repeat(44)}`, 1, proxy],
  ["one character is no address", ":", 1, proxy],
  ["a name is no address", "unknown", 1, proxy],
  ["a port is left out", "192.0.2.9:51234", 1, "192.0.2.9"],
  ["a port is left out behind IPv6, in capitals too", "[2001:DB8::1]:80", 1, "2001:DB8::1"],
  ["an address with a colon and no port is none", "192.0.2.9:", 1, proxy],
  ["an address with two ports is none", "192.0.2.9:80:81", 1, proxy],
  ["shorter than any IPv4 address", "1.1.1.", 1, proxy],
  ["longer than any IPv4 address", "192.168.100.1000", 1, proxy],
  ["the shortest IPv4 address", "1.1.1.1", 1, "1.1.1.1"],
  ["the longest IPv4 address", "192.168.100.100", 1, "192.168.100.100"],
  ["digits before brackets are no part of an address", "1[::1]:80", 1, proxy],
  ["a group behind a port is no part of an address", "[::1]:80:1", 1, proxy],
  ["text before an IPv6 address", "x::1", 1, proxy],
  ["text within an IPv6 address", "::x1", 1, proxy],
  ["text behind an IPv6 address", "::1x", 1, proxy],
  ["text before an IPv4 address", "x192.0.2.9", 1, proxy],
  ["text behind an IPv4 address", "192.0.2.9x", 1, proxy],
  ["letters at both ends of an IPv6 address", "fe80::beef", 1, "fe80::beef"],
  ["an address in brackets is none", "[2001:db8::1]", 1, proxy],
  ["a name with a port is no address", "unknown:80", 1, proxy],
  ["text before an address with a port is no address", "x192.0.2.9:80", 1, proxy],
  ["text behind an address with a port is no address", "[::1]:80x", 1, proxy],
  ["nothing on the right is no address", "192.0.2.9,", 1, proxy],
  ["an empty field is no address", "", 1, proxy],
  ["text with a line break is no address", "192.0.2.9\n{}", 1, proxy],
];

for (const [claim, forwardedFor, proxies, address] of rows) {
  test(`X-Forwarded-For, ${claim}`, () => {
    assert.equal(addressOf(messageFrom(proxy, forwardedFor), proxies), address);
  });
}

test("a connection that is gone has no address", () => {
  assert.equal(addressOf(messageFrom(undefined, undefined), 0), "unknown");
  assert.equal(addressOf(messageFrom(undefined, "192.0.2.9"), 1), "192.0.2.9");
});

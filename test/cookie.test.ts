// The rules of the `Cookie` and `Set-Cookie` headers, one row each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import {
  clearCookie,
  type CookieOptions,
  getCookie,
  parseCookiePairs,
  parseCookies,
  serializeCookie,
} from "../src/cookie.ts";

type Pairs = readonly (readonly [name: string, value: string])[];
type Row = readonly [claim: string, header: string | undefined, pairs: Pairs];

const reading: readonly Row[] = [
  // bis 5.6 and 5.8.3; RFC 6265, 4.2.1
  ["no header has no cookies", undefined, []],
  ["an empty header has no cookies", "", []],
  ["one pair", "a=1", [["a", "1"]]],
  ["pairs keep their order", "b=2; a=1", [["b", "2"], ["a", "1"]]],
  ["the space behind ; is optional", "a=1;b=2", [["a", "1"], ["b", "2"]]],
  ["the first = splits, the others are value", "a=b=c==", [["a", "b=c=="]]],
  ["an empty value is a value", "a=; b=", [["a", ""], ["b", ""]]],
  ["a value of blanks is empty", "a= \t ; b=1", [["a", ""], ["b", "1"]]],
  ["a piece without = is skipped", "a; b=1; c", [["b", "1"]]],
  ["many pieces without = are skipped", "x;y;;z; a=1", [["a", "1"]]],
  // bis 5.8.3; CVE-2023-23934: "=__Host-a=1" was read as "__Host-a"
  ["a nameless piece is no cookie with a prefix", "=__Host-a=1; b=2", [["b", "2"]]],
  ["a piece with an empty name is skipped", "=1; \t=2; a=3", [["a", "3"]]],
  ["empty pieces are skipped", ";; ;a=1;;", [["a", "1"]]],
  ["repeated names are all there, in order", "a=1; a=2; a=1", [["a", "1"], ["a", "2"], ["a", "1"]]],
  ["names differ by case", "A=1; a=2", [["A", "1"], ["a", "2"]]],
  // Only SP and HTAB are OWS (RFC 9110, 5.6.3); CVE-2026-39410
  ["SP and HTAB around names and values go", " \ta\t = \t1 \t;\tb =2", [["a", "1"], ["b", "2"]]],
  ["blanks inside stay", "a b=1 2", [["a b", "1 2"]]],
  ["U+00A0 stays: it cannot forge a prefix", "\xa0__Host-a=1", [["\xa0__Host-a", "1"]]],
  ["U+FEFF stays", "\ufeffa=\ufeff", [["\ufeffa", "\ufeff"]]],
  ["CR, LF, VT and FF stay", "\va=\f1\r\n", [["\va", "\f1\r\n"]]],
  ["NUL stays", "\0=\0", [["\0", "\0"]]],
  // Nothing but ; separates (bis 5.6); RFC 2109 and 2965 are obsolete
  ["quotes do not protect ;", 'a="1; b=2"', [["a", '"1'], ["b", '2"']]],
  ["quotes stay", 'a="1"', [["a", '"1"']]],
  ["commas do not separate", "a=1, b=2", [["a", "1, b=2"]]],
  [
    "$Version is a name", '$Version=1; a=1; $Path="/"',
    [["$Version", "1"], ["a", "1"], ["$Path", '"/"']],
  ],
  // CVE-2024-7592: unquoting took quadratic time
  ["backslashes stay", "a=\\073b", [["a", "\\073b"]]],
  // Names are compared as they came; CVE-2020-8184
  ["names are never decoded", "%5F_Host-a=1; a%3Db=2", [["%5F_Host-a", "1"], ["a%3Db", "2"]]],
  // A Map has no prototype: CVE-2023-26136
  [
    "names of object properties are names", "__proto__=1; constructor=2; toString=3",
    [["__proto__", "1"], ["constructor", "2"], ["toString", "3"]],
  ],
  // Percent-encoding: RFC 3986, 2.1; UTF-8: RFC 3629, 4
  ["ASCII is decoded", "a=%41%7e%7E%00", [["a", "A~~\0"]]],
  ["separators are decoded after the split", "a=%3Bb%3D1", [["a", ";b=1"]]],
  ["hexadecimal digits have no case", "a=%c3%A9%4a%4A", [["a", "éJJ"]]],
  [
    "two, three and four octets are decoded",
    "a=%C2%80%DF%BF%E0%A0%80%EF%BF%BF%F0%90%80%80%F4%8F%BF%BF",
    [["a", "\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}"]],
  ],
  ["what stands beside surrogates is decoded", "a=%ED%9F%BF%EE%80%80", [["a", "\ud7ff\ue000"]]],
  ["decoded once", "a=%2541", [["a", "%41"]]],
  ["digits without % stay", "a=b42; b=%41b42", [["a", "b42"], ["b", "Ab42"]]],
  ["+ stays", "a=1+1", [["a", "1+1"]]],
  ["octets over 0x7F stay as they came", "a=\xc3\xa9", [["a", "\xc3\xa9"]]],
  ["a value is decoded whole or not at all", "a=%41%zz; b=%41", [["a", "%41%zz"], ["b", "A"]]],
  ["… nor when the end is broken", "a=%41%C3; b=%41%", [["a", "%41%C3"], ["b", "%41%"]]],
  ["a lone % stays", "a=%; b=%4; c=100%", [["a", "%"], ["b", "%4"], ["c", "100%"]]],
  [
    "digits beyond F stay", "a=%4G; b=%G4; c=%8/; d=% 4",
    [["a", "%4G"], ["b", "%G4"], ["c", "%8/"], ["d", "% 4"]],
  ],
  ["a lone continuation stays", "a=%80; b=%BF", [["a", "%80"], ["b", "%BF"]]],
  [
    "overlong forms stay", "a=%C0%AF; b=%C1%BF; c=%E0%9F%BF; d=%F0%8F%BF%BF",
    [["a", "%C0%AF"], ["b", "%C1%BF"], ["c", "%E0%9F%BF"], ["d", "%F0%8F%BF%BF"]],
  ],
  ["surrogates stay", "a=%ED%A0%80; b=%ED%BF%BF", [["a", "%ED%A0%80"], ["b", "%ED%BF%BF"]]],
  [
    "beyond U+10FFFF stays", "a=%F4%90%80%80; b=%F5%80%80%80; c=%FF",
    [["a", "%F4%90%80%80"], ["b", "%F5%80%80%80"], ["c", "%FF"]],
  ],
  [
    "cut sequences stay", "a=%E2%82; b=%F0%90%80; c=%C3",
    [["a", "%E2%82"], ["b", "%F0%90%80"], ["c", "%C3"]],
  ],
  ["% in a name leaves the value alone", "%=1; b=%42", [["%", "1"], ["b", "B"]]],
  [
    "a malformed cookie hides no other", "a=%; b=1; %%=; c=%C3; d=4",
    [["a", "%"], ["b", "1"], ["%%", ""], ["c", "%C3"], ["d", "4"]],
  ],
];

for (const [claim, header, pairs] of reading) {
  test(`reading: ${claim}`, () => {
    const first = new Map<string, string>();
    for (const [name, value] of pairs) if (!first.has(name)) first.set(name, value);
    assert.deepEqual(parseCookiePairs(header), pairs);
    assert.deepEqual([...parseCookies(header)], [...first]);
    for (const [name, value] of first) assert.equal(getCookie(header, name), value);
  });
}

type Text = string | undefined;
type Looked = readonly [claim: string, header: Text, name: string, value: Text];

const looking: readonly Looked[] = [
  // As the reading of all finds it: bis 5.6; 5.8.3
  ["no header", undefined, "a", undefined],
  ["the first wins", "a=1; a=2", "a", "1"],
  ["a name inside a longer one is not it", "aa=1; ba=2; ab=3; a=4", "a", "4"],
  ["a name inside a value is not it", "x=a=1; y=;a=2", "a", "2"],
  ["a name behind a blank inside a name is not it", "x a=1", "a", undefined],
  ["a name without = is not it", "a; a", "a", undefined],
  ["a name without = before one with", "a; a=1", "a", "1"],
  ["a name at the very end", "b=1; a", "a", undefined],
  ["names are compared with case", "A=1", "a", undefined],
  ["names are not decoded", "%61=1", "a", undefined],
  ["hits can overlap", "aaa=1; aa=2", "aa", "2"],
  ["a name with a blank inside", "a b=1", "a b", "1"],
  // What no piece can be named: bis 5.6
  ["an empty name finds nothing", "=1; a=2", "", undefined],
  ["a name with ; finds nothing", "a;b=1", "a;b", undefined],
  ["a name with = finds nothing", "a=b=1", "a=b", undefined],
  ["a name with SP in front finds nothing", " a=1", " a", undefined],
  ["a name with SP behind finds nothing", "a =1", "a ", undefined],
  ["a name with HTAB in front finds nothing", "\ta=1", "\ta", undefined],
  ["a name with HTAB behind finds nothing", "a\t=1", "a\t", undefined],
  ["blanks before the first name", " \ta=1", "a", "1"],
  ["a value is decoded", "x=%; a=%C3%A9", "a", "é"],
];

for (const [claim, header, name, value] of looking) {
  test(`looking for one: ${claim}`, () => {
    assert.equal(getCookie(header, name), value);
    assert.equal(parseCookies(header).get(name), value);
  });
}

type Written = readonly [claim: string, args: Parameters<typeof serializeCookie>, text: string];

const writing: readonly Written[] = [
  // set-cookie-string: bis 4.1.1
  ["a pair", ["a", "1"], "a=1"],
  ["an empty value", ["a", ""], "a="],
  ["every character of a token", ["!#$%&'*+-.^_`|~09azAZ", ""], "!#$%&'*+-.^_`|~09azAZ="],
  // cookie-octet: bis 4.1.1
  [
    "cookie-octets stand as they are", ["a", "!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~"],
    "a=!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~",
  ],
  ["% is encoded, so that reading gives it back", ["a", "%41"], "a=%2541"],
  ["a value with one other character is encoded whole", ["a", "b/c d"], "a=b%2Fc%20d"],
  ["separators, quotes and backslash are encoded", ["a", ';,"\\'], "a=%3B%2C%22%5C"],
  ["control characters are encoded", ["a", "\0\r\n\t\x7f"], "a=%00%0D%0A%09%7F"],
  ["other characters are encoded as UTF-8", ["a", "é€😀"], "a=%C3%A9%E2%82%AC%F0%9F%98%80"],
  // bis 5.6, step 5
  ["4096 octets", ["ab", "x".repeat(4094)], `ab=${"x".repeat(4094)}`],
  ["4096 octets, encoded", ["a", `${" ".repeat(1365)}`], `a=${"%20".repeat(1365)}`],
  [
    "no attribute for what is undefined or false",
    [
      "a", "1",
      {
        domain: undefined, path: undefined, maxAge: undefined, expires: undefined, secure: false,
        httpOnly: false, sameSite: undefined, partitioned: false, priority: undefined,
      },
    ],
    "a=1",
  ],
  [
    "every attribute, in one order",
    [
      "a", "1",
      {
        priority: "high", partitioned: true, sameSite: "none", httpOnly: true, secure: true,
        expires: new Date(0), maxAge: 60, path: "/b", domain: "example.com",
      },
    ],
    "a=1; Domain=example.com; Path=/b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure" +
      "; HttpOnly; SameSite=None; Partitioned; Priority=High",
  ],
  // samesite-value: bis 4.1.1. Priority: draft-west-cookie-priority
  ["SameSite=Strict", ["a", "", { sameSite: "strict" }], "a=; SameSite=Strict"],
  ["SameSite=Lax", ["a", "", { sameSite: "lax" }], "a=; SameSite=Lax"],
  ["Priority=Low", ["a", "", { priority: "low" }], "a=; Priority=Low"],
  ["Priority=Medium", ["a", "", { priority: "medium" }], "a=; Priority=Medium"],
  // max-age-av: bis 4.1.1
  ["Max-Age 0", ["a", "", { maxAge: 0 }], "a=; Max-Age=0"],
  ["Max-Age, the largest", ["a", "", { maxAge: 2 ** 53 - 1 }], "a=; Max-Age=9007199254740991"],
  // Years: bis 5.1.1
  [
    "Expires, the first", ["a", "", { expires: new Date("1601-01-01T00:00:00.000Z") }],
    "a=; Expires=Mon, 01 Jan 1601 00:00:00 GMT",
  ],
  [
    "Expires, the last", ["a", "", { expires: new Date("9999-12-31T23:59:59.999Z") }],
    "a=; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
  ],
  [
    "a Date of another realm is a Date", ["a", "", { expires: runInNewContext("new Date(0)") }],
    "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  ],
  // <subdomain>: RFC 1034, 3.5; RFC 1123, 2.1
  [
    "Domain with digits and hyphens", ["a", "", { domain: "1a.b--c.EXAMPLE.com" }],
    "a=; Domain=1a.b--c.EXAMPLE.com",
  ],
  ["Domain of one label", ["a", "", { domain: "localhost" }], "a=; Domain=localhost"],
  [
    "Domain with a label of 63", ["a", "", { domain: `${"a".repeat(63)}.com` }],
    `a=; Domain=${"a".repeat(63)}.com`,
  ],
  [
    "Domain of 253", ["a", "", { domain: `a${".a".repeat(126)}` }],
    `a=; Domain=a${".a".repeat(126)}`,
  ],
  // path-value: bis 4.1.1
  ["Path /", ["a", "", { path: "/" }], "a=; Path=/"],
  [
    "Path with all it may hold", ["a", "", { path: "/ !\"#$%&'()*+,-./09:<=>?@AZ[\\]^_`az{|}~" }],
    "a=; Path=/ !\"#$%&'()*+,-./09:<=>?@AZ[\\]^_`az{|}~",
  ],
  ["Path of 1024", ["a", "", { path: `/${"b".repeat(1023)}` }], `a=; Path=/${"b".repeat(1023)}`],
  // Prefixes: bis 4.1.3; draft-ietf-httpbis-layered-cookies, 4.1.3
  ["__Secure- with Secure", ["__Secure-a", "", { secure: true }], "__Secure-a=; Secure"],
  [
    "__Secure- with a Domain and a Path",
    ["__Secure-a", "", { secure: true, domain: "a.b", path: "/c" }],
    "__Secure-a=; Domain=a.b; Path=/c; Secure",
  ],
  [
    "__Host- with Secure and Path=/", ["__Host-a", "", { secure: true, path: "/" }],
    "__Host-a=; Path=/; Secure",
  ],
  [
    "__Http- with Secure and HttpOnly", ["__Http-a", "", { secure: true, httpOnly: true }],
    "__Http-a=; Secure; HttpOnly",
  ],
  [
    "__Host-Http- with all", ["__Host-Http-a", "", { secure: true, httpOnly: true, path: "/" }],
    "__Host-Http-a=; Path=/; Secure; HttpOnly",
  ],
  ["a prefix elsewhere is no prefix", ["a__Host-", ""], "a__Host-="],
  ["__Secure- elsewhere is no prefix", ["a__Secure-", ""], "a__Secure-="],
  ["__Http- elsewhere is no prefix", ["a__Http-", ""], "a__Http-="],
  ["a prefix without its hyphen is no prefix", ["__Host", ""], "__Host="],
  ["one underscore is no prefix", ["_Host-a", ""], "_Host-a="],
  ["__Foo- is no prefix", ["__Foo-a", ""], "__Foo-a="],
  [
    "__Secure-Http- is only __Secure-", ["__Secure-Http-a", "", { secure: true }],
    "__Secure-Http-a=; Secure",
  ],
];

for (const [claim, args, text] of writing) {
  test(`writing: ${claim}`, () => {
    assert.equal(serializeCookie(...args), text);
    assert.equal(getCookie(text, args[0]), args[1]);
  });
}

const nameRule = "name must be a token";
const valueRule = "value must be Unicode text";
const domainRule = "Domain must be a host name, no dot in front";
const pathRule = 'Path must be "/…" up to 1 KiB';
const maxAgeRule = "Max-Age must be whole seconds, 0 or more";
const expiresRule = "Expires must be a Date in the years 1601 to 9999";
const sameSiteRule = "SameSite must be strict, lax or none";
const priorityRule = "Priority must be low, medium or high";
const hostRule = "__Host- needs Secure, Path=/ and no Domain";
const text = { toString: () => "/", valueOf: () => "/", [Symbol.toPrimitive]: () => "/" };
const fakeDate: unknown = Object.assign(Object.create(Date.prototype), {
  [Symbol.toStringTag]: "Date",
  getTime: () => 0,
  toUTCString: () => "never",
});

type Refused = readonly [claim: string, rule: string, ...args: [unknown, unknown, unknown?]];

const refused: readonly Refused[] = [
  // cookie-name = token (bis 4.1.1; RFC 9110, 5.6.2); one that is none adds attributes: CVE-2024-47764
  ["an empty name", nameRule, "", "1"],
  ...Array.from('()<>@,;:\\"/[]?={} \t\r\n\0\x1f\x7f\x80é', (character): Refused => [
    `a name with U+${character.charCodeAt(0).toString(16)}`, nameRule, `a${character}`, "1",
  ]),
  ["a name that is a line", nameRule, "a\n", "1"],
  ["no name", nameRule, undefined, "1"],
  ["a name that is no string", nameRule, 1, "1"],
  ["a name that pretends to be a string", nameRule, { toString: () => "a" }, "1"],
  ["a name that says something else as JSON", nameRule, { toJSON: () => "a" }, "1"],
  ["a name that throws as JSON", nameRule, { toJSON: () => { throw new Error("no"); } }, "1"],
  ["a name that JSON does not know", nameRule, 1n, "1"],
  // Half a character has no UTF-8 to encode: RFC 3629, 3
  ["no value", valueRule, "a", undefined],
  ["a value that is null", valueRule, "a", null],
  ["a value that is a number", valueRule, "a", 1],
  ["a value that pretends to be a string", valueRule, "a", text],
  ["a String object", valueRule, "a", new String("1")],
  ["a lone high surrogate", valueRule, "a", "\ud800"],
  ["a lone low surrogate", valueRule, "a", "x\udc00x"],
  ["surrogates in the wrong order", valueRule, "a", "\udc00\ud800"],
  // domain-value = <subdomain> (bis 4.1.1; RFC 1034, 3.5; RFC 1123, 2.1), of 1024 octets at most (bis 5.6)
  ["Domain with a dot in front", domainRule, "a", "1", { domain: ".example.com" }],
  ["Domain with a dot behind", domainRule, "a", "1", { domain: "example.com." }],
  ["Domain with two dots", domainRule, "a", "1", { domain: "example..com" }],
  ["Domain with a hyphen in front", domainRule, "a", "1", { domain: "-a.com" }],
  ["Domain with a hyphen behind", domainRule, "a", "1", { domain: "a-.com" }],
  ["Domain with a port", domainRule, "a", "1", { domain: "a.com:80" }],
  ["Domain with another attribute", domainRule, "a", "1", { domain: "a.com; Secure" }],
  ["Domain of several lines", domainRule, "a", "1", { domain: "a.com\n" }],
  ["Domain beyond ASCII", domainRule, "a", "1", { domain: "ä.com" }],
  ["Domain with K for Kelvin", domainRule, "a", "1", { domain: "\u212a.com" }],
  ["Domain, empty", domainRule, "a", "1", { domain: "" }],
  ["Domain with a label of 64", domainRule, "a", "1", { domain: `${"a".repeat(64)}.com` }],
  ["Domain of 255", domainRule, "a", "1", { domain: `a${".a".repeat(127)}` }],
  ["Domain of 254", domainRule, "a", "1", { domain: `aa${".a".repeat(126)}` }],
  ["Domain over 1024", domainRule, "a", "1", { domain: "a.".repeat(600) + "a" }],
  ["Domain that is null", domainRule, "a", "1", { domain: null }],
  [
    "Domain that pretends to be a string", domainRule, "a", "1",
    { domain: { toString: () => "a.com" } },
  ],
  // path-value = *av-octet (bis 4.1.1), of 1024 octets at most (bis 5.6); else the default path is taken (bis 5.6.4)
  ["Path that is empty", pathRule, "a", "1", { path: "" }],
  ["Path without / in front", pathRule, "a", "1", { path: "b/" }],
  ["Path with ;", pathRule, "a", "1", { path: "/; Secure" }],
  ["Path with a line break", pathRule, "a", "1", { path: "/\r\nSet-Cookie: b=1" }],
  ["Path with a line break at its end", pathRule, "a", "1", { path: "/\n" }],
  ["Path with NUL", pathRule, "a", "1", { path: "/\0" }],
  ["Path with HTAB", pathRule, "a", "1", { path: "/\tb" }],
  ["Path with DEL", pathRule, "a", "1", { path: "/\x7f" }],
  ["Path beyond ASCII", pathRule, "a", "1", { path: "/é" }],
  ["Path with a space at its end, which browsers trim", pathRule, "a", "1", { path: "/b " }],
  ["Path of 1025", pathRule, "a", "1", { path: `/${"b".repeat(1024)}` }],
  ["Path that is null", pathRule, "a", "1", { path: null }],
  ["Path that pretends to be a string", pathRule, "a", "1", { path: text }],
  // sane-cookie-date (bis 4.1.1), of the years that are read (bis 5.1.1)
  [
    "Expires, a millisecond too early", expiresRule, "a", "1",
    { expires: new Date(Date.UTC(1601) - 1) },
  ],
  [
    "Expires, a millisecond too late", expiresRule, "a", "1",
    { expires: new Date(Date.UTC(10_000)) },
  ],
  ["Expires, invalid", expiresRule, "a", "1", { expires: new Date(Number.NaN) }],
  ["Expires that is a number", expiresRule, "a", "1", { expires: 0 }],
  ["Expires that is text", expiresRule, "a", "1", { expires: new Date(0).toUTCString() }],
  ["Expires that is null", expiresRule, "a", "1", { expires: null }],
  ["Expires that pretends to be a Date", expiresRule, "a", "1", { expires: fakeDate }],
  [
    "Expires that is a proxy of a Date", expiresRule, "a", "1",
    { expires: new Proxy(new Date(0), {}) },
  ],
  // secure-av and httponly-av (bis 4.1.1) are there or not; Partitioned: draft-cutler-httpbis-partitioned-cookies
  ["Secure that is text", "Secure must be true or false", "a", "1", { secure: "false" }],
  ["Secure that is null", "Secure must be true or false", "a", "1", { secure: null }],
  ["HttpOnly that is a number", "HttpOnly must be true or false", "a", "1", { httpOnly: 0 }],
  [
    "Partitioned that is empty", "Partitioned must be true or false", "a", "1",
    { secure: true, partitioned: "" },
  ],
  // samesite-value (bis 4.1.1): what is none of three words counts as Lax (bis 5.6.7)
  ["SameSite with capitals", sameSiteRule, "a", "1", { sameSite: "Lax" }],
  ["SameSite true", sameSiteRule, "a", "1", { sameSite: true }],
  ["SameSite empty", sameSiteRule, "a", "1", { sameSite: "" }],
  ["SameSite of Object.prototype", sameSiteRule, "a", "1", { sameSite: "constructor" }],
  [
    "SameSite that pretends to be a string", sameSiteRule, "a", "1",
    { sameSite: { toString: () => "lax" } },
  ],
  // Priority: draft-west-cookie-priority
  ["Priority with capitals", priorityRule, "a", "1", { priority: "High" }],
  ["Priority of Object.prototype", priorityRule, "a", "1", { priority: "__proto__" }],
  ["Priority null", priorityRule, "a", "1", { priority: null }],
  // bis 5.7, step 19; draft-cutler-httpbis-partitioned-cookies
  ["SameSite=None without Secure", "SameSite=None needs Secure", "a", "1", { sameSite: "none" }],
  [
    "SameSite=None with Secure false", "SameSite=None needs Secure", "a", "1",
    { sameSite: "none", secure: false },
  ],
  ["Partitioned without Secure", "Partitioned needs Secure", "a", "1", { partitioned: true }],
  // Prefixes in any case: bis 5.4; 5.7, steps 20 and 21; draft-ietf-httpbis-layered-cookies
  ...["__Secure-a", "__secure-a", "__SECURE-", "__Http-a", "__hTTp-a"].map((name): Refused => [
    `${name} without Secure`, "its prefix needs Secure", name, "1", { httpOnly: true, path: "/" },
  ]),
  ...["__Http-a", "__HTTP-", "__Host-Http-a", "__host-http-a"].map((name): Refused => [
    `${name} without HttpOnly`, "its prefix needs HttpOnly", name, "1", { secure: true, path: "/" },
  ]),
  ...["__Host-a", "__HOST-", "__Host-Http-a", "__hosT-httP-"].flatMap((name): Refused[] => [
    [`${name} without Secure`, hostRule, name, "1", { httpOnly: true, path: "/" }],
    [`${name} without Path`, hostRule, name, "1", { httpOnly: true, secure: true }],
    [
      `${name} with another Path`, hostRule, name, "1",
      { httpOnly: true, secure: true, path: "/b" },
    ],
    [
      `${name} with a Domain`, hostRule, name, "1",
      { httpOnly: true, secure: true, path: "/", domain: "a.b" },
    ],
  ]),
];

for (const [claim, rule, name, value, options] of refused) {
  test(`refused: ${claim}`, () => {
    const shown = typeof name === "string" ? JSON.stringify(name) : typeof name;
    const message = `Cannot serialize cookie ${shown}: ${rule}`;
    assert.throws(() => Reflect.apply(serializeCookie, undefined, [name, value, options]), {
      name: "TypeError",
      message,
    });
  });
}

const outOfRange: readonly Refused[] = [
  // bis 5.6, step 5
  ["4097 octets", "name and value exceed 4096 octets", "ab", "x".repeat(4095)],
  ["4097 octets once encoded", "name and value exceed 4096 octets", "ab", " ".repeat(1365)],
  ["a name of 4097", "name and value exceed 4096 octets", "n".repeat(4097), ""],
  // max-age-av = "Max-Age" "=" 1*DIGIT (bis 4.1.1); what is more than a number can say exactly is another number
  ["Max-Age under 0", maxAgeRule, "a", "1", { maxAge: -1 }],
  ["Max-Age of a part", maxAgeRule, "a", "1", { maxAge: 1.5 }],
  ["Max-Age NaN", maxAgeRule, "a", "1", { maxAge: Number.NaN }],
  ["Max-Age without end", maxAgeRule, "a", "1", { maxAge: Infinity }],
  ["Max-Age that is not exact", maxAgeRule, "a", "1", { maxAge: 2 ** 53 }],
  ["Max-Age that is text", maxAgeRule, "a", "1", { maxAge: "60" }],
  ["Max-Age null", maxAgeRule, "a", "1", { maxAge: null }],
  ["Max-Age that pretends to be a number", maxAgeRule, "a", "1", { maxAge: { valueOf: () => 1 } }],
];

for (const [claim, rule, name, value, options] of outOfRange) {
  test(`out of range: ${claim}`, () => {
    const message = `Cannot serialize cookie ${JSON.stringify(name)}: ${rule}`;
    assert.throws(() => Reflect.apply(serializeCookie, undefined, [name, value, options]), {
      name: "RangeError",
      message,
    });
  });
}

test("a Date cannot say one time to the check and another to the header", () => {
  class Liar extends Date {
    override getTime(): number {
      return 1e15;
    }
    override toUTCString(): string {
      return "x; Domain=evil.example";
    }
  }
  const text = serializeCookie("a", "", { expires: new Liar(0) });
  assert.equal(text, "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
});

// Counts how often each option is read; a second reading of a text would end the attribute.
function counted(values: CookieOptions): {
  readonly options: CookieOptions;
  readonly reads: ReadonlyMap<PropertyKey, number>;
} {
  const reads = new Map<PropertyKey, number>();
  const options = new Proxy(values, {
    get(target, key) {
      reads.set(key, (reads.get(key) ?? 0) + 1);
      const value: unknown = Reflect.get(target, key);
      return reads.get(key) === 1 || typeof value !== "string" ? value : "/; Domain=evil.example";
    },
  });
  return { options, reads };
}

const everyOption: CookieOptions = {
  maxAge: 1, expires: new Date(0), domain: "a.b", path: "/", httpOnly: true, secure: true,
  sameSite: "none", partitioned: true, priority: "low",
};
const readOnce = (names: readonly string[]): Map<PropertyKey, number> =>
  new Map(names.toSorted().map((name) => [name, 1]));

test("each option is read once when a cookie is written", () => {
  const { options, reads } = counted(everyOption);
  const text = serializeCookie("__Http-a", "1", options);
  assert.equal(text, serializeCookie("__Http-a", "1", everyOption));
  assert.deepEqual(reads, readOnce(Object.keys(everyOption)));
});

test("each option that scopes is read once when a cookie is cleared, and no other", () => {
  const { options, reads } = counted(everyOption);
  assert.equal(clearCookie("__Http-a", options), clearCookie("__Http-a", everyOption));
  const { maxAge, expires, priority, ...scope } = everyOption;
  const isWhole = maxAge !== undefined && expires !== undefined && priority !== undefined;
  assert.ok(isWhole, "a row lacks an option");
  assert.deepEqual(reads, readOnce(Object.keys(scope)));
});

test("options that are inherited count", () => {
  const options: CookieOptions = Object.create({ path: "/b", secure: true });
  assert.equal(serializeCookie("a", "", options), "a=; Path=/b; Secure");
  assert.match(clearCookie("a", options), /^a=; Path=\/b; .*; Secure$/);
});

const past = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
type Options = CookieOptions | undefined;
type Cleared = readonly [claim: string, name: string, options: Options, text: string];

// A cookie is replaced by one of the same name, domain and path (bis 5.7, step 23) and partition.
const clearing: readonly Cleared[] = [
  ["without options", "a", undefined, `a=; ${past}`],
  [
    "its life and Priority are left out", "a",
    { maxAge: 60, expires: new Date(1e12), priority: "high" }, `a=; ${past}`,
  ],
  [
    "Domain, Path, Secure and Partitioned choose what is deleted", "a",
    { domain: "a.b", path: "/c", secure: true, partitioned: true },
    `a=; Domain=a.b; Path=/c; ${past}; Secure; Partitioned`,
  ],
  [
    "SameSite lets the clearing cookie in where the cookie was", "a",
    { sameSite: "none", secure: true }, `a=; ${past}; Secure; SameSite=None`,
  ],
  [
    "a prefix needs its attributes again", "__Host-Http-a",
    { path: "/", secure: true, httpOnly: true, sameSite: "lax" },
    `__Host-Http-a=; Path=/; ${past}; Secure; HttpOnly; SameSite=Lax`,
  ],
];

for (const [claim, name, options, text] of clearing) {
  test(`clearing: ${claim}`, () => assert.equal(clearCookie(name, options), text));
}

test("clearing refuses what writing refuses", () => {
  assert.throws(() => clearCookie("__Host-a", { secure: true }), {
    name: "TypeError",
    message: `Cannot serialize cookie "__Host-a": ${hostRule}`,
  });
});

test("reading survives headers far beyond what a server takes", () => {
  for (const unit of ["%E2%82%AC", "%41", "%C3", "%", " ", "b=", "b=1;", ";", "="]) {
    assert.equal(getCookie(`b=${unit.repeat(1_200_000)}; a=1`, "a"), "1");
    assert.equal(parseCookies(`b=${unit.repeat(1_200_000)}; a=1`).get("a"), "1");
  }
});

/** How many characters are looked at: by searching to the next hit, and one by one. */
function looksOf(read: () => unknown): number {
  const { indexOf, lastIndexOf, charCodeAt } = String.prototype;
  let looks = 0;
  String.prototype.indexOf = function (this: string, text, from = 0): number {
    const at = indexOf.call(this, text, from);
    looks += (at === -1 ? this.length : at) - from + 1;
    return at;
  };
  String.prototype.lastIndexOf = function (this: string, text, from = this.length): number {
    const at = lastIndexOf.call(this, text, from);
    looks += from - at;
    return at;
  };
  String.prototype.charCodeAt = function (this: string, index): number {
    looks += 1;
    return charCodeAt.call(this, index);
  };
  try {
    read();
  } finally {
    Object.assign(String.prototype, { indexOf, lastIndexOf, charCodeAt });
  }
  return looks;
}

test("ten times the header is ten times the work, and no more, whatever is in it", () => {
  const units = ["a;", ";", "=", "=a;", "a", " ", `${" ".repeat(50)}a`, "aa=1;ba=2;", "k=%;", "%41"];
  // Counted, not timed: a quadratic search of a header that Node takes is too fast to be seen.
  for (const unit of [...units, `a${" ".repeat(20_000)}`, `${" ".repeat(20_000)}a=`]) {
    const find = (header: string) => getCookie(header, "a");
    for (const read of [find, parseCookies, parseCookiePairs]) {
      const [small, large] = [2000, 20_000].map((size) => {
        const header = `b=${unit.repeat(size / unit.length + 1)}`.slice(0, size - 4);
        return looksOf(() => read(`${header};a=1`));
      });
      assert.ok(Number(large) <= 11 * Number(small), `${unit.trim()}: ${small} and ${large}`);
    }
  }
});

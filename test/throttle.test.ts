// Failed logins held back: by address, by account, in bounded memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LoginThrottle } from "../src/login/throttle.ts";
import type { Attempt } from "../src/login/throttle.ts";
import { fakeClock } from "./fake-clock.ts";

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;
const allowed = true;

function newThrottle(maxEntries?: number) {
  const clock = fakeClock();
  const options = maxEntries === undefined ? { clock } : { clock, maxEntries };
  const throttle = new LoginThrottle(options);
  return {
    clock,
    /** A guess that stays spent: whether it was allowed, or the seconds to wait. */
    fail(account: string, address: string): true | number {
      const attempt = throttle.attempt(account, address);
      return attempt.allowed || attempt.retryAfter;
    },
    /** A try that has to be allowed, to settle it. */
    begin(account: string, address: string): Attempt & { allowed: true } {
      const attempt = throttle.attempt(account, address);
      assert.ok(attempt.allowed, "it was throttled");
      return attempt;
    },
  };
}

/** An IPv4 address of its own for each number below 2^24. */
const addressOf = (index: number): string =>
  `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;

/** How many guesses are allowed until one is refused. */
function countAllowed(guess: (index: number) => true | number, limit: number = 100): number {
  let count = 0;
  while (count < limit && guess(count) === allowed) count += 1;
  return count;
}

test("one address has 30 failures, over all accounts, and one more in each 10 s", () => {
  const { fail, clock } = newThrottle();
  assert.equal(countAllowed((index) => fail(`user${index}`, "192.0.2.1")), 30);
  assert.equal(fail("another", "192.0.2.1"), 10);
  clock.advance(10 * second - 1);
  assert.equal(fail("another", "192.0.2.1"), 1);
  clock.advance(1);
  assert.equal(fail("another", "192.0.2.1"), allowed);
  assert.equal(fail("yet another", "192.0.2.1"), 10);
  assert.equal(fail("another", "192.0.2.2"), allowed);
});

test("one account has 5 failures from one address, and one more in each 30 s", () => {
  const { fail, clock } = newThrottle();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
  assert.equal(fail("ada", "192.0.2.1"), 30);
  clock.advance(30 * second - 1);
  assert.equal(fail("ada", "192.0.2.1"), 1);
  clock.advance(1);
  assert.equal(fail("ada", "192.0.2.1"), allowed);
  assert.equal(fail("ada", "192.0.2.1"), 30);
  assert.equal(fail("grace", "192.0.2.1"), allowed);
  assert.equal(fail("ada", "192.0.2.2"), allowed);
});

test("one account has 20 failures from everywhere, then one in 2 s for all new addresses", () => {
  const { fail, clock } = newThrottle();
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
  assert.equal(fail("ada", addressOf(100)), 2);
  clock.advance(2 * second - 1);
  assert.equal(fail("ada", addressOf(101)), 1);
  clock.advance(1);
  assert.equal(fail("ada", addressOf(102)), allowed);
  assert.equal(fail("ada", addressOf(103)), 2);
  assert.equal(fail("grace", addressOf(103)), allowed);
});

test("however the guesses at one account are spread over an hour, 1,820 is all there is", () => {
  for (const pause of [500, 2 * second, 41 * second, 10 * minute]) {
    const { fail, clock } = newThrottle();
    let guesses = 0;
    let next = 0;
    for (let time = 0; time < 60 * minute && guesses <= 1_820; time += pause) {
      guesses += countAllowed(() => fail("ada", addressOf(next++)));
      clock.advance(pause);
    }
    assert.ok(guesses <= 1_820, `${guesses} with a pause of ${pause} ms`);
  }
});

test("where the owner logged in lately, an attack from elsewhere is not in the way", () => {
  const { begin, fail, clock } = newThrottle();
  begin("ada", "192.0.2.1").succeed();
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
  assert.equal(fail("ada", "192.0.2.1"), 30);
  assert.equal(fail("ada", "192.0.2.2"), 2);

  clock.advance(30 * day);
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
  assert.equal(fail("ada", "192.0.2.1"), allowed);
  clock.advance(1);
  assert.equal(fail("ada", "192.0.2.1"), 2);
});

test("where the owner logged in lately, tables that an attack has filled are not in the way", () => {
  const { begin, fail } = newThrottle(10);
  begin("ada", "192.0.2.1").succeed();
  countAllowed((index) => fail(`user${index}`, addressOf(index)));
  assert.equal(fail("grace", "192.0.2.2"), 30);
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
  assert.equal(fail("ada", "192.0.2.1"), 30);
});

test("each login makes its address known for 30 days more", () => {
  const { begin, fail, clock } = newThrottle();
  for (let logins = 0; logins < 3; logins += 1) {
    begin("ada", "192.0.2.1").succeed();
    clock.advance(30 * day);
  }
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
  assert.equal(fail("ada", "192.0.2.1"), allowed);
});

test("an address is known to the account that logged in there, and to no other", () => {
  const { begin, fail } = newThrottle();
  begin("grace", "192.0.2.1").succeed();
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
  assert.equal(fail("ada", "192.0.2.1"), 2);
});

test("failures at a known address leave the tries of the others alone", () => {
  const { begin, fail } = newThrottle();
  begin("ada", "192.0.2.1").succeed();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
});

test("a success gives its try back, and no more than that", () => {
  const { begin, fail } = newThrottle();
  for (let index = 0; index < 100; index += 1) begin("ada", "192.0.2.1").succeed();
  for (let index = 0; index < 4; index += 1) fail("ada", "192.0.2.1");
  begin("ada", "192.0.2.1").succeed();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 1);
  assert.equal(countAllowed((index) => fail(`user${index}`, "192.0.2.1")), 25);
});

test("a try that was released costs nothing, and makes no address known", () => {
  const { begin, fail } = newThrottle();
  for (let index = 0; index < 100; index += 1) begin("ada", "192.0.2.1").release();
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 20);
  assert.equal(fail("ada", "192.0.2.1"), 2);
});

test("a try is given back once, however often it is settled", () => {
  const { begin, fail } = newThrottle();
  const attempts = Array.from({ length: 5 }, () => begin("ada", "192.0.2.1"));
  assert.equal(fail("ada", "192.0.2.1"), 30);
  for (let index = 0; index < 3; index += 1) attempts[0]?.release();
  attempts[0]?.succeed();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 1);
});

test("guesses at the same time cannot exceed the limit, and what they give back is free", () => {
  const { begin, fail } = newThrottle();
  const attempts = Array.from({ length: 5 }, () => begin("ada", "192.0.2.1"));
  assert.equal(fail("ada", "192.0.2.1"), 30);
  attempts[0]?.release();
  attempts[1]?.succeed();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 2);
});

test("a try that is refused spends nothing of what would have allowed it", () => {
  const { fail } = newThrottle();
  for (let index = 0; index < 100; index += 1) fail("ada", "192.0.2.1");
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 15);
  assert.equal(countAllowed((index) => fail(`user${index}`, "192.0.2.1")), 25);
  for (let index = 0; index < 100; index += 1) fail("grace", "192.0.2.1");
  assert.equal(countAllowed((index) => fail("grace", addressOf(index))), 20);
});

test("the wait is the longest of those that stand in the way", () => {
  const { fail } = newThrottle();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
  assert.equal(countAllowed((index) => fail("ada", addressOf(index))), 15);
  assert.equal(countAllowed((index) => fail(`user${index}`, "192.0.2.1")), 25);
  assert.equal(fail("ada", "192.0.2.1"), 30);
  assert.equal(fail("ada", "192.0.2.2"), 2);
  assert.equal(fail("grace", "192.0.2.1"), 10);
});

test("rest brings all the tries back, and never more", () => {
  const { begin, fail, clock } = newThrottle();
  const early = begin("ada", "192.0.2.1");
  for (let index = 0; index < 4; index += 1) fail("ada", "192.0.2.1");
  clock.advance(149 * second);
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 4);
  clock.advance(day);
  early.release();
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
});

test("rest brings no more than all the tries back while others keep the table busy", () => {
  const { fail, clock } = newThrottle();
  assert.equal(countAllowed(() => fail("grace", "192.0.2.2")), 5);
  fail("ada", "192.0.2.1");
  clock.advance(149 * second);
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
});

test("an IPv6 /64 is one address, and IPv4 within IPv6 is IPv4", () => {
  for (const [claim, first, second, areOne] of [
    ["hosts of a /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true],
    ["/64s with the same digits", "2001:db8:1:23::", "2001:db8:12:3::", false],
    ["neighbouring /64s", "2001:db8:1:2::1", "2001:db8:1:3::1", false],
    ["a long form and a short one", "2001:0DB8:0:0:0:0:0:1", "2001:db8::2", true],
    ["zeros left out at the end of the /64", "2001:db8:1::1", "2001:db8:1:0:9::", true],
    ["zeros left out in front", "::1:2:3:4:5:6", "0:0:1:2:9:9:9:9", true],
    ["zeros left out in front, another /64", "::1:2:3:4:5:6", "0:0:1:3:9:9:9:9", false],
    ["hosts of a link, with their zones", "fe80::1%eth0", "fe80::2%eth1", true],
    ["IPv4 and its IPv6 form", "192.0.2.1", "::ffff:192.0.2.1", true],
    ["IPv4 and its long IPv6 form", "192.0.2.1", "0:0:0:0:0:FFFF:192.0.2.1", true],
    ["IPv4 and its hexadecimal IPv6 form", "192.168.2.255", "::ffff:c0a8:2ff", true],
    ["IPv4 in IPv6, two addresses", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
    ["IPv4 in IPv6, two networks", "::ffff:192.0.2.1", "::ffff:192.1.2.1", false],
    ["neighbours of IPv4", "192.0.2.1", "192.0.2.2", false],
    ["loopback of either kind", "127.0.0.1", "::1", false],
    ["no address", "", "::1", false],
    ["what is no address, and looks a little like one", "1::2::3", "1::2::4", false],
    ["what is no address, and not alike", "unix:a", "unix:b", false],
    ["what would change the URL", "::1]/[", "::1", false],
    ["what would change the URL, and ends well", "::1]/::2", "::1", false],
    ["hosts of a /64 that end like an IPv4 address", "1::ffff:2:3", "1::ffff:2:4", true],
    ["hosts of a /64 that start like an IPv4 address", "::ffff:1:2:3", "::ffff:1:2:4", true],
    ["what is no address, after a percent sign", "unix%a", "unix%b", false],
  ] as const) {
    const { fail } = newThrottle();
    assert.equal(countAllowed(() => fail("ada", first)), 5, claim);
    assert.equal(fail("ada", second), areOne ? 30 : allowed, claim);
  }
});

test("an account and an address are not confused, whatever they contain", () => {
  const { fail } = newThrottle();
  assert.equal(countAllowed(() => fail('a","b', "c")), 5);
  assert.equal(fail("a", 'b","c'), allowed);
  assert.equal(countAllowed(() => fail("\ud800", "d")), 5);
  assert.equal(fail("\ufffd", "d"), allowed);
});

test("a full table sends all that is new to one bucket, and lets nobody start anew", () => {
  const { fail, clock } = newThrottle(10);
  assert.equal(countAllowed(() => fail("ada", "192.0.2.1")), 5);
  for (let index = 1; index < 10; index += 1) {
    assert.equal(fail(`user${index}`, addressOf(index)), allowed);
  }
  assert.equal(countAllowed((index) => fail(`new${index}`, addressOf(1_000 + index))), 5);
  assert.equal(fail("another", addressOf(2_000)), 30);
  assert.equal(fail("ada", "192.0.2.1"), 30);
  assert.equal(fail("user1", addressOf(1)), allowed);

  clock.advance(150 * second);
  assert.equal(countAllowed((index) => fail("another", addressOf(2_000 + index))), 15);
});

test("a table holds 10,000 entries", () => {
  const { fail } = newThrottle();
  const guess = (index: number): true | number => fail(`user${index}`, addressOf(index));
  assert.equal(countAllowed(guess, 20_000), 10_005);
});

test("a try of the shared bucket is given back to it", () => {
  const { begin, fail } = newThrottle(1);
  assert.equal(fail("ada", "192.0.2.1"), allowed);
  for (let index = 0; index < 50; index += 1) {
    begin(`new${index}`, addressOf(index)).succeed();
    begin(`new${index}`, addressOf(index)).release();
  }
  assert.equal(countAllowed((index) => fail(`other${index}`, addressOf(index))), 5);
});

test("those who log in leave no entry in the tables of failures", () => {
  const { begin, fail } = newThrottle(10);
  fail("ada", "192.0.2.1");
  for (let index = 0; index < 50; index += 1) begin(`user${index}`, addressOf(index)).succeed();
  const guess = (index: number): true | number => fail(`new${index}`, addressOf(1_000 + index));
  assert.equal(countAllowed(guess), 14);
});

test("an entry that has rested makes room, also behind one that goes on failing", () => {
  const { fail, clock } = newThrottle(2);
  fail("ada", "192.0.2.1");
  fail("grace", "192.0.2.2");
  clock.advance(29 * second);
  fail("ada", "192.0.2.1");
  clock.advance(1 * second);
  assert.equal(countAllowed((index) => fail(`new${index}`, addressOf(index))), 6);
});

test("an entry that has rested makes room, also behind one that rests longer", () => {
  const { fail, clock } = newThrottle(10);
  for (let index = 0; index < 5; index += 1) fail("ada", "192.0.2.1");
  countAllowed((index) => fail(`user${index}`, addressOf(index)), 9);
  clock.advance(60 * second);
  assert.equal(countAllowed((index) => fail(`new${index}`, addressOf(1_000 + index))), 9 + 5);
});

test("of too many known addresses the one of the oldest login is forgotten", () => {
  const { begin, fail } = newThrottle(30);
  for (let index = 0; index < 30; index += 1) begin("ada", addressOf(index)).succeed();
  begin("ada", addressOf(0)).succeed();
  begin("ada", addressOf(30)).succeed();
  assert.equal(countAllowed((index) => fail("ada", addressOf(1_000 + index))), 20);
  assert.equal(fail("ada", addressOf(1)), 2);
  for (const index of [0, 2, 29, 30]) assert.equal(fail("ada", addressOf(index)), allowed);
});

test("no try is lost to rounding, whatever fraction of a millisecond it is", () => {
  for (let start = 0.1; start < 100; start += 0.7) {
    const throttle = new LoginThrottle({ clock: fakeClock(start) });
    const guess = (): boolean => throttle.attempt("ada", "192.0.2.1").allowed;
    const guesses = Array.from({ length: 6 }, guess);
    assert.deepEqual(guesses, [true, true, true, true, true, false], `at ${start} ms`);
  }
});

test("a throttle on its own clock limits too, whatever the time of day is set to", (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  const throttle = new LoginThrottle();
  for (let index = 0; index < 5; index += 1) throttle.attempt("ada", "192.0.2.1");
  context.mock.timers.setTime(day);
  assert.equal(throttle.attempt("ada", "192.0.2.1").allowed, false);
});

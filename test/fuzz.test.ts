// A short run of every fuzzer. SEED=<number> repeats one; `npm run fuzz` goes on for longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pureFuzzers } from "./fuzzers.ts";
import type { Fuzzer } from "./fuzzers.ts";
import { fuzz, report } from "./fuzzing.ts";
import { seedFromEnvironment } from "./seeded-random.ts";
import { socketFuzzers } from "./socket-fuzzers.ts";
import { startLogin } from "./test-server.ts";

const seed = seedFromEnvironment();

async function expectNoFailure(fuzzer: Fuzzer, inputs: number): Promise<void> {
  const failure = await fuzz(fuzzer, seed, inputs);
  if (failure !== undefined) assert.fail(report(failure));
}

for (const fuzzer of pureFuzzers) {
  test(`the laws of ${fuzzer.name} hold (SEED=${seed})`, () => expectNoFailure(fuzzer, 5000));
}

test(`a server answers whatever is sent, and tells nothing (SEED=${seed})`, async (context) => {
  const server = await startLogin(context);
  for (const fuzzer of socketFuzzers(server)) await expectNoFailure(fuzzer, 100);
});

test("an input that fails is made as small as it can be, and its seed finds it again", async () => {
  const broken: Fuzzer = {
    name: "anything",
    generate: (random) => Array.from({ length: 20 }, () => `<${random.below(10)}>`),
    check: (pieces) => assert.equal(/7.*3/.test(pieces.join("")), false),
  };
  const failure = await fuzz(broken, 1, 1000);
  assert.ok(failure !== undefined, "no failure was found");
  assert.deepEqual(failure.pieces, ["7", "3"]);
  assert.equal((await fuzz(broken, failure.seed, 1))?.seed, failure.seed);
  assert.match(report(failure), /^anything, SEED=\d+, shrunk to \["7","3"\]: AssertionError/);
});

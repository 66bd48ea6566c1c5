// Fuzzes for as long as it is told: npm run fuzz -- --minutes 10 --seed 1

import { parseArgs } from "node:util";
import { pureFuzzers } from "./fuzzers.ts";
import { fuzz, report } from "./fuzzing.ts";
import { seedFromEnvironment } from "./seeded-random.ts";
import { sessionOperations } from "./session-fuzzer.ts";
import { socketFuzzers } from "./socket-fuzzers.ts";
import { startLogin } from "./test-server.ts";

const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const milliseconds = Number(values.minutes ?? 1) * 60_000;
const seed = Number(values.seed ?? seedFromEnvironment());
if (!(milliseconds > 0) || !Number.isSafeInteger(seed)) {
  console.error("Cannot fuzz: write --minutes as a number above 0, --seed as a whole number");
  process.exit(2);
}
console.log(`seed ${seed}`);

const endings: (() => unknown)[] = [];
const server = await startLogin({ after: (ending) => void endings.push(ending) });
const sockets = socketFuzzers(server);
// In one round each kind has about the same time.
const plan = [
  ...pureFuzzers.map((fuzzer) => ({ fuzzer, inputs: 5000 })),
  { fuzzer: sessionOperations(), inputs: 50 },
  ...sockets.map((fuzzer) => ({ fuzzer, inputs: 100 })),
];

// An error that nobody awaits ends the process: these are the inputs that it came from.
let running = "";
process.on("uncaughtException", (error) => {
  console.error(`FAILED, uncaught, in ${running}: ${error.stack}`);
  process.exit(1);
});

const start = performance.now();
const done = new Map<string, number>();
let told = 0;
for (let next = seed; performance.now() - start < milliseconds; next += 5000) {
  for (const { fuzzer, inputs } of plan) {
    running = `${fuzzer.name}, SEED=${next} and the ${inputs} that follow`;
    const failure = await fuzz(fuzzer, next, inputs);
    if (failure !== undefined) {
      console.error(`FAILED: ${report(failure)}`);
      process.exit(1);
    }
    done.set(fuzzer.name, (done.get(fuzzer.name) ?? 0) + inputs);
  }
  const seconds = Math.floor((performance.now() - start) / 1000);
  if (seconds < told + 10) continue;
  told = seconds;
  console.log(`${seconds} s: ${[...done].map(([name, count]) => `${count} ${name}`).join(", ")}`);
}
for (const end of endings) await end();
console.log("No law was broken.");

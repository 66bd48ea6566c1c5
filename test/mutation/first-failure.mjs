// A reporter of node:test that ends the run at the first test that fails, which tells a mutant
// killed, whatever the others would say.

export default async function* endAtFailure(events) {
  for await (const { type } of events) if (type === "test:fail") process.exit(1);
}

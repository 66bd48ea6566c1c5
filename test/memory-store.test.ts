import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import { describeStore } from "./store-contract.ts";

describeStore("MemoryStore", () => {
  const clock = fakeClock();
  return { store: new MemoryStore({ clock }), now: clock, advance: clock.advance };
});

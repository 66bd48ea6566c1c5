// The store of the documentation keeps the contract.

import { SmallStore } from "../docs/stores/small-store.ts";
import { fakeClock } from "./fake-clock.ts";
import { describeStore } from "./store-contract.ts";

describeStore("SmallStore", () => {
  const clock = fakeClock();
  return { store: new SmallStore(clock), now: clock, advance: clock.advance };
});

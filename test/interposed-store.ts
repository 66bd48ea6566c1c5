// Stands between the sessions and their store: to watch what is asked, or to get in the way.

import type { SessionStore } from "../src/session-store.ts";

/** A store whose every question passes through `interpose`, by the name of its method. */
export function interposedStore(
  store: SessionStore,
  interpose: (method: string, ask: () => unknown) => unknown,
): SessionStore {
  return new Proxy(store, {
    get(target, method) {
      const answer = Reflect.get(target, method);
      return (...question: readonly unknown[]) =>
        interpose(String(method), () => Reflect.apply(answer, target, question));
    },
  });
}

// A promise that the test opens: races are staged, never slept for.

export interface Gate {
  /** Resolves when somebody waits at the gate. */
  readonly reached: Promise<void>;
  /** Waits until the test opens the gate. */
  pass(): Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let arrive = (): void => {};
  let open = (): void => {};
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    reached,
    pass(): Promise<void> {
      arrive();
      return opened;
    },
    open(): void {
      open();
    },
  };
}

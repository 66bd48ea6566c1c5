// The log: one JSON object a line, that nothing a visitor sends can forge or break.

/** What is known of an event. Never a password, an id, or a name that nobody has. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one event. Never throws: a login must not fail because its log did. */
export type Log = (level: "info" | "warn" | "error", event: string, fields?: LogFields) => void;

// What a terminal or a viewer would act upon: C0 and C1 controls, line separators, and characters
// that are unseen or turn the direction of the text (Unicode TR 36, section 2.5).
const unsafe = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Makes a log that gives each event to `write` as a line without its end. The clock gives
 * milliseconds since the epoch; the time is written in UTC.
 */
export function createLog(write: (line: string) => void, clock: () => number): Log {
  return (level, event, fields) => {
    try {
      const time = new Date(clock()).toISOString();
      // JSON.stringify escapes C0 and lone surrogates. The rest can only stand inside its strings.
      const line = JSON.stringify({ time, level, event, ...fields });
      write(line.replace(unsafe, escape));
    } catch {
      // Nobody is left to tell.
    }
  };
}

/** The cause of a fault, for the log alone: where it happened, if it is an error that tells. */
export function causeOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : String(error);
}

// Names a browser from its User-Agent, in words that its owner recognizes. Pure.

type NamedPattern = readonly [name: string, pattern: RegExp];

// Order matters: Edge and Opera also say Chrome, Chrome also says Safari, Android also says Linux.
const browsers: readonly NamedPattern[] = [
  ["Edge", /Edg(?:e|A|iOS)?\//],
  ["Opera", /OPR\//],
  ["Samsung Internet", /SamsungBrowser\//],
  ["Firefox", /(?:Firefox|FxiOS)\//],
  ["Chrome", /(?:Chrome|CriOS)\//],
  ["Safari", /Safari\//],
  ["curl", /^curl\//],
];
const systems: readonly NamedPattern[] = [
  ["iPhone", /iPhone/],
  ["iPad", /iPad/],
  ["Android", /Android/],
  ["Windows", /Windows/],
  ["macOS", /Macintosh/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

/**
 * Describes a browser as "Chrome on Linux", "Safari" or "An unknown browser on Windows".
 * It is a hint for people: the client can send anything. Nothing of what it sent is repeated.
 */
export function describeBrowser(userAgent: string = ""): string {
  const browser = firstMatch(browsers, userAgent) ?? "An unknown browser";
  const system = firstMatch(systems, userAgent);
  return system === undefined ? browser : `${browser} on ${system}`;
}

function firstMatch(names: readonly NamedPattern[], text: string): string | undefined {
  return names.find(([, pattern]) => pattern.test(text))?.[0];
}

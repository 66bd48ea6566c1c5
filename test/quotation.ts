// Where a quotation stands in its source; or, of a wrong one, where it should.

type Lines = readonly string[];

/** A stretch of lines, by the indices of its first and last. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** Imports say nothing that the map of the source does not; brackets alone say nothing. */
export function saysSomething(line: string): boolean {
  return !/^[\s{}()[\];,]*$/.test(line) && !/^import .* from ".*";$/.test(line);
}

/** Where the quoted lines stand in the source, one after the other. */
export function placeOf(quoted: Lines, source: Lines): Stretch | undefined {
  const first = source.findIndex((_, start) =>
    quoted.every((line, at) => line === source[start + at]),
  );
  return first === -1 ? undefined : { first, last: first + quoted.length - 1 };
}

/** The stretch that a wrong quotation is about: around the longest part of it that is right. */
export function meantBy(quoted: Lines, source: Lines): Stretch | undefined {
  const parts = quoted.flatMap((_, at) =>
    source.map((_, start) => {
      const rest = quoted.slice(at);
      const end = rest.findIndex((line, index) => line !== source[start + index]);
      const right = end === -1 ? rest : rest.slice(0, end);
      return { start: start - at, length: right.filter(saysSomething).length };
    }),
  );
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best));
  if (longest.length === 0) return undefined;
  const { start } = longest;
  const first = nearest(quoted[0], source, Math.max(0, start));
  const last = nearest(quoted.at(-1), source, start + quoted.length - 1);
  return { first, last: Math.max(first, last) };
}

/** Where a line stands nearest to an index; the index itself, if the line stands nowhere. */
function nearest(line: string | undefined, source: Lines, index: number): number {
  const places = [...source.keys()].filter((place) => source[place] === line);
  const distance = (place: number): number => Math.abs(place - index);
  return places.sort((one, other) => distance(one) - distance(other))[0] ?? index;
}

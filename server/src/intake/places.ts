/** Names the recipients of a request in problems: by their index in `to`, or by their line in a streamed request. Pure. */

export interface Places {
  /** In a sentence: `to[17]` or `line 19`. */
  name(ordinal: number): string;
  /** The beginning of a context: `$.to[17]` or `line 19: $`. */
  path(ordinal: number): string;
}

export const PLACES_IN_LIST: Places = {
  name: (ordinal) => `to[${ordinal}]`,
  path: (ordinal) => `$.to[${ordinal}]`,
};

/** The first line is the request without `to`, and no line is empty. */
export const lineOf = (ordinal: number): number => ordinal + 2;

export const PLACES_IN_LINES: Places = {
  name: (ordinal) => `line ${lineOf(ordinal)}`,
  path: (ordinal) => `line ${lineOf(ordinal)}: $`,
};

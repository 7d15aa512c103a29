/** Problems of a list or of a row: the reason, the place, and the solution. Pure. */

/** A place in a file. Both count from 1; they differ when a quoted cell has line breaks, or after a line `sep=;`. */
export interface Place {
  /** Line of the file in which the row begins. */
  readonly line: number;
  /** Row as a spreadsheet numbers it. */
  readonly row: number;
}

/** The choice that fixes a problem. The command line and the dashboard each describe how to make it. */
export type Cure = 'encoding' | 'separator' | 'address-column' | 'country';

export interface Problem {
  /** One or two sentences. */
  readonly reason: string;
  readonly cure: Cure | null;
}

/** `line 17`, or `line 19, row 17` where the two differ. */
export const describePlace = ({ line, row }: Place) =>
  line === row ? `line ${line}` : `line ${line}, row ${row}`;

/** A list that cannot be read. Everything after this place would be unreliable. */
export class ListError extends Error {
  override readonly name = 'ListError';
  readonly place: Place | null;
  readonly problem: Problem;

  constructor(reason: string, place: Place | null = null, cure: Cure | null = null) {
    super(place === null ? reason : `${describePlace(place)}: ${reason}`);
    this.place = place;
    this.problem = { reason, cure };
  }
}

/** Rows as parameters of a statement: one array for each column. */

export interface RowParameters<Name extends string> {
  /** SQL of the table: `unnest(…) as alias(…)`. */
  readonly table: string;
  /** SQL of each array. */
  readonly arrays: Readonly<Record<Name, string>>;
  readonly values: readonly unknown[];
}

/**
 * Names columns once for SQL and values.
 * @param first number of the first parameter
 * @param columns type and values of each column; values are an array, or PostgreSQL's text of one
 */
export function rowParameters<Name extends string>(
  alias: string,
  first: number,
  columns: Readonly<Record<Name, readonly [type: string, values: unknown]>>,
): RowParameters<Name> {
  const entries = Object.entries<readonly [string, unknown]>(columns).map(
    ([name, [type, values]], i) => ({ name, array: `$${first + i}::${type}[]`, values }),
  );
  return {
    table: `unnest(${entries.map(({ array }) => array).join(', ')}) as ${alias}(${entries.map(({ name }) => name).join(', ')})`,
    arrays: Object.fromEntries(entries.map(({ name, array }) => [name, array])) as Record<
      Name,
      string
    >,
    values: entries.map(({ values }) => values),
  };
}

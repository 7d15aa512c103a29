/** How often a property is tried: a few times whenever tests run, very often in the long form, as CI runs them. */
export const runs = (plain: number, long: number): number =>
  process.env['FANFARE_TEST_LONG'] ? long : plain;

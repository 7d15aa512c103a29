/** A test that expects nothing cannot fail: it does. */
import { beforeEach, expect } from 'vitest';

beforeEach(() => {
  expect.hasAssertions();
});

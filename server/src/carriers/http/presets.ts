/** The presets by name: ready descriptions of well-known APIs, as functions of an account's settings. */
import { describeClassic } from './preset-classic.ts';
import { describeCloud } from './preset-cloud.ts';
import { describeRbm } from './preset-rbm.ts';

/** Each gives plain data that may be copied and changed. */
export const PRESETS = {
  classic: describeClassic,
  cloud: describeCloud,
  rbm: describeRbm,
} as const;

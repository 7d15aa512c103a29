/** The guides by topic, in the order of reading. */
export const GUIDES: Readonly<Record<string, readonly string[]>>;
export const NOT_GUIDES: readonly string[];
export function renderGuides(source: string, folder: string): void;

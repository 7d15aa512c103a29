export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
  readonly words?: string;
}

export interface Row {
  readonly thing: string;
  readonly evidence: string;
  readonly standing: string;
  readonly note: string;
  readonly route?: string;
  readonly ask?: Ask;
  readonly covered?: string;
}

export declare const AREAS: readonly { readonly title: string; readonly rows: readonly Row[] }[];
export declare function renderCompatibilityMarkdown(): string;

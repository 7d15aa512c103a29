/** A list of the API: awaited it is one page, iterated it is all entries of all pages. */
import { ENDPOINTS, type Endpoints, type Pagination } from './api.ts';
import type { CallOptions, Input, Transport } from './transport.ts';

/** Type of the entries of a page, which are in its one field beside `pagination`. */
export type EntryOf<Page> = {
  [Key in Exclude<keyof Page, 'pagination'>]: Page[Key] extends (infer Entry)[] ? Entry : never;
}[Exclude<keyof Page, 'pagination'>];

/**
 * ```ts
 * const { operations, pagination } = await client.messages.listOperations({ pageSize: 10 });
 * for await (const message of client.messages.list({ operationId })) …
 * ```
 */
export class Listing<Page extends object>
  implements PromiseLike<Page>, AsyncIterable<EntryOf<Page>>
{
  readonly #collection: string;
  readonly #fetchPage: (pageToken: string | undefined) => Promise<Page>;
  #first: Promise<Page> | null = null;

  constructor(name: keyof Endpoints, fetchPage: (pageToken: string | undefined) => Promise<Page>) {
    this.#collection = ENDPOINTS[name][2 as 1];
    this.#fetchPage = fetchPage;
  }

  /** The requested page. */
  // oxlint-disable-next-line unicorn/no-thenable -- it is made to be awaited
  then<Value = Page, Other = never>(
    onValue?: ((page: Page) => Value | PromiseLike<Value>) | null,
    onError?: ((reason: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Value | Other> {
    this.#first ??= this.#fetchPage(undefined);
    return this.#first.then(onValue, onError);
  }

  /** That page and all after it, each read when it is wanted. */
  async *pages(): AsyncGenerator<Page, void, undefined> {
    let page: Page = await this.then();
    for (;;) {
      yield page;
      // Lists that are always short have a single page.
      const next = (page as { pagination?: Pagination }).pagination?.next ?? null;
      if (next === null) return;
      page = await this.#fetchPage(next);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EntryOf<Page>, void, undefined> {
    for await (const page of this.pages())
      yield* (page as unknown as Record<string, EntryOf<Page>[]>)[this.#collection] ?? [];
  }
}

/** Endpoints that answer with a page: they have a collection. */
type ListName = {
  [Name in keyof Endpoints]: (typeof ENDPOINTS)[Name] extends readonly [string, string, string]
    ? Name
    : never;
}[keyof Endpoints];

/** The list of an endpoint; `pageToken` of its query says where it begins. */
export function listPages<Name extends ListName>(
  transport: Transport,
  name: Name,
  input: Input<Name>,
  options?: CallOptions,
): Listing<Endpoints[Name]['answer']> {
  const { query } = input as { query?: { pageToken?: string | undefined } };
  return new Listing(name, (pageToken = query?.pageToken) =>
    transport.call(name, { ...input, query: { ...query, pageToken } }, options),
  );
}

/** Server-sent events (HTML Living Standard, section 9.2.6) from the body of an answer. */

export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Lines longer than this are no events of this API. */
const LINE_LENGTH_MAX = 16_777_216;

/** Events as they come. `onBytes` is called for anything that arrives, comments included. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let id = '';
  let type = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      if (rest.length > LINE_LENGTH_MAX) return;
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, type: type || 'message', data: data.join('\n') };
          type = '';
          data = [];
          continue;
        }
        const [, name = '', text = ''] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line) ?? [];
        if (name === 'id') id = text;
        if (name === 'event') type = text;
        if (name === 'data') data.push(text);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

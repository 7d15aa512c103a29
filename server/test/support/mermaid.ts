/**
 * Reads Mermaid pictures without a browser: the three kinds in the documents, with the used part of the grammar. An
 * unknown line throws, with its number.
 */

export interface SequencePicture {
  readonly kind: 'sequence';
  /** Titles of participants, by the box around them; '' is none. */
  readonly boxes: ReadonlyMap<string, readonly string[]>;
  readonly messages: number;
}

export interface EntityPicture {
  readonly kind: 'entities';
  /** Columns with their types, by entity. */
  readonly entities: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface StatePicture {
  readonly kind: 'states';
  readonly states: ReadonlySet<string>;
}

export type Picture = SequencePicture | EntityPicture | StatePicture;

export function parseMermaid(source: string): Picture {
  const [head = '', ...rest] = source.trimEnd().split('\n');
  const lines = rest.map((line) => line.trim()).filter((line) => line !== '');
  for (const line of lines)
    // Both end a statement, or begin an entity of HTML, wherever they stand.
    if (/[;#]/.test(line)) throw new Error(`Mermaid takes ; and # for its own: ${line}`);
  if (head === 'sequenceDiagram') return parseSequence(lines);
  if (head === 'erDiagram') return parseEntities(lines);
  if (head === 'stateDiagram-v2') return parseStates(lines);
  throw new Error(`No picture begins with "${head}".`);
}

const strange = (line: string) => new Error(`Not understood: ${line}`);

function parseSequence(lines: readonly string[]): SequencePicture {
  const boxes = new Map<string, string[]>();
  const names = new Set<string>();
  let box: string | null = null;
  let messages = 0;
  for (const line of lines) {
    const participant = /^participant (\w+)(?: as (.+))?$/.exec(line);
    const note = /^Note over (\w+)(?:,(\w+))?: .+$/.exec(line);
    const message = /^(\w+)--?>>(\w+): (.+)$/.exec(line);
    const opened = /^box (.+)$/.exec(line);
    if (participant?.[1] !== undefined) {
      names.add(participant[1]);
      boxes.set(box ?? '', [...(boxes.get(box ?? '') ?? []), participant[2] ?? participant[1]]);
    } else if (opened?.[1] !== undefined && box === null) box = opened[1];
    else if (line === 'end' && box !== null) box = null;
    else if (message !== null || note !== null) {
      // Mermaid takes the word for the end of a block.
      if (/:.*\bend\b/.test(line)) throw strange(line);
      const [, from, to] = message ?? note ?? [];
      for (const each of [from, to])
        if (each !== undefined && !names.has(each)) throw new Error(`No participant ${each}.`);
      if (message !== null) messages += 1;
    } else if (line !== 'autonumber') throw strange(line);
  }
  if (box !== null) throw new Error(`The box "${box}" does not end.`);
  return { kind: 'sequence', boxes, messages };
}

function parseEntities(lines: readonly string[]): EntityPicture {
  const entities = new Map<string, Map<string, string>>();
  const related: string[] = [];
  let open: Map<string, string> | null = null;
  for (const line of lines) {
    const relation = /^(\w+) [|}][|o]--[|o][|{] (\w+) : (?:\w+|"[^"]+")$/.exec(line);
    const entity = /^(\w+) \{$/.exec(line);
    const attribute = /^(\w+(?:\[\])?) (\w+)(?: (?:PK|FK|PK, FK))?$/.exec(line);
    if (open === null && relation !== null) related.push(relation[1] ?? '', relation[2] ?? '');
    else if (open === null && entity?.[1] !== undefined) {
      if (entities.has(entity[1])) throw new Error(`${entity[1]} is there twice.`);
      open = new Map();
      entities.set(entity[1], open);
    } else if (open !== null && attribute?.[1] !== undefined)
      open.set(attribute[2] ?? '', attribute[1]);
    else if (open !== null && line === '}') open = null;
    else throw strange(line);
  }
  if (open !== null) throw new Error('An entity does not end.');
  for (const name of related)
    if (!entities.has(name)) throw new Error(`The entity ${name} has no columns.`);
  return { kind: 'entities', entities };
}

function parseStates(lines: readonly string[]): StatePicture {
  const states = new Set<string>();
  for (const line of lines.filter((each) => each !== 'direction LR')) {
    const named = /^state "[^"]+" as (\w+)$/.exec(line);
    const step = /^(\[\*\]|\w+) --> (\[\*\]|\w+)(?:: [^:]+)?$/.exec(line);
    const found = named?.slice(1) ?? step?.slice(1);
    if (found === undefined) throw strange(line);
    for (const each of found) if (each !== '[*]') states.add(each);
  }
  return { kind: 'states', states };
}

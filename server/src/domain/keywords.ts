/** Keywords: words by which people stop and start what is sent to them, or ask for help. Pure. */

export type Keyword = 'STOP' | 'START' | 'HELP';

/** The words of one language and what they are answered with; an empty answer is none. */
export interface KeywordSet {
  readonly stop: readonly string[];
  readonly start: readonly string[];
  readonly help: readonly string[];
  readonly stopReply: string;
  readonly startReply: string;
  readonly helpReply: string;
}

/** What is understood unless the configuration says otherwise. */
export const ENGLISH: KeywordSet = {
  stop: ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT'],
  start: ['START', 'UNSTOP'],
  help: ['HELP', 'INFO'],
  stopReply: 'You are unsubscribed and will get no more messages. Reply START to subscribe again.',
  startReply: 'You are subscribed again. Reply STOP to unsubscribe.',
  helpReply: 'Reply STOP to get no more messages, START to get them again.',
};

/** A keyword that was found. */
export interface FoundKeyword {
  readonly keyword: Keyword;
  /** Null: no answer. */
  readonly reply: string | null;
}

/** Finds the keyword that a text is; a text that merely has one in it is none. */
export type FindKeyword = (text: string) => FoundKeyword | null;

/** Texts longer than this are not looked at. Some carriers fill a text up with blanks, and people add many signs. */
const LENGTH_MAX = 1_600;

/** The languages in order: a word of several counts as that of the first. */
export function createKeywordFinder(languages: readonly KeywordSet[]): FindKeyword {
  const found = new Map<string, FoundKeyword>();
  const add = (words: readonly string[], keyword: Keyword, reply: string) => {
    for (const word of words) {
      const plain = plainOf(word);
      if (plain !== '' && !found.has(plain))
        found.set(plain, { keyword, reply: reply === '' ? null : reply });
    }
  };
  for (const { stop, start, help, stopReply, startReply, helpReply } of languages) {
    add(stop, 'STOP', stopReply);
    add(start, 'START', startReply);
    add(help, 'HELP', helpReply);
  }
  return (text) => (text.length > LENGTH_MAX ? null : (found.get(plainOf(text)) ?? null));
}

/** What shows nothing (joiners, signs of how an emoji is drawn, fillers of Hangul) and the line that makes Arabic words longer. */
const SILENT = '\\p{Default_Ignorable_Code_Point}\\u0640';
/** Accents, and points of Arabic vowels: many people leave them out. Vowel signs of Indic scripts belong to one script and stay. */
const ACCENT = '\\p{Script=Inherited}';
const LEFT_OUT = new RegExp(`[${SILENT}${ACCENT}]|[^\\p{L}\\p{M}\\p{N}]`, 'gu');

/**
 * Without regard to case, width, accents, blanks and punctuation around it: ` "Stop." ` is STOP, `opt-out` OPTOUT, `arret` is ARRÊT, and
 * `iptal` is İPTAL.
 */
function plainOf(text: string): string {
  return text.normalize('NFKD').toUpperCase().replace(LEFT_OUT, '');
}

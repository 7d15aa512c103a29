/** Keywords with which recipients stop or start messages, or ask for help. Pure. */

export type Keyword = 'STOP' | 'START' | 'HELP';

/** The keywords of one language with their answers; an empty answer is not sent. */
export interface KeywordSet {
  readonly stop: readonly string[];
  readonly start: readonly string[];
  readonly help: readonly string[];
  readonly stopReply: string;
  readonly startReply: string;
  readonly helpReply: string;
}

/** The default keywords. */
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

/** Finds the keyword that equals a text; a text that only contains a keyword does not count. */
export type FindKeyword = (text: string) => FoundKeyword | null;

/** Longer texts are not checked. The limit leaves room for carriers that pad with blanks, and for many punctuation marks. */
const LENGTH_MAX = 1_600;

/** The languages in order: a word in several languages counts for the first. */
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

/** Invisible characters (joiners, variation selectors, Hangul fillers), and the line that stretches Arabic words. */
const SILENT = '\\p{Default_Ignorable_Code_Point}\\u0640';
/** Accents and Arabic vowel points, which many people omit. Vowel signs of Indic scripts are part of a word and stay. */
const ACCENT = '\\p{Script=Inherited}';
const LEFT_OUT = new RegExp(`[${SILENT}${ACCENT}]|[^\\p{L}\\p{M}\\p{N}]`, 'gu');

/**
 * Ignores case, width, accents, blanks and surrounding punctuation: ` "Stop." ` is STOP, `opt-out` is OPTOUT, `arret` is
 * ARRÊT, and `iptal` is İPTAL.
 */
function plainOf(text: string): string {
  return text.normalize('NFKD').toUpperCase().replace(LEFT_OUT, '');
}

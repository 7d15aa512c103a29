/** Numbers as people write them: removed characters, refusals, and no assumptions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanAddress } from '../../src/lists/addresses.ts';
import { COUNTRIES, parseCountry } from '../../src/lists/countries.ts';
import { cleanNumber } from '../../src/lists/numbers.ts';

const clean = (given: string, country: string | null = null) => {
  const { address, problem } = cleanNumber(given, country === null ? null : parseCountry(country));
  return address ?? problem?.reason;
};

describe('numbers with +', () => {
  it.each([
    ['+44 (0) 20 7946 0958', '+442079460958'],
    ['+44(0)2079460958', '+442079460958'],
    ['0044 (0)20 7946-0958', '+442079460958'],
    ['+49 [0] 171 / 123 45 67', '+491711234567'],
    ['+1 (415) 555-0101', '+14155550101'],
    ['+1.415.555.0101', '+14155550101'],
    ['(+49) 171 1234567', '+491711234567'],
    ['+ 49 171 1234567', '+491711234567'],
    ["'+491711234567", '+491711234567'],
    ['tel:+49-171-1234567', '+491711234567'],
    ['\u202a+49 171 1234567\u202c', '+491711234567'],
    ['\u200b+49\u00a0171\u202f123\u20094567\ufeff', '+491711234567'],
    ['+49\u2011171\u20131234567', '+491711234567'],
    ['00491711234567', '+491711234567'],
    ['+39 06 698 12345', '+390669812345'],
    ['+225 07 12 34 56 78', '+2250712345678'],
    ['+15005560001', '+15005560001'],
    // Full width, Arabic, Persian, Devanagari, Bengali and Thai.
    ['\uff0b４９１７１１２３４５６７', '+491711234567'],
    ['００４９-１７１-１２３４５６７', '+491711234567'],
    ['+٤٩ ١٧١ ١٢٣٤٥٦٧', '+491711234567'],
    ['+۴۹۱۷۱۱۲۳۴۵۶۷', '+491711234567'],
    ['+९१९८७६५४३२१०', '+919876543210'],
    ['+৮৮০১৭১২৩৪৫৬৭৮', '+8801712345678'],
    ['+๖๖๘๑๒๓๔๕๖๗๘', '+66812345678'],
  ])('%s is %s', (given, number) => expect(clean(given)).toBe(number));

  it.each([
    ['', /no address/],
    [' \u200b ', /no address/],
    ['4.91512E+11', /shortened by a spreadsheet/],
    ['+49①711234567', /"①" is not part/],
    ['+49²171123456', /"²" is not part/],
    ['+011491711234567', /no country code begins with 0/],
    ['0011491711234567', /10 digits follow \+1/],
    ['011491711234567', /has no country code/],
    ['810491711234567', /has no country code/],
    ['4,91512E+11', /shortened by a spreadsheet/],
    ['491711234567.0', /decimal number/],
    ['+49 171 1234567 x123', /extension/],
    ['+49 171 1234567 ext. 12', /extension/],
    ['+49 171 1234567#12', /extension/],
    ['tel:+49171;ext=12', /extension/],
    ['+1-800-FLOWERS', /"F" is not part of one/],
    ['+49 171 1234567 (mobil)', /"m" is not part of one/],
    ['+49\u202e17x', /^"\+49<U\+202E>17x" is not a number: "x"/],
    ['+49\u0001171', /<U\+0001>/],
    ['😀', /"😀" is not part of one/],
    ['+491711234567, +491711234568', /"," is not part/],
    ['+491711234567 / +491711234568', /is not one number/],
    ['-491711234567', /begins with a dash/],
    ['++491711234567', /is not one number/],
    ['+', /no digits/],
    ['()', /no digits/],
    ['+0491711234567', /no country code begins with 0/],
    ['+44 020 7946 0958', /the 0 behind \+44 is dialled inside the country only/],
    ['+44 (020) 7946 0958', /the 0 behind \+44/],
    ['+49 30 1234567 (0)', /a 0 in brackets is left out behind the country code only/],
    ['+49 30 1234-(0)', /a 0 in brackets/],
    ['+49 171 12345 (0) 7', /a 0 in brackets/],
    ['+49 (0) (0) 30 1234567', /a 0 in brackets/],
    ['+39 (0) 6 698 12345', /behind \+39 no 0 is left out/],
    ['+4917112345678901', /16 digits, at most 15/],
    ['+210 1234567', /no country has its code/],
    ['+49 171', /6 to 13 digits follow \+49, not 3/],
    ['+1 415 555 010', /10 digits follow \+1, not 9/],
    ['+1 115 555 0100', /no area code of \+1 begins with 1/],
    ['4155550101', /has no country code: write it with \+/],
    ['7700900123', /has no country code/],
    ['1712345678', /has no country code/],
    ['0171 1234567', /has no country code/],
  ])('%s is refused', (given, reason) => expect(clean(given)).toMatch(reason));
});

describe('numbers without +', () => {
  it.each([
    ['+1', '4155550101', '+14155550101'],
    ['US', '(415) 555-0101', '+14155550101'],
    ['US', '1-415-555-0101', '+14155550101'],
    ['US', '011 49 171 1234567', '+491711234567'],
    ['US', '011 1 415 555 0101', '+14155550101'],
    ['AU', '0011 49 171 1234567', '+491711234567'],
    ['AU', '0049 171 1234567', '+491711234567'],
    ['AU', '0011 44 (0) 7911 123456', '+447911123456'],
    ['HK', '001 49 171 1234567', '+491711234567'],
    ['HK', '001 415 555 0101', '+14155550101'],
    ['HK', '0049 171 1234567', '+491711234567'],
    ['JP', '010 49 171 1234567', '+491711234567'],
    ['JP', '090 1234 5678', '+819012345678'],
    ['RU', '8 10 49 171 1234567', '+491711234567'],
    ['BY', '810 49 171 1234567', '+491711234567'],
    ['CU', '119 49 171 1234567', '+491711234567'],
    ['NG', '009 49 171 1234567', '+491711234567'],
    ['NG', '0049 171 1234567', '+491711234567'],
    ['KE', '000 49 171 1234567', '+491711234567'],
    ['KR', '00700 49 171 1234567', '+491711234567'],
    ['KR', '010 1234 5678', '+821012345678'],
    ['TW', '002 49 171 1234567', '+491711234567'],
    ['BR', '0021 49 171 1234567', '+491711234567'],
    ['EG', '٠١٠ ١٢٣٤ ٥٦٧٨', '+201012345678'],
    ['GB', '07700 900123', '+447700900123'],
    ['GB', '7700900123', '+447700900123'],
    ['GB', '(020) 7946 0958', '+442079460958'],
    ['DE', '0171/1234567', '+491711234567'],
    ['49', '1712345678', '+491712345678'],
    ['DE', '+1 415 555 0101', '+14155550101'],
    ['IT', '06 698 12345', '+390669812345'],
    ['IT', '391 234 5678', '+393912345678'],
    ['RU', '8 (916) 123-45-67', '+79161234567'],
    ['HU', '06 30 123 4567', '+36301234567'],
    ['FR', '06 12 34 56 78', '+33612345678'],
    ['ES', '612 345 678', '+34612345678'],
    ['IN', '9198765432', '+919198765432'],
    ['SG', '6512 3456', '+6565123456'],
    ['CI', '07 12 34 56 78', '+2250712345678'],
    ['BR', '(55) 99999-8888', '+5555999998888'],
    ['LT', '861234567', '+37061234567'],
  ])('%s: %s is %s', (country, given, number) => expect(clean(given, country)).toBe(number));

  it.each([
    ['DE', '491711234567', /begins with 49: if that is its country code, write it with \+/],
    ['GB', '447700900123', /begins with 44/],
    ['IN', '919876543210', /begins with 91/],
    ['RU', '79161234567', /begins with 7/],
    // +1 658 234 5678 in Jamaica, or 001 and +65 8234 5678.
    ['HK', '001 658 234 5678', /may be \+6582345678 or \+16582345678: write it with \+/],
    ['HK', '0014', /is not a number/],
    ['PL', '001234567', /is not a number/],
    ['GB', '011 44 7911 123456', /15 digits/],
    ['DE', '0011 44 7911 123456', /10 digits follow \+1/],
    ['US', '5550101', /7 digits, not 10/],
    ['US', '0415555010', /no area code/],
    ['FR', '112', /3 digits, not 9/],
  ])('%s: %s is refused', (country, given, reason) =>
    expect(clean(given, country)).toMatch(reason),
  );
});

describe('countries', () => {
  it('are found by code or letters', () => {
    for (const text of ['+49', '49', '0049', 'DE', 'de '])
      expect(parseCountry(text)?.code).toBe('49');
    expect(parseCountry('+1')?.iso).toBe('US');
    expect(parseCountry('+7')?.iso).toBe('RU');
    for (const text of ['', '+', 'XX', '+999', '0', '+490']) expect(parseCountry(text)).toBeNull();
  });

  it('have codes of which none begins another', () => {
    const codes = [...new Set(COUNTRIES.map(({ code }) => code))];
    for (const code of codes)
      expect(codes.filter((other) => other !== code && other.startsWith(code))).toEqual([]);
    for (const { min, usual, max, code } of COUNTRIES) {
      expect(min).toBeGreaterThan(3);
      expect(min <= usual && usual <= max && code.length + max <= 15).toBe(true);
    }
  });
});

describe('text after a number', () => {
  it.each([
    ['+49 171 1234567/68', '/68'],
    ['+49 171 7654321 (2)', '(2)'],
    ['+49 171 1234567 [1]', '[1]'],
    ['+49 171 1234567 \uff082\uff09', '\uff082\uff09'],
    ['+49 30 12345-10/-20', '/-20'],
    ['+49 171 1234567 - 12', '- 12'],
    ['+49 171 1234567 -12', '-12'],
    ['+49 171 1234567 .5', '.5'],
    ['1711234567.5', '.5'],
    ['10.50', '.50'],
    ['0171-1234567 (2)', '(2)'],
    ['+43 664 1234567/8', '/8'],
    ['+39 333 1234567 (2)', '(2)'],
    ['+41 79 123 45 67 (2)', '(2)'],
    ['+86 138 0013 8000 (2)', '(2)'],
    ['+46 70 123 45 67/68', '/68'],
    ['+352 621 123 456/7', '/7'],
  ])('is not joined to it: %s', (given, tail) => {
    const { problem } = cleanNumber(given, parseCountry('DE'));
    expect(problem?.reason).toContain(`has "${tail}" behind the number`);
  });

  it.each([
    ['030/1234567', '+49301234567'],
    ['0171/123 45 67', '+491711234567'],
    ['+49 30 12345-10', '+49301234510'],
    ['+49 (171) 1234567', '+491711234567'],
    ['(0171) 1234567', '+491711234567'],
    ['0171.1234567', '+491711234567'],
    ['01 71.12.34.56.7', '+491711234567'],
  ])('may be a part of it: %s', (given, number) => {
    expect(cleanNumber(given, parseCountry('DE')).address).toBe(number);
  });

  it.each(['19.12.1995', '2025-12-24', '24/12/2025'])('a date is none: %s', (given) => {
    expect(cleanNumber(given, parseCountry('FI')).problem?.reason).toContain('is a date');
  });
});

it('gives the digits that were written and no others, by seed', () => {
  const country = fc.constantFrom(...COUNTRIES);
  const decoration = fc.constantFrom(
    '',
    ' ',
    '-',
    '.',
    '/',
    '\u00a0',
    '\u2013',
    ' (',
    ') ',
    '\u200b',
    '\u202a',
  );
  fc.assert(
    fc.property(
      country,
      fc.array(fc.tuple(fc.integer({ min: 2, max: 9 }), decoration), {
        minLength: 13,
        maxLength: 13,
      }),
      fc.boolean(),
      (of, parts, isPlus) => {
        const digits = parts.slice(0, of.usual);
        const written = digits.map(([digit, mark]) => `${mark}${digit}`).join('');
        const national = digits.map(([digit]) => digit).join('');
        const given = isPlus ? `+${of.code}${written}` : `${of.trunks[0] ?? ''}${written}`;
        const { address, problem } = cleanNumber(given, of);
        if (address === null) expect(problem.reason).toMatch(/begins with|behind the number/);
        else expect(address).toBe(`+${of.code}${national}`);
      },
    ),
    { numRuns: 3_000, seed: 164 },
  );
});

it('cleans mailboxes', () => {
  const email = (given: string) => {
    const { address, problem } = cleanAddress('EMAIL', given, null);
    return address ?? problem?.reason;
  };
  expect(email(' ada@example.org\u200b')).toBe('ada@example.org');
  expect(email('mailto:ada@example.org')).toBe('ada@example.org');
  expect(email('ada@exämple.org')).toBe('ada@exämple.org');
  expect(email('ada')).toMatch(/"ada" is not an e-mail address/);
  expect(email('Ada <ada@example.org>')).toMatch(/is not an e-mail address: the part before/);
  expect(email('a@b@example.org')).toMatch(/is not/);
  expect(email('')).toMatch(/no address/);
});

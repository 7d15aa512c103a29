import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { countSteps } from '../../src/domain/liquid-steps.ts';
import {
  isConstant,
  parseTemplate,
  renderTemplate,
  requiredVariables,
  type Template,
} from '../../src/domain/liquid.ts';

const AT = new Date('2026-03-01T12:00:00Z');

function parse(source: string): Template {
  const parsed = parseTemplate(source);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.template;
}

function render(source: string, variables: Record<string, string> | null, requireVariables = true) {
  const result = renderTemplate(parse(source), variables, AT, {
    requireVariables,
    lengthMax: 1600,
  });
  return result.ok
    ? result.text
    : 'missing' in result
      ? `missing ${result.missing}`
      : `problem ${result.problem}`;
}

describe('renderTemplate', () => {
  it.each([
    ['Hello', {}, 'Hello'],
    ['', {}, ''],
    ['Hi {{ name }}', { name: 'Ada' }, 'Hi Ada'],
    ['Hi {{ name }}', {}, 'missing name'],
    ['Hi {{ name }}', { name: '' }, 'Hi '],
    ["Hi {{name | default: 'there'}}", {}, 'Hi there'],
    ["Hi {{name | default: 'there'}}", { name: '' }, 'Hi there'],
    ['Hi {{name | default: "there"}}', { name: 'Ada' }, 'Hi Ada'],
    ['{{1}} and {{ 2 }}', { '1': 'one', '2': 'two' }, 'one and two'],
    ['{{1 | upcase}}', { '1': 'one' }, 'ONE'],
    ['{% if vip %}{{1}}{% endif %}', { vip: 'y', '1': 'one' }, 'one'],
    ['{{1}}', {}, 'missing 1'],
    ['{% assign x = 1 %}{{ x }}', { '1': 'one' }, '1'],
    ['{{ name | upcase }}', { name: 'Ada' }, 'ADA'],
    ['{{ name | upcase }}', {}, 'missing name'],
    ['{{ name | upcase | default: "x" }}', { name: 'a' }, 'A'],
    ['{% if vip %}Dear {{ name }}{% else %}Hi{% endif %}', {}, 'Hi'],
    ['{% if vip %}Dear {{ name }}{% else %}Hi{% endif %}', { vip: 'yes' }, 'missing name'],
    ['{% raw %}{{ name }}{% endraw %}', {}, '{{ name }}'],
    ['{{ a }}', { a: '{{ b }}', b: 'no' }, '{{ b }}'],
    ["{{ 'now' | date: '%Y-%m-%d %H:%M' }}", {}, '2026-03-01 12:00'],
    ['{{ constructor }}', {}, 'missing constructor'],
    ['{{ a.constructor.name }}', { a: 'x' }, 'missing a.constructor'],
    ['{{ __proto__ }}', {}, 'missing __proto__'],
    ['{% assign x = "a,b" | split: "," %}{% for i in x %}{{ i }};{% endfor %}', {}, 'a;b;'],
  ])('%s', (source, variables, expected) => {
    expect(render(source, variables)).toBe(expected);
  });

  it('leaves a missing variable empty on request', () => {
    expect(render('Hi {{ name }}!', null, false)).toBe('Hi !');
    expect(render('Hi {{ name | upcase }}!', null, false)).toBe('Hi !');
  });

  it('gives the same words twice, whatever the clock says', () => {
    const source = "{{ 'now' | date: '%s' }} {{ 'today' | date: '%H' }}";
    expect(render(source, {})).toBe(render(source, {}));
  });

  it('leaves the variables as they are, and counts from the beginning each time', () => {
    const variables = { name: 'Ada', n: '5' };
    const source = '{% increment c %}{% increment c %}{% decrement n %}{% assign name = "x" %}';
    expect(render(source, variables)).toBe(render(source, variables));
    expect(variables).toEqual({ name: 'Ada', n: '5' });
  });

  it.each([
    ['{{ a | plus: 1 }}', '12,50', /"12,50" is no number, which "plus" needs/],
    ['{{ a | times: 2 }}', '1.234,50 EUR', /is no number, which "times"/],
    ['{{ 1.5 | minus: a }}', 'Ada', /"Ada" is no number, which "minus"/],
    ['{{ a | round }}', '\u0661\u0662', /is no number, which "round"/],
    ['{{ a | divided_by: 0 }}', '5', /The result of "divided_by" is no number/],
    ['{{ a | modulo: 0 }}', '5', /The result of "modulo" is no number/],
    ['{{ a | split: "" | first }}', '\u{1f600}', /half of a character/],
    ['{{ a | base64_decode }}', 'AA==', /or a NUL/],
    ['{{ a | plus: 1 }}', '12.50', /^13.5$/],
    ['{{ a | plus: 1 }}', ' -3 ', /^-2$/],
    ['{{ a | plus: 1 }}', '', /^1$/],
    ['{{ a | divided_by: 2 | ceil }}', '5', /^3$/],
    ['{{ a | round: 1 }}', '2.25', /^2\.[23]$/],
  ])('reckons with numbers only: %s with %s', (source, a, expected) => {
    expect(render(source, { a }).replace(/^problem /, '')).toMatch(expected);
  });

  it('renders plain templates as LiquidJS does', () => {
    const name = fc.constantFrom('a', 'b', 'c1');
    const part = fc.oneof(
      fc.string().map((text) => text.replace(/[{}%]/g, '')),
      name.map((each) => `{{ ${each} }}`),
      name.map((each) => `{{ ${each} | default: 'none' }}`),
    );
    const variables = fc.dictionary(name, fc.string());
    fc.assert(
      fc.property(fc.array(part), variables, fc.boolean(), (parts, values, strict) => {
        const source = parts.join('');
        const plain = parse(source);
        // An assignment that does nothing takes the template off the short path.
        const slow = parse(`${source}{% assign unused = 1 %}`);
        const options = { requireVariables: strict, lengthMax: 10_000 };
        expect(plain.plain).not.toBeNull();
        expect(slow.plain).toBeNull();
        expect(renderTemplate(plain, values, AT, options)).toEqual(
          renderTemplate(slow, values, AT, options),
        );
      }),
    );
  });
});

describe('parseTemplate', () => {
  it.each([
    ['{{ name', /not closed.*line:1, col:1/],
    ['{% if %}', /invalid value expression/],
    ['{% if a %}', /not closed/],
    ['{{ a | nofilter }}', /undefined filter: nofilter/],
    ['{% include "x" %}', /tag "include" not found/],
    ['{% render "x" %}', /tag "render" not found/],
    ['{{ a | sample }}', /undefined filter: sample/],
    ['{% if a %}'.repeat(21) + '{% endif %}'.repeat(21), /nested more than 20/],
    [`{{ a }}${'x'.repeat(70_000)}`, /at most 65536/],
  ])('refuses %s', (source, message) => {
    const parsed = parseTemplate(source);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.problem.message).toMatch(message);
  });

  it('lists the variables of a template', () => {
    expect(requiredVariables(parse("{{ a }} {{ b | default: 'x' }} {{ c }}"))).toEqual(['a', 'c']);
    expect(requiredVariables(parse('{% if a %}{{ b }}{% endif %}'))).toBeNull();
    expect(isConstant(parse('words'))).toBe(true);
    expect(isConstant(parse('{{ a }}'))).toBe(false);
  });
});

it('survives a moment in which the process has no processor', () => {
  const template = parse('{% if name %}Hello {{ name | upcase }}{% endif %}');
  const options = { requireVariables: true, lengthMax: 1600 };
  // An hour passes between the first look at the clock and the next.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(3_600_000).mockReturnValueOnce(0);
  onTestFinished(() => clock.mockRestore());
  expect(renderTemplate(template, { name: 'Ada' }, AT, options)).toEqual({
    ok: true,
    text: 'Hello ADA',
  });
  expect(clock.mock.calls.length).toBeGreaterThan(2);
});

describe('a hostile template', () => {
  it.each([
    '{% for i in (1..1000000000) %}x{% endfor %}',
    '{% for i in (1..3000) %}{% for j in (1..3000) %}x{% endfor %}{% endfor %}',
    '{% for i in (1..300) %}{% for j in (1..300) %}{% for k in (1..300) %}{% endfor %}{% endfor %}{% endfor %}',
    `{% assign s = "xxxxxxxxxx" %}${'{% assign s = s | append: s %}'.repeat(40)}{{ s }}`,
    `{% assign s = "xxxxxxxxxx" %}${'{% assign s = s | replace: "x", "xxxxxxxxxx" %}'.repeat(12)}{{ s }}`,
    `{% capture s %}${'x'.repeat(1000)}{% endcapture %}${'{% capture s %}{{ s }}{{ s }}{% endcapture %}'.repeat(30)}{{ s }}`,
    '{% for i in (1..100000) %}{% assign a = "x,y,z" | split: "," | join: "," %}{% endfor %}',
    '{{ "x" | times: 3 }}{% for i in (1..99999) %}{{ i | append: "xxxxxxxxxxxxxxxxxxxxxx" }}{% endfor %}',
  ])('is stopped soon: %s', (source) => {
    const template = parse(source);
    const startedAt = performance.now();
    const result = renderTemplate(template, {}, AT, { requireVariables: true, lengthMax: 1600 });
    // Not a measure of speed: without limits these take from seconds to for ever.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(result.ok).toBe(false);
  });

  it.each([
    ['filters', `{{ i${' | plus: 1'.repeat(5_000)} }}`],
    ['filters of text', `{{ i${' | upcase'.repeat(5_000)} }}`],
    ['arguments', `{{ i | plus: ${'1, '.repeat(15_000)} 1 }}`],
    ['operators', `{% if i == 0${' or i == 0'.repeat(5_000)} %}x{% endif %}`],
    ['elsif branches', `{% if i == 0 %}${'{% elsif i == 0 %}'.repeat(3_000)}x{% endif %}`],
    [
      'elsif branches of unless',
      `{% unless i > 0 %}${'{% elsif i == 0 %}'.repeat(3_000)}x{% endunless %}`,
    ],
    ['values of when', `{% case i %}{% when ${'0, '.repeat(15_000)} 0 %}x{% endcase %}`],
    ['when branches', `{% case i %}${'{% when 0 %}'.repeat(5_000)}x{% endcase %}`],
    ['brackets', `{{ a${'["size"]'.repeat(7_000)} }}`],
    ['filters of assign', `{% assign b = i${' | minus: 1'.repeat(5_000)} %}`],
    ['filters of echo', `{% echo i${' | minus: 1'.repeat(5_000)} %}`],
    ['lines of liquid', `{% liquid\n${'assign b = i | plus: 1 | minus: 1\n'.repeat(1_500)}%}`],
  ])('is stopped after the same number of steps, with any number of %s in one tag', (_, tag) => {
    const template = parse(`{% for i in (1..3000) %}${tag}{% endfor %}`);
    const before = countSteps();
    const result = renderTemplate(template, { a: 'x' }, AT, {
      requireVariables: false,
      lengthMax: 1600,
    });
    expect(result).toMatchObject({ ok: false, problem: expect.stringMatching(/steps|memory/) });
    expect(countSteps() - before).toBeLessThanOrEqual(10_001);
  });

  it.each([
    ['slice', '{{ long | slice: zeros }}', /^1$/],
    ['slice', '{{ long | slice: 0, zeros }}', /^1+$/],
    ['slice', '{{ long | slice: long }}', /is no number, which "slice" needs/],
    ['truncate', '{{ long | truncate: zeros }}', /^1+\.\.\.$/],
    ['truncate', '{{ long | truncate: "x" }}', /"x" is no number, which "truncate" needs/],
    ['truncatewords', '{{ words | truncatewords: zeros }}', /^(w )+w\.\.\.$/],
    ['a number of digits', '{{ long | plus: 1 }}', /no number/],
  ])('reads a number once: %s', (_, source, expected) => {
    const variables = {
      long: '1'.repeat(60_000),
      words: 'w '.repeat(30_000),
      zeros: `${'0'.repeat(60_000)}1500`,
    };
    const result = renderTemplate(parse(source), variables, AT, {
      requireVariables: true,
      lengthMax: 10_000,
    });
    expect(result.ok ? result.text : 'problem' in result && result.problem).toMatch(expected);
  });

  it('by its work and not by its time, which depends on other load', () => {
    const template = parse(
      '{% for i in (1..2000) %}{% assign a = i | plus: 1 %}{% endfor %}{{ a }}',
    );
    const options = { requireVariables: true, lengthMax: 1600 };
    const once = () => {
      const before = countSteps();
      const result = renderTemplate(template, {}, AT, options);
      return { result, steps: countSteps() - before };
    };
    const calm = once();
    expect(calm.result).toEqual({ ok: true, text: '2001' });
    expect(calm.steps).toBeGreaterThan(2_000);
    // As if the collection of garbage took a minute at each look at the clock.
    let now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 60_000));
    onTestFinished(() => clock.mockRestore());
    expect(once()).toEqual(calm);
  });
});

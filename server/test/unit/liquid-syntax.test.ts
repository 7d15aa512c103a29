/** Templates that LiquidJS takes though it does not understand all of them: refused, so that no words are lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../src/domain/liquid.ts';

const BROKEN = [
  '{{ a , {{ b }} off',
  '{{ a b }}',
  '{{ first name }}',
  '{{ a | }}',
  '{{ a | default: }}',
  '{{ a. }}',
  '{{ a) }}',
  '{{ a, b }}',
  '{{ a ? b }}',
  '{{ -a }}',
  '{{ a == }}',
  '{{ a | upcase, }}',
  '{{ 1 2 }}',
  '{{ a | append: "b" | }}',
  '{{ a."b" }}',
  '{{ a } and {{ b }}',
  '{{ a {{ b }} }}',
  '{% if a b %}x{% endif %}',
  '{% if a == %}x{% endif %}',
  '{% if a and %}x{% endif %}',
  '{% unless a junk %}x{% endunless %}',
  '{% if a %}x{% elsif b c %}y{% endif %}',
  '{% assign x = a b %}',
  '{% echo a b %}',
  '{% case a %}{% when %}y{% endcase %}',
  '{% case a junk %}{% when 1 %}y{% endcase %}',
  '{% case a %}{% when 1 junk %}y{% endcase %}',
  '{% for i in (1..3) junk %}x{% endfor %}',
  '{ a }}',
  "Hi { name | default: 'x' }}, {{ b }}",
  '{{ a',
  '{{ a }',
  '{% if a',
  '{% if a %}',
  '{{ a | nofilter }}',
  '{% nosuch %}',
];

const GOOD = [
  'Hi {{ name }}',
  '{{name}}{{- a -}} {{ a.b.c }} {{ a["b c"] }} {{ a[0].b }} {{ a[b[0]] }} {{ a.first }}',
  "{{ a | default: 'there' }}",
  '{{ a | default: "it\'s }} here", allow_false: true }}',
  '{{1}} {{ 2 | upcase }} {{ -1 }} {{ 1.5 }}',
  '{{ "now" | date: "%Y-%m-%d" }}',
  '{{ a | truncate: 5, "…" | upcase | replace: "x", b.c }}',
  '{{ größe }} {{ first-name }} {{ ok? }}',
  '{{ a == b }} {{ a and b or not c }}',
  '{% if a == "x" and b != nil or c contains "d" %}x{% elsif b >= 2 %}y{% else %}z{% endif %}',
  '{%- unless a -%}x{%- endunless -%}',
  '{% case a %}{% when 1, "b" or c %}y{% else %}z{% endcase %}',
  '{% assign x = a | split: "," %}{% for i in x limit: 2 offset: 1 reversed %}{{ forloop.index }}{{ i }}{% endfor %}',
  '{% for i in (1..n) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}',
  '{% capture x %}a{% endcapture %}{{ x }}',
  '{% raw %}{{ a , {{ b }}{% if %}{% endraw %}{{ a }}',
  "{% comment %}don't {{ a b }}{% endcomment %}{{ a }}",
  '{% # a remark %}{% increment n %}{% cycle "a", "b" %}',
  '{{\n  a\n  | upcase\n}}',
  'a { b } c } d % 100%',
  '<style>@media print{a{color:red}} p{}</style>{{ a }}',
  '{% raw %}{ a }}{% endraw %}',
];

describe('a template', () => {
  it.each(BROKEN)('%s is refused', (source) => {
    const parsed = parseTemplate(source);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.problem.message).toMatch(/\S.*(line:\d+|nested)/);
  });

  it.each(GOOD)('%s is taken', (source) => {
    expect(parseTemplate(source)).toMatchObject({ ok: true });
  });

  it('that is good ceases to be with a stray word in any output of it', () => {
    const outputs = GOOD.filter((source) => /^[^%}]*\{\{/.test(source) && !source.includes("it's"));
    fc.assert(
      fc.property(
        fc.constantFrom(...outputs),
        fc.constantFrom(' stray ', ' , ', ' {{ ', ' ; ', ' } ', ' & ', ' "x" '),
        (source, stray) => {
          const broken = source.replace(/-?\}\}/, `${stray}}}`);
          expect(parseTemplate(broken).ok).toBe(false);
        },
      ),
    );
  });

  it('changed at random is taken or refused, and an output that is taken has nothing stray', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...GOOD),
        fc.nat(),
        fc.constantFrom('', '{', '}', '%', '|', ',', '"', "'", ' x ', '.', '(', ':'),
        (source, place, piece) => {
          const at = place % (source.length + 1);
          const parsed = parseTemplate(source.slice(0, at) + piece + source.slice(at + 1));
          if (!parsed.ok) expect(parsed.problem.message).not.toBe('');
          else expect(parsed.template.source).toBeDefined();
        },
      ),
    );
  });

  it('of any length of one piece is read soon', () => {
    for (const piece of ['{{ a ', '{{ "', '{{ a[', '{{ a | b: ', '{% if ', "'", '{{ (', '{{ a}}'])
      expect(typeof parseTemplate(piece.repeat(8_000)).ok).toBe('boolean');
  });
});

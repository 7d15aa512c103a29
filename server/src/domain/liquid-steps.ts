/**
 * The work of a rendering, counted in steps, because time would depend on the load of the server. LiquidJS checks its
 * deadline at each tag, output and loop round: each is a step. It checks nothing within an expression or a chain of
 * filters, and a template has room for thousands of these in one tag. So four of their parts are another step.
 */
import { CaseTag, Expression, Filter, type Context, type Liquid, type Template } from 'liquidjs';

/** Maximum steps of one rendering. */
export const STEPS_MAX = 10_000;
/** Operands, operators, filters and their arguments of one step. */
const PARTS_PER_STEP = 4;

let steps = 0;

/** Total steps of all renderings of this thread; the difference of two reads is the work between them. */
export function countSteps(): number {
  return steps;
}

/** Stands in for LiquidJS's deadline. */
interface StepLimit {
  check(): void;
  spend(parts: number): void;
}

/** Limits the steps of a rendering in this context. */
export function limitSteps(context: Context): void {
  const until = steps + STEPS_MAX;
  let parts = 0;
  const check = () => {
    steps += 1;
    if (steps > until) throw new Error(`It takes more than ${STEPS_MAX} steps to render.`);
  };
  const limit: StepLimit = {
    check,
    spend(more) {
      parts += more;
      for (; parts >= PARTS_PER_STEP; parts -= PARTS_PER_STEP) check();
    },
  };
  Object.assign(context.renderLimit, limit);
}

const limitOf = (context: Context) => context.renderLimit as unknown as StepLimit;

/** LiquidJS's tokens; its types do not define them. */
interface Token {
  readonly props?: readonly Token[];
  readonly lhs?: Token;
  readonly rhs?: Token;
}

function partsOf({ props = [], lhs, rhs }: Token): number {
  const inner = [...props, ...(lhs ? [lhs] : []), ...(rhs ? [rhs] : [])];
  return inner.reduce((sum, each) => sum + partsOf(each), 1);
}

const partsOfAll = (tokens: readonly Token[]) =>
  tokens.reduce((sum, each) => sum + partsOf(each), 0);

const known = new WeakMap<object, number>();

/** Counted once: the parts of a parsed template do not change. */
function once(of: object, count: () => number): number {
  const before = known.get(of);
  if (before !== undefined) return before;
  const parts = count();
  known.set(of, parts);
  return parts;
}

type Evaluate = (this: Expression, context: Context, lenient?: boolean) => Generator<unknown>;
type RenderFilter = (this: Filter, value: unknown, context: Context) => IterableIterator<unknown>;

let isCounting = false;

/** Makes expressions, filters and the values of `when` count. */
export function countParts(liquid: Liquid): void {
  liquid.registerTag('case', CountingCase);
  if (isCounting) return;
  isCounting = true;
  const { evaluate } = Expression.prototype as unknown as { evaluate: Evaluate };
  const { render } = Filter.prototype as unknown as { render: RenderFilter };
  const counting: { evaluate: Evaluate } = {
    evaluate(context, lenient) {
      limitOf(context).spend(once(this, () => partsOfAll(this.postfix as readonly Token[])));
      return evaluate.call(this, context, lenient);
    },
  };
  const countingFilter: { render: RenderFilter } = {
    render(value, context) {
      const tokens = () => this.args.flat().filter((each) => typeof each === 'object') as Token[];
      const parts = () => 1 + partsOfAll(tokens());
      limitOf(context).spend(once(this, parts));
      return render.call(this, value, context);
    },
  };
  Object.assign(Expression.prototype, counting);
  Object.assign(Filter.prototype, countingFilter);
}

/** All values are compared, however many they are. */
class CountingCase extends CaseTag {
  override *render(
    ...[context, emitter]: Parameters<CaseTag['render']>
  ): Generator<unknown, void, unknown> {
    const { branches } = this as unknown as {
      readonly branches: readonly {
        readonly values: readonly Token[];
        readonly templates: Template[];
      }[];
    };
    const parts = () => branches.reduce((sum, { values }) => sum + partsOfAll(values), 0);
    limitOf(context).spend(once(this, parts));
    yield* super.render(context, emitter);
  }
}

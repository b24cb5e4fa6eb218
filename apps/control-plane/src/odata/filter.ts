import { closest, timeOfDay } from '@culvert/contracts';
import { isInt32 } from './cursor.ts';
import { type EntityType, type Field, fieldOf } from './entity-type.ts';
import { FilterError, type Token, tokenize } from './tokens.ts';

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
export type TextFunction = 'contains' | 'startswith' | 'endswith';
/** A value as the column holds it. */
export type Literal = string | number | null;

/** What a $filter says (OData 4.01, part 2, §5.1.1), with the types of its operands checked. */
export type Filter =
  | { kind: 'and' | 'or'; left: Filter; right: Filter }
  | { kind: 'not'; operand: Filter }
  | { kind: 'comparison'; field: string; operator: Comparison; value: Literal }
  | { kind: 'in'; field: string; values: readonly Literal[] }
  | { kind: 'text'; function: TextFunction; field: string; value: string }
  | { kind: 'any'; field: string; value: string };

const comparisons: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'];
const textFunctions: readonly string[] = ['contains', 'startswith', 'endswith'];

/** Bounds for what a stranger may have us work on. */
export const longestFilter = 4_000;
const deepest = 50;
const mostNodes = 200;

/** Reads a filter on these properties. Throws a FilterError that says what is wrong, where, and what is allowed. */
export function parseFilter(entity: EntityType, text: string): Filter {
  if (text.length > longestFilter)
    throw new FilterError(`at most ${longestFilter} characters are allowed`, longestFilter);
  const parser = new Parser(entity, tokenize(text));
  return parser.whole();
}

class Parser {
  readonly #entity: EntityType;
  readonly #tokens: readonly Token[];
  #next = 0;
  #nodes = 0;

  constructor(entity: EntityType, tokens: readonly Token[]) {
    this.#entity = entity;
    this.#tokens = tokens;
  }

  whole(): Filter {
    const filter = this.#or(0);
    const rest = this.#peek();
    if (rest.kind !== 'end')
      throw new FilterError(`expected "and", "or" or the end, not "${rest.text}"`, rest.at);
    return filter;
  }

  #or(depth: number): Filter {
    let left = this.#and(depth);
    while (this.#takeWord('or')) left = this.#node({ kind: 'or', left, right: this.#and(depth) });
    return left;
  }

  #and(depth: number): Filter {
    let left = this.#not(depth);
    while (this.#takeWord('and')) left = this.#node({ kind: 'and', left, right: this.#not(depth) });
    return left;
  }

  #not(depth: number): Filter {
    if (depth > deepest) throw new FilterError(`at most ${deepest} levels are allowed`, this.#peek().at);
    if (this.#takeWord('not')) return this.#node({ kind: 'not', operand: this.#not(depth + 1) });
    if (!this.#takeSymbol('(')) return this.#predicate();
    const inner = this.#or(depth + 1);
    this.#expectSymbol(')');
    return inner;
  }

  #predicate(): Filter {
    const word = this.#peek();
    if (word.kind !== 'word')
      throw new FilterError(`expected a property or a function, not "${word.text}"`, word.at);
    this.#next += 1;
    if (this.#peek().text === '(') return this.#textFunction(word);
    const { name, field } = this.#field(word);
    if (this.#takeSymbol('/')) return this.#any(name, field, word.at);
    const operator = this.#peek();
    this.#next += 1;
    if (operator.text === 'in' && operator.kind === 'word') return this.#in(name, field);
    if (operator.kind !== 'word' || !comparisons.includes(operator.text)) {
      throw new FilterError(
        `expected one of ${comparisons.join(', ')}, in after ${name}, not "${operator.text}"`,
        operator.at,
      );
    }
    if (field.type === 'complex') throw new FilterError(`${name} cannot be compared`, operator.at);
    if (field.type === 'stringCollection' || field.type === 'complexCollection') {
      throw new FilterError(`${name} is a list; ask with ${name}/any(x:x eq 'value')`, operator.at);
    }
    const value = this.#literal(name, field);
    const isOrdering = operator.text !== 'eq' && operator.text !== 'ne';
    if (isOrdering && (value === null || field.type === 'boolean')) {
      throw new FilterError(
        `${name} cannot be compared with ${operator.text} here; use eq or ne`,
        operator.at,
      );
    }
    return this.#node({ kind: 'comparison', field: name, operator: operator.text as Comparison, value });
  }

  #textFunction(word: Token): Filter {
    if (!textFunctions.includes(word.text)) {
      throw new FilterError(
        `there is no function ${word.text}; known are ${textFunctions.join(', ')}`,
        word.at,
      );
    }
    this.#expectSymbol('(');
    const { name, field, at } = this.#field(this.#take('word', 'a property'));
    if (field.type !== 'string') throw new FilterError(`${word.text} needs a text, and ${name} is none`, at);
    this.#expectSymbol(',');
    const { text: value } = this.#take('string', "a text such as 'Tokyo'");
    this.#expectSymbol(')');
    return this.#node({ kind: 'text', function: word.text as TextFunction, field: name, value });
  }

  #in(name: string, field: Field): Filter {
    this.#expectSymbol('(');
    const values = [this.#literal(name, field)];
    while (this.#takeSymbol(',')) values.push(this.#literal(name, field));
    this.#expectSymbol(')');
    this.#nodes += values.length;
    return this.#node({ kind: 'in', field: name, values });
  }

  /** `roleScopeTagIds/any(t:t eq '0')`, the only lambda that a list of texts needs. */
  #any(name: string, field: Field, at: number): Filter {
    if (field.type !== 'stringCollection') throw new FilterError(`${name} is not a list of texts`, at);
    const shape = `write ${name}/any(x:x eq 'value')`;
    const expect = (text: string) => {
      const token = this.#peek();
      if (token.kind === 'string' || token.text !== text) throw new FilterError(shape, token.at);
      this.#next += 1;
    };
    expect('any');
    expect('(');
    const { text: variable } = this.#take('word', 'a name');
    expect(':');
    expect(variable);
    expect('eq');
    const { text: value } = this.#take('string', "a text such as '0'");
    expect(')');
    return this.#node({ kind: 'any', field: name, value });
  }

  #field(word: Token) {
    const field = fieldOf(this.#entity, word.text);
    if (field !== undefined && field.isQueryable !== false) return { name: word.text, field, at: word.at };
    const known = Object.keys(this.#entity.fields).filter(
      (name) => this.#entity.fields[name]?.isQueryable !== false,
    );
    const close = closest(word.text, known);
    const advice = close === undefined ? `known are ${known.join(', ')}` : `did you mean ${close}?`;
    throw new FilterError(`${this.#entity.name} cannot be filtered by "${word.text}"; ${advice}`, word.at);
  }

  #literal(name: string, field: Field): Literal {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === 'word' && token.text === 'null') return null;
    const value = literalOf(token, field);
    if (value === undefined)
      throw new FilterError(`${name} is compared with ${expected(field)}, not "${token.text}"`, token.at);
    return value;
  }

  #node<Node extends Filter>(node: Node): Node {
    this.#nodes += 1;
    if (this.#nodes > mostNodes)
      throw new FilterError(`at most ${mostNodes} conditions are allowed`, this.#peek().at);
    return node;
  }

  #peek(): Token {
    // The last token is `end`, and nothing goes past it but an error.
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] as Token;
  }

  #take(kind: Token['kind'], what: string): Token {
    const token = this.#peek();
    if (token.kind !== kind) throw new FilterError(`expected ${what}, not "${token.text}"`, token.at);
    this.#next += 1;
    return token;
  }

  #takeWord(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'word' || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #takeSymbol(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #expectSymbol(text: string): void {
    const token = this.#peek();
    if (!this.#takeSymbol(text)) throw new FilterError(`expected "${text}", not "${token.text}"`, token.at);
  }
}

function literalOf({ kind, text }: Token, { type, members }: Field): Literal | undefined {
  switch (type) {
    case 'string':
    case 'stringCollection':
      return kind === 'string' ? text : undefined;
    case 'enum':
      return kind === 'string' && members?.includes(text) === true ? text : undefined;
    case 'timeOfDay':
      // OData writes it without quotation marks (part 2, §5.1.1.6.1); people expect them.
      return kind === 'string' || kind === 'timeOfDay' ? timeOfDay.safeParse(text).data : undefined;
    case 'boolean':
      if (kind !== 'word' || (text !== 'true' && text !== 'false')) return undefined;
      return text === 'true' ? 1 : 0;
    case 'int32':
      return kind === 'number' && isInt32(Number(text)) ? Number(text) : undefined;
    case 'int64':
      return kind === 'number' && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case 'dateTimeOffset': {
      const time = kind === 'dateTime' ? new Date(text) : undefined;
      return time === undefined || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
    }
    case 'complex':
    case 'complexCollection':
      return undefined;
  }
}

function expected({ type, members }: Field): string {
  switch (type) {
    case 'enum':
      return `one of ${(members ?? []).map((member) => `'${member}'`).join(', ')}`;
    case 'boolean':
      return 'true or false';
    case 'int32':
    case 'int64':
      return 'a whole number';
    case 'dateTimeOffset':
      return 'a time such as 2026-11-24T09:00:00Z';
    case 'timeOfDay':
      return 'a time of day such as 22:00:00';
    default:
      return "a text such as 'Tokyo'";
  }
}

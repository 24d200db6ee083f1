import { Failure } from '../http/failure.ts';
import { isJsonObject } from '../http/json.ts';

/** A condition on the status of a step, as data. */
export type StatusFilter =
  | { kind: 'in' | 'not-in'; values: string[] }
  | { kind: 'prefix'; value: string }
  | { kind: 'all' }
  | { kind: 'none' };

const bad = (why: string) => new Failure('bad-request', `cannot use progress.status: ${why}`);
const texts = (value: unknown, operator: string): string[] => {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw bad(`${operator} needs an array of texts`);
};
const one = (value: unknown, operator: string): string => {
  if (typeof value === 'string') return value;
  throw bad(`${operator} needs a text`);
};

/**
 * Reads `progress.status` of a query: a status, or a JSON object of operators (hub-api §6.4).
 * @throws Failure 400 for operators that are not known
 */
export function parseStatusFilter(text: string): StatusFilter[] {
  if (!text.trimStart().startsWith('{')) return [{ kind: 'in', values: [text] }];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw bad(`it is not JSON (${(error as Error).message})`);
  }
  if (!isJsonObject(parsed)) throw bad('it is no object');
  return Object.entries(parsed).map(([operator, value]): StatusFilter => {
    switch (operator) {
      case '$in':
        return { kind: 'in', values: texts(value, operator) };
      case '$nin':
        return { kind: 'not-in', values: texts(value, operator) };
      case '$eq':
        return { kind: 'in', values: [one(value, operator)] };
      case '$ne':
        return { kind: 'not-in', values: [one(value, operator)] };
      case '$exists':
        // Every step has a status.
        return { kind: value === false ? 'none' : 'all' };
      case '$regex': {
        const prefix = /^\^?([\w -]*)$/.exec(one(value, operator))?.[1];
        if (prefix === undefined) throw bad('$regex may only be a prefix such as ^IN');
        return { kind: 'prefix', value: prefix };
      }
      default:
        throw bad(`operator ${operator} is not known; there are $in, $nin, $eq, $ne, $exists, $regex`);
    }
  });
}

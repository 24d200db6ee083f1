/**
 * Reading of members by type. What has the wrong type is reported once, here, and then counts as absent; unknown members
 * do not matter. Absent values are `undefined`.
 */
import { findMember, type JsonNode, type JsonObject, pointerTo } from './json/nodes.ts';
import { quote, type Report, type Spot } from './report.ts';
import type { RuleCode } from './rules.ts';

/** A value and where it stands in the document. */
export interface Place {
  node: JsonNode;
  path: string;
}

const article: Record<JsonNode['kind'], string> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
  broken: 'nothing readable',
};

export function spotOf(place: Place): Spot {
  return { offset: place.node.start, path: place.path };
}

/** Reports a value whose type is not the wanted one, and stays silent where the reader already spoke. */
export function reportType(report: Report, place: Place, wanted: string): void {
  if (place.node.kind === 'broken') return;
  if (place.node.kind === 'null')
    report.add('value-null', spotOf(place), `null stands where ${wanted} belongs; it counts as absent`);
  else report.add('type-mismatch', spotOf(place), `cannot use ${article[place.node.kind]} where ${wanted} belongs`);
}

/** Elements of a list with their places; undefined (reported) when it is no list. */
export function readList(report: Report, place: Place): Place[] | undefined {
  if (place.node.kind !== 'array') {
    reportType(report, place, 'a list');
    return undefined;
  }
  return place.node.items.map((node, index) => ({ node, path: pointerTo(place.path, index) }));
}

/** Text of a string; undefined (reported) when it is none. */
export function readText(report: Report, place: Place): string | undefined {
  if (place.node.kind === 'string') return place.node.value;
  reportType(report, place, 'a string');
  return undefined;
}

/** Members of an object. */
export class Fields {
  readonly report: Report;
  readonly place: Place & { node: JsonObject };

  private constructor(report: Report, place: Place & { node: JsonObject }) {
    this.report = report;
    this.place = place;
  }

  /**
   * Undefined (reported) when the value is no object. Duplicate members are reported.
   * @param mismatch rule that any other value breaks, null too; without it null only warns, as it counts as absent
   */
  static of(report: Report, place: Place, mismatch?: RuleCode): Fields | undefined {
    const { node, path } = place;
    if (node.kind !== 'object') {
      if (mismatch && node.kind !== 'broken')
        report.add(mismatch, spotOf(place), `cannot use ${article[node.kind]} where an object belongs`);
      else reportType(report, place, 'an object');
      return undefined;
    }
    reportDuplicates(report, node, path);
    return new Fields(report, { node, path });
  }

  /** The member as it stands; null counts as absent and is reported. */
  get(key: string): Place | undefined {
    const member = findMember(this.place.node, key);
    if (!member) return undefined;
    const place = { node: member.value, path: pointerTo(this.place.path, key) };
    if (member.value.kind !== 'null') return place;
    reportType(this.report, place, 'a value');
    return undefined;
  }

  /** Every member, in document order; of duplicates only the last. */
  entries(): { key: string; place: Place }[] {
    return membersOf(this.place);
  }

  string(key: string): string | undefined {
    const place = this.get(key);
    return place && readText(this.report, place);
  }

  /** First of several spellings that is present. */
  anyString(...keys: string[]): string | undefined {
    for (const key of keys) {
      const text = this.string(key);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** Integer from 0; a quoted one is taken with a warning. Undefined (reported) when it is none. */
  count(key: string): number | undefined {
    const place = this.get(key);
    if (!place) return undefined;
    const text = this.#numberText(place);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^-?[0-9]+$/.test(text) && !Number.isInteger(value)) {
      this.report.add('value-range', spotOf(place), `cannot use ${text} for ${quote(key)}: it is no whole number`);
      return undefined;
    }
    if (value < 0 || value > 2147483647) {
      this.report.add(
        'value-range',
        spotOf(place),
        `cannot use ${text} for ${quote(key)}: it must lie from 0 to 2147483647`,
      );
      return undefined;
    }
    return value;
  }

  /** Number from 0, quoted ones too without remark. */
  factor(key: string): number | undefined {
    const place = this.get(key);
    if (!place) return undefined;
    const text = place.node.kind === 'string' ? place.node.value : this.#numberText(place);
    if (text === undefined) return undefined;
    const value = /^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= 0 && value <= 1e9) return value;
    this.report.add(
      'value-range',
      spotOf(place),
      `cannot use ${quote(text)} for ${quote(key)}: it must be a number from 0`,
    );
    return undefined;
  }

  /** A boolean; the words of `yes` and `no` are taken too. */
  boolean(key: string, yes: readonly string[] = ['true'], no: readonly string[] = ['false']): boolean | undefined {
    const place = this.get(key);
    if (!place) return undefined;
    if (place.node.kind === 'boolean') return place.node.value;
    if (place.node.kind === 'string') {
      if (yes.includes(place.node.value)) return true;
      if (no.includes(place.node.value) || place.node.value === '') return false;
    }
    const words = [...yes, ...no].map(quote).join(', ');
    this.report.add(
      'type-mismatch',
      spotOf(place),
      `cannot read ${quote(key)} as yes or no`,
      `write true, false, or one of ${words}`,
    );
    return undefined;
  }

  list(key: string): Place[] | undefined {
    const place = this.get(key);
    return place && readList(this.report, place);
  }

  /** Strings of a list; elements of other types are reported and left out. A lone string is a list of one. */
  strings(key: string): { text: string; place: Place }[] {
    const place = this.get(key);
    if (!place) return [];
    if (place.node.kind === 'string') return place.node.value === '' ? [] : [{ text: place.node.value, place }];
    const found: { text: string; place: Place }[] = [];
    for (const item of readList(this.report, place) ?? []) {
      const text = readText(this.report, item);
      if (text !== undefined) found.push({ text, place: item });
    }
    return found;
  }

  object(key: string): Fields | undefined {
    const place = this.get(key);
    return place && Fields.of(this.report, place);
  }

  /** One of the words; any other value is reported under the rule. */
  word<W extends string>(key: string, words: readonly W[], rule: RuleCode): W | undefined {
    const place = this.get(key);
    if (!place) return undefined;
    const text = readText(this.report, place);
    if (text === undefined) return undefined;
    const found = words.find((word) => word === text);
    if (found === undefined) {
      this.report.add(
        rule,
        spotOf(place),
        `cannot use ${quote(text)} for ${quote(key)}`,
        `use one of ${words.join(', ')}`,
      );
    }
    return found;
  }

  /** Where a member stands, or the object itself when it is absent. */
  spot(key?: string): Spot {
    const member = key === undefined ? undefined : findMember(this.place.node, key);
    if (!member || key === undefined) return spotOf(this.place);
    return { offset: member.value.start, path: pointerTo(this.place.path, key) };
  }

  #numberText(place: Place): string | undefined {
    if (place.node.kind === 'number') return place.node.text;
    if (place.node.kind === 'string' && /^-?[0-9]+$/.test(place.node.value)) {
      this.report.add(
        'value-quoted',
        spotOf(place),
        `the number ${place.node.value} stands in quotes`,
        'remove the quotes',
      );
      return place.node.value;
    }
    reportType(this.report, place, 'a number');
    return undefined;
  }
}

function membersOf(place: Place & { node: JsonObject }): { key: string; place: Place }[] {
  const last = new Map<string, JsonNode>();
  for (const { key, value } of place.node.members) last.set(key, value);
  return Array.from(last, ([key, node]) => ({ key, place: { node, path: pointerTo(place.path, key) } }));
}

function reportDuplicates(report: Report, node: JsonObject, path: string): void {
  if (node.members.length < 2) return;
  const seen = new Set<string>();
  for (const { key, keyStart } of node.members) {
    if (seen.has(key)) {
      report.add(
        'key-duplicate',
        { offset: keyStart, path: pointerTo(path, key) },
        `${quote(key)} occurs again; the last one counts`,
      );
    }
    seen.add(key);
  }
}

import { Checkbox, Skeleton } from '@mantine/core';
import {
  classOfStatus,
  type FleetFacets,
  type FleetField,
  type FleetTerm,
  formatFleetQuery,
  parseFleetQuery,
} from '@pantavisor/hub-api';
import { StatusMark } from '../show/status.tsx';
import { fleetText, number, statusText } from '../text/index.ts';
import classes from './facets.module.css';

/** Adds a term to a query line, or takes it away when it is there. */
export function toggleTerm(line: string, field: FleetField, value: string): string {
  const { terms } = parseFleetQuery(line);
  const same = (term: FleetTerm) => term.field === field && term.value === value && !term.negative;
  const without = terms.filter((term) => !same(term));
  return formatFleetQuery(without.length < terms.length ? without : [...terms, { field, value, negative: false }]);
}

/** Whether a query line has a term. */
export function hasTerm(line: string, field: FleetField, value: string): boolean {
  return parseFleetQuery(line).terms.some((term) => term.field === field && term.value === value && !term.negative);
}

interface Choice {
  field: FleetField;
  value: string;
  count: number;
  label: React.ReactNode;
  /** what the label says, as text */
  name: string;
}

function Facet({ title, choices, line, onChange }: { title: string; choices: Choice[] } & Editing) {
  if (choices.length === 0) return null;
  return (
    <fieldset className={classes.facet}>
      <legend>{title}</legend>
      {choices.map(({ field, value, count, label, name }) => (
        <Checkbox
          key={value}
          size="xs"
          checked={hasTerm(line, field, value)}
          onChange={() => onChange(toggleTerm(line, field, value))}
          aria-label={`${title}: ${name}, ${number(count)}`}
          label={
            <span className={classes.choice}>
              <span className={classes.label}>{label}</span>
              <span className="soft">{number(count)}</span>
            </span>
          }
        />
      ))}
    </fieldset>
  );
}

interface Editing {
  line: string;
  onChange: (line: string) => void;
}

/** Buckets of time from the newest on, not by their counts. */
const seenOrder = Object.keys(fleetText.seen);
const inOrder = (seen: FleetFacets['seen']) =>
  seen.toSorted((a, b) => seenOrder.indexOf(a.value) - seenOrder.indexOf(b.value));

/** Counts beside the list; a click adds to the query line or takes away from it. */
export function Facets({ facets, line, onChange }: { facets: FleetFacets | undefined } & Editing) {
  if (facets === undefined)
    return (
      <div className={classes.waiting}>
        {Array.from({ length: 9 }, (_, index) => index).map((index) => (
          <Skeleton key={index} height={14} />
        ))}
      </div>
    );
  const tagNames = [...new Set(facets.tags.map(({ name }) => name))];
  const statuses = facets.statuses.map(({ value, count }): Choice => {
    const name = statusText.names[value] ?? value;
    const label = (
      <>
        <StatusMark kind={classOfStatus(value)} /> {name}
      </>
    );
    return { field: 'status', value: value === '' ? 'unknown' : value, count, name, label };
  });
  const editing = { line, onChange };
  return (
    <div className={classes.facets}>
      <Facet title={fleetText.facetStatus} choices={statuses} {...editing} />
      <Facet
        title={fleetText.facetSeen}
        choices={inOrder(facets.seen).map(({ value, count }) => {
          const name = fleetText.seen[value] ?? value;
          return { field: 'seen', value, count, label: name, name };
        })}
        {...editing}
      />
      <Facet
        title={fleetText.facetRevision}
        choices={facets.revisions
          .filter(({ value }) => value !== '-1')
          .map(({ value, count }) => ({ field: 'rev', value, count, label: value, name: value }))}
        {...editing}
      />
      {tagNames.map((tag) => (
        <Facet
          key={tag}
          title={fleetText.facetTag(tag)}
          choices={facets.tags
            .filter(({ name }) => name === tag)
            .map(({ value, count }) => ({ field: 'tag', value: `${tag}=${value}`, count, label: value, name: value }))}
          {...editing}
        />
      ))}
    </div>
  );
}

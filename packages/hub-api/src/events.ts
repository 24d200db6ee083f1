import Type, { type Static } from 'typebox';
import { LogEntry, Progress } from './shapes.ts';

/** What subscribers of `/events/` hear, by the `event:` line of the stream; `data:` is the JSON shown here. */
export const HubEvent = Type.Union([
  Type.Object({
    type: Type.Literal('device'),
    what: Type.Union([
      Type.Literal('created'),
      Type.Literal('claimed'),
      Type.Literal('changed'),
      Type.Literal('device-meta'),
      Type.Literal('user-meta'),
      Type.Literal('removed'),
    ]),
    device: Type.String({ description: '24 hex digits' }),
  }),
  Type.Object({
    type: Type.Literal('step'),
    what: Type.Union([
      Type.Literal('created'),
      Type.Literal('progress'),
      Type.Literal('state'),
      Type.Literal('meta'),
      Type.Literal('cancelled'),
    ]),
    device: Type.String(),
    rev: Type.Integer(),
    progress: Type.Optional(Progress),
  }),
  Type.Object({ type: Type.Literal('log'), device: Type.String(), entries: Type.Array(LogEntry) }),
  Type.Object({
    type: Type.Literal('lost'),
    device: Type.String({ description: 'empty: events were missed, read everything again' }),
  }),
]);
export type HubEvent = Static<typeof HubEvent>;

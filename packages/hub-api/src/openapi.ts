import { catalogue } from './catalogue.ts';
import { errorCodes } from './error-codes.ts';
import type { Route } from './route.ts';
import { Failure } from './shapes.ts';

const security: Record<Route['access'], object[] | undefined> = {
  open: [],
  signed: [],
  optional: [{}, { bearer: [] }],
  token: [{ bearer: [] }],
  operator: [{ operator: [] }],
};

/**
 * The API document, made from the catalogue.
 * @returns OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0) as plain data
 */
export function openApiDocument(info: { title: string; version: string }, routes: readonly Route[] = catalogue) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([a-z]+)/gi, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info,
    paths,
    components: {
      schemas: { Failure },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        operator: { type: 'http', scheme: 'basic' },
      },
    },
    'x-error-codes': Object.fromEntries(
      Object.entries(errorCodes).map(([code, [status, meaning]]) => [code, { status, meaning }]),
    ),
  };
}

function operation(route: Route) {
  const properties = (route.query as { properties?: Record<string, unknown> } | undefined)?.properties ?? {};
  const inPath = [...route.path.matchAll(/:([a-z]+)/gi)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
  const type = route.style === 'raw' ? 'text/plain' : 'application/json';
  return {
    operationId: route.id,
    tags: [route.id.split('.')[0]],
    summary: route.summary,
    parameters: [...inPath, ...inQuery],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyOptional !== true,
            content: { 'application/json': { schema: route.body } },
          },
        }),
    responses: {
      200: { description: 'done', content: { [type]: { schema: route.response } } },
      default: {
        description: 'refused',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
      },
    },
    security: security[route.access],
    ...(route.scopes === undefined ? {} : { 'x-scopes': ['all', ...route.scopes] }),
    ...(route.callers === undefined ? {} : { 'x-callers': route.callers }),
  };
}

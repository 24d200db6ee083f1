/** A page that shows the API document: routes by resource, with parameters, shapes and scopes. It needs nothing from elsewhere. */
export function referencePage(): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pantahub API</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
  nav a { margin-right: .8rem; }
  details { border-bottom: 1px solid #8884; padding: .3rem 0; }
  summary { cursor: pointer; }
  .method { display: inline-block; width: 4.5rem; font-weight: 600; }
  code, pre { font: 13px/1.4 ui-monospace, monospace; }
  pre { overflow: auto; background: #8881; padding: .6rem; }
  input { font: inherit; width: 100%; padding: .3rem; margin: .6rem 0; }
</style>
<h1>pantahub API</h1>
<p>The same as data: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<input id="search" type="search" placeholder="search routes" aria-label="search routes">
<nav id="nav"></nav>
<main id="main">Loading the API document…</main>
<script>
const element = (name, text, parent) => { const made = document.createElement(name); if (text) made.textContent = text; parent?.append(made); return made; };
const block = (title, value, parent) => { if (!value) return; element('h4', title, parent); element('pre', JSON.stringify(value, null, 2), parent); };
fetch('openapi.json').then((answer) => answer.json()).then((api) => {
  const main = document.getElementById('main'); main.textContent = '';
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) for (const [method, route] of Object.entries(methods)) {
    const tag = route.tags[0];
    if (!groups.has(tag)) { const section = element('section', '', main); section.id = tag; element('h2', tag, section); groups.set(tag, section);
      const link = element('a', tag, document.getElementById('nav')); link.href = '#' + tag; }
    const details = element('details', '', groups.get(tag)); const summary = element('summary', '', details);
    const name = element('span', method.toUpperCase(), summary); name.className = 'method';
    element('code', path, summary); element('span', ' ' + route.summary, summary);
    element('p', 'Access: ' + (route.security.length === 0 ? 'open' : route.security.flatMap(Object.keys).join(' or ') || 'open')
      + (route['x-scopes'] ? ' · scopes: ' + route['x-scopes'].join(' or ') : '') + (route['x-callers'] ? ' · callers: ' + route['x-callers'].join(', ') : ''), details);
    if (route.parameters.length) block('Parameters', route.parameters, details);
    block('Body', route.requestBody?.content['application/json'].schema, details);
    block('Answer', Object.values(route.responses[200].content)[0].schema, details);
  }
  const codes = element('section', '', main); element('h2', 'Failure codes', codes);
  for (const [code, { status, meaning }] of Object.entries(api['x-error-codes'])) { const line = element('p', '', codes); element('code', status + ' ' + code, line); element('span', ' ' + meaning, line); }
  document.getElementById('search').oninput = (event) => { const text = event.target.value.toLowerCase();
    for (const details of document.querySelectorAll('details')) details.hidden = !details.textContent.toLowerCase().includes(text); };
}).catch((error) => { document.getElementById('main').textContent = 'Cannot load the API document: ' + error; });
</script>
</html>
`;
}

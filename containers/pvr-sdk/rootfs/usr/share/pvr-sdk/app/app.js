/** The page of a device: what runs, a transaction, logs. Everything it shows comes as text, never as markup. */

const at = (id) => document.getElementById(id);
const api = '/cgi-bin/pvtx/';

/** Asks the device. @throws Error with its words */
async function ask(method, path, body) {
  const answer = await fetch(api + path, { method, body });
  const text = await answer.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the device answered with status ${answer.status}`);
  }
  if (!answer.ok) {
    const wait = answer.headers.get('Retry-After');
    throw Object.assign(new Error((value.error || value.Error || text) + (wait ? `; try again in ${wait} s` : '')), {
      value,
    });
  }
  return value;
}

function say(text, isBad) {
  at('message').textContent = text;
  at('message').className = isBad ? 'bad' : '';
}

/** Parts of a state: names before the first slash, with how many files each has. */
function partsOf(state) {
  const parts = new Map();
  for (const key of Object.keys(state)) {
    const [name] = key.replace(/^_config\//, '').split('/');
    if (key === '#spec' || name === '_sigs' || !key.includes('/')) continue;
    parts.set(name, (parts.get(name) || 0) + 1);
  }
  return [...parts].sort();
}

function list(id, state, isDraft) {
  const rows = partsOf(state).map(([name, files]) => {
    const row = document.createElement('li');
    const text = document.createElement('span');
    text.textContent = `${name} (${files} ${files === 1 ? 'file' : 'files'})`;
    row.append(text);
    if (isDraft) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'Remove';
      button.setAttribute('aria-label', `Remove ${name}`);
      button.onclick = () => change(() => ask('PUT', `remove?part=${encodeURIComponent(name)}`), `${name} is removed`);
      row.append(button);
    }
    return row;
  });
  at(id).replaceChildren(...rows);
}

function showDraft(state) {
  at('idle').hidden = state !== null;
  at('active').hidden = state === null;
  if (state === null) return;
  list('draft', state, true);
  at('state').value = JSON.stringify(state, undefined, 2);
}

/** One change of the transaction, with everything else held back meanwhile. */
async function change(work, done) {
  const buttons = [...document.querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
  say('…');
  try {
    showDraft(await work());
    say(done);
  } catch (error) {
    say(error.message, true);
  } finally {
    for (const button of document.querySelectorAll('button')) button.disabled = false;
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Makes a revision, runs it, and tells how far it is until it has come to an end. */
async function commitAndRun() {
  const { revision } = await ask('POST', 'commit');
  await ask('POST', `run?rev=${encodeURIComponent(revision)}`);
  const bar = at('progress');
  bar.hidden = false;
  try {
    for (let misses = 0; misses < 120; ) {
      // The device may restart meanwhile: then nobody answers for a time.
      const status = await ask('GET', `status?rev=${encodeURIComponent(revision)}`).catch(() => undefined);
      if (!status) misses += 1;
      else {
        const { progress } = status;
        bar.value = progress.progress || 0;
        say(`${revision}: ${progress.status}, ${progress['status-msg'] || ''}`);
        if (['DONE', 'UPDATED'].includes(progress.status)) return null;
        if (['ERROR', 'WONTGO'].includes(progress.status)) throw new Error(at('message').textContent);
      }
      await pause(1000);
    }
    throw new Error(`${revision}: the device does not answer any more`);
  } finally {
    bar.hidden = true;
    await showDevice().catch(() => {});
  }
}

async function showDevice() {
  const [{ rev, progress }, { device }] = await Promise.all([ask('GET', 'status'), ask('GET', 'get-config')]);
  at('summary').textContent = `Revision ${rev}: ${progress.status || ''} ${progress['status-msg'] || ''}`;
  const shown = { Revision: rev };
  for (const [label, key] of [
    ['Status', 'pantavisor.status'],
    ['Version', 'pantavisor.version'],
    ['Machine', 'pantavisor.arch'],
    ['Mode', 'pantavisor.mode'],
    ['Hub', 'pantahub.state'],
  ])
    if (typeof device[key] === 'string' && device[key] !== '') shown[label] = device[key];
  at('device').replaceChildren(
    ...Object.entries(shown).flatMap(([label, value]) => {
      const [term, text] = ['dt', 'dd'].map((name) => document.createElement(name));
      term.textContent = label;
      text.textContent = value;
      return [term, text];
    }),
  );
  const state = await (await fetch('/cgi-bin/pvr/json')).json();
  list('parts', state, false);
  const sources = [
    'pantavisor',
    ...partsOf(state)
      .map(([name]) => name)
      .filter((name) => `${name}/run.json` in state && name !== 'bsp'),
  ];
  const before = at('source').value;
  at('source').replaceChildren(...sources.map((name) => new Option(name, name, false, name === before)));
}

let following;
async function showLog() {
  following?.abort();
  const stop = new AbortController();
  following = stop;
  const lines = at('lines');
  lines.value = '';
  const source = encodeURIComponent(at('source').value);
  const follow = at('follow').checked ? '&follow=true' : '';
  try {
    const answer = await fetch(`/cgi-bin/logs?source=${source}&tailn=200${follow}`, { signal: stop.signal });
    if (!answer.ok) throw new Error((await answer.json()).Error);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      // What is older than this nobody reads here.
      lines.value = (lines.value + next.value).slice(-200_000);
      lines.scrollTop = lines.scrollHeight;
    }
  } catch (error) {
    if (!stop.signal.aborted) lines.value += `\n${error.message}`;
  }
}

at('begin').onclick = () =>
  change(() => ask('POST', 'begin'), 'Nothing happens to the device before a revision is made.');
at('begin-empty').onclick = () => change(() => ask('POST', 'begin?empty=true'), 'An empty state');
at('abort').onclick = () => change(() => ask('POST', 'abort').then(() => null), 'Given up; the device is as it was.');
at('commit').onclick = () => change(commitAndRun, 'The device runs the new revision.');
at('file').onchange = () => {
  const [file] = at('file').files;
  if (file)
    change(() => ask('PUT', 'add', file), `${file.name} is added`).then(() => {
      at('file').value = '';
    });
};
at('source').onchange = showLog;
at('follow').onchange = showLog;

ask('GET', 'show').then(showDraft, () => showDraft(null));
showDevice().then(showLog, (error) => {
  at('summary').textContent = error.message;
  at('summary').className = 'bad';
});

#!/bin/sh
# The page: which container of which revision serves it, and for how long.

# The directory of a container's logs carries the revision in its path (logs/REVISION/CONTAINER), and the mount table shows it.
revision=$(sed -n "s#.*/logs/\(.*\)/$(hostname) /pantavisor/logs .*#\1#p" /proc/self/mountinfo)

# Field 22 of /proc/1/stat: when init started, in hundredths of a second since the machine did.
started=$(sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20)
now=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
uptime=$(((now - started) / 100))

# Kept on a permanent volume: survives restarts, updates and rollbacks.
visits=$(($(cat /var/lib/web/visits 2>/dev/null || echo 0) + 1))
echo $visits >/var/lib/web/visits

printf 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n'
cat <<PAGE
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$(hostname) · revision ${revision:-unknown}</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#16202c, #e8edf3); --soft: light-dark(#5b6b7c, #9aa9b8);
  --paper: light-dark(#f6f8fa, #10161d); --card: light-dark(#fff, #18212b); --line: light-dark(#dfe5eb, #2a3642); --accent: light-dark(#0a7d5a, #3ddca5); }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 2rem; width: min(26rem, calc(100vw - 6rem)); }
h1 { margin: 0 0 1.25rem; font-size: 1.25rem; }
h1::before { content: ""; display: inline-block; width: .6rem; height: .6rem; margin-right: .6rem; border-radius: 50%; background: var(--accent); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem 1.5rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
p { margin: 1.5rem 0 0; color: var(--soft); font-size: .875rem; }
</style>
</head>
<body>
<main>
<h1>${PAGE_TITLE:-A container on a Pantavisor device}</h1>
<dl>
<dt>Container</dt><dd id="container">$(hostname)</dd>
<dt>Revision</dt><dd id="revision">${revision:-unknown}</dd>
<dt>Uptime</dt><dd id="uptime">${uptime} s</dd>
<dt>Page views</dt><dd id="visits">${visits}</dd>
</dl>
<p>Page views are kept on a permanent volume; everything else is new with each start of the container.</p>
</main>
</body>
</html>
PAGE

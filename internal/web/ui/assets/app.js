// What HTML alone cannot give: clocks, the palette, keys, theme. No inline script, no eval; pages read
// and forms post without any of it.
const $ = (s, r = document) => r.querySelector(s);
const $$ = (s, r = document) => [...r.querySelectorAll(s)];
const root = document.documentElement;
const keep = (k, v) => { document.cookie = `${k}=${encodeURIComponent(v)};path=/;max-age=31536000;samesite=lax`; };

// The reader's zone: the server draws in it from the next request on.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) keep('tz', zone);

function say(text) { const n = $('#say'); if (n) n.textContent = text; }

// Theme: system, light, dark. Kept in a cookie so that the server's first paint is right.
function nextTheme(button) {
  const order = ['', 'light', 'dark'];
  const next = order[(order.indexOf(root.dataset.theme || '') + 1) % 3];
  if (next) root.dataset.theme = next; else delete root.dataset.theme;
  keep('theme', next);
  button.setAttribute('aria-label', 'Theme: ' + (next || 'system'));
}

document.addEventListener('click', e => {
  const b = e.target.closest('[data-act]');
  if (!b) return;
  if (b.dataset.act === 'theme') nextTheme(b);
  if (b.dataset.act === 'palette') openPalette();
  if (b.dataset.act === 'copy') navigator.clipboard?.writeText(location.href).then(() => { say('Link copied'); b.lastChild.textContent = ' Link copied'; });
  if (b.dataset.act === 'keys') setKeys(!keysOn());
});

// Filters apply on change where the form says so.
document.addEventListener('change', e => { if (e.target.closest('form[data-auto]')) e.target.form.requestSubmit(); });

// One timer for every clock of the page. The server's time travels in the page, so that a wrong clock
// of the reader's does no harm.
const skew = (Date.parse(root.dataset.now) || Date.now()) - Date.now();
const two = n => String(n).padStart(2, '0');
function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return (s >= 3600 ? Math.floor(s / 3600) + ':' + two(Math.floor(s / 60) % 60) : two(Math.floor(s / 60))) + ':' + two(s % 60);
}
function tick() {
  const now = Date.now() + skew;
  for (const n of $$('[data-since]')) n.textContent = clock(now - Date.parse(n.dataset.since));
  for (const n of $$('[data-over]')) n.textContent = clock(now - Date.parse(n.dataset.over));
  for (const n of $$('[data-until]')) n.textContent = clock(Date.parse(n.dataset.until) - now);
  grow(now);
}
setInterval(tick, 1000);

// The now line and growing bars move together. Only SVG attributes are set, never style, so that the
// policy needs no exception; rows that the stream replaced fall into line.
function grow(now = Date.now() + skew) {
  const t = $('.tline');
  if (!t) return;
  const s = (now - Date.parse(t.dataset.start)) / 1000;
  const seg = JSON.parse(t.dataset.axis).find(a => s <= a[1]);
  if (!seg) return;
  const x = Math.max(seg[2], seg[2] + (seg[3] - seg[2]) * (s - seg[0]) / (seg[1] - seg[0])), p = x.toFixed(2) + '%';
  for (const n of $$('.lane .nowl', t)) { n.setAttribute('x1', p); n.setAttribute('x2', p); }
  for (const n of $$('[data-grow]', t)) n.setAttribute('width', Math.max(0, x - parseFloat(n.getAttribute('x'))).toFixed(2) + '%');
}

// The state of the live connection.
function live(on, text) { for (const n of $$('.live')) { n.dataset.state = on ? 'on' : 'off'; $('span', n).textContent = text; } }
document.addEventListener('htmx:sse:after:connection', () => live(true, 'Live'));
document.addEventListener('htmx:sse:before:connection', e => { if (e.detail.connection?.attempt > 0 && !document.hidden) live(false, 'Reconnecting. Figures may be old.'); });
document.addEventListener('htmx:sse:error', () => live(false, 'Reconnecting. Figures may be old.'));
document.addEventListener('htmx:response:error', e => { if (e.target.matches?.('[hx-sse\\:connect]')) live(false, 'Not live. Reload to try again.'); });

// The palette: pages, or a search for what was typed.
const dlg = $('#palette');
let at = 0;
function openPalette() { if (!dlg) return; dlg.showModal(); const i = $('input', dlg); i.value = ''; filter(''); i.focus(); }
function filter(text) {
  const v = text.trim().toLowerCase();
  for (const li of $$('li[data-k]', dlg)) li.hidden = v !== '' && !li.dataset.k.includes(v);
  const find = $('li[data-find]', dlg);
  if (find) {
    find.hidden = v === '';
    const id = v.match(/^([ct])-?(\d+)$/);
    find.dataset.url = id ? (id[1] === 'c' ? '/cases/C-' : '/tasks?sel=T-') + id[2] : '/cases?q=' + encodeURIComponent(text.trim());
    $('span', find).textContent = id ? 'Open ' + v.toUpperCase() : 'Search cases for “' + text.trim() + '”';
  }
  mark(0);
}
function mark(i) {
  for (const li of $$('li[aria-selected=true]', dlg)) li.setAttribute('aria-selected', false);
  const all = $$('li:not([hidden])', dlg);
  at = Math.max(0, Math.min(i, all.length - 1));
  all[at]?.setAttribute('aria-selected', true);
  all[at]?.scrollIntoView({ block: 'nearest' });
  $('input', dlg).setAttribute('aria-activedescendant', all[at]?.id || '');
}
dlg?.addEventListener('input', e => filter(e.target.value));
dlg?.addEventListener('keydown', e => {
  if (e.key === 'ArrowDown') { mark(at + 1); e.preventDefault(); }
  if (e.key === 'ArrowUp') { mark(at - 1); e.preventDefault(); }
  if (e.key === 'Enter' && e.target.matches('input')) { $('li[aria-selected=true]', dlg)?.click(); e.preventDefault(); }
});
dlg?.addEventListener('click', e => {
  const url = e.target.closest('li')?.dataset.url;
  if (url) location.href = url;
  if (e.target === dlg) dlg.close();
});

// Single keys can be turned off (WCAG 2.1.4).
const keysOn = () => localStorage.getItem('keys') !== 'off';
function setKeys(on) {
  localStorage.setItem('keys', on ? 'on' : 'off');
  const b = $('[data-act=keys]');
  if (b) b.textContent = on ? 'Turn single keys off' : 'Turn single keys on';
}
if (!keysOn()) setKeys(false);

const go = { o: '/', c: '/cases', t: '/tasks', w: '/waves', s: '/systems', a: '/audit' };
let pending = '', row = -1;
function moveTo(i) {
  const rows = $$('[data-row]');
  if (!rows.length) return;
  row = Math.max(0, Math.min(rows.length - 1, i));
  rows.forEach((r, k) => r.classList.toggle('cur', k === row));
  const link = rows[row].matches('a') ? rows[row] : $('a', rows[row]);
  link?.focus({ preventScroll: true });
  rows[row].scrollIntoView({ block: 'nearest' });
}
document.addEventListener('keydown', e => {
  if ((e.metaKey || e.ctrlKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); openPalette(); return; }
  if (!keysOn() || dlg?.open || e.metaKey || e.ctrlKey || e.altKey || e.target.matches('input,select,textarea')) return;
  if (pending === 'g' && go[e.key]) { location.href = go[e.key]; pending = ''; return; }
  pending = e.key === 'g' ? 'g' : '';
  if (e.key === '?') openPalette();
  if (e.key === '/') { const q = $('main input[type=search]'); if (q) { q.focus(); e.preventDefault(); } }
  if (e.key === 'j') moveTo(row + 1);
  if (e.key === 'k') moveTo(row - 1);
});
document.addEventListener('htmx:after:swap', e => { if (!e.target.matches?.('[hx-sse\\:connect]')) row = -1; grow(); });

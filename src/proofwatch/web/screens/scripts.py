"""What the browser is asked to do on a page: to say what stands there, and to draw the band above it.

Only these run: the page's own scripts are off. They read by `innerText` and write by `textContent`, so
that nothing of a page, and nothing in the band, is ever read as markup.
"""

READ = """() => {
  const made = document.querySelector('footer time')?.getAttribute('datetime');
  const moments = [...document.querySelectorAll('time')].filter(
    e => made && e.getAttribute('datetime') === made);
  const kept = moments.map(e => [...e.childNodes]);
  moments.forEach(e => e.replaceChildren('(now)'));
  const text = document.body.innerText;
  moments.forEach((e, at) => e.replaceChildren(...kept[at]));
  return {
    text, title: document.title,
    lists: [...document.querySelectorAll('section.list')].map(
      e => [e.getAttribute('aria-label') || '', e.querySelector('.count')?.innerText || '']),
    next: document.querySelector('a[rel=next]')?.getAttribute('href') || '',
    hidden: Math.max(0, ...[...document.querySelectorAll('.wide')].map(e => e.scrollWidth - e.clientWidth)),
  };
}"""
"""Text, title, counts and next page; the moment at which the page was made is left out of its text."""

STYLES = {
    "band": "display:block;background:#e9edf1;color:#1b222b;border-bottom:2px solid #1b222b;"
    "padding:10px 22px 11px;font:13px/1.5 Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere",
    "line": "display:flex;gap:28px;justify-content:space-between;align-items:baseline",
    "left": "min-width:0",
    "right": "text-align:right;min-width:0",
    "large": "font-size:15px;font-weight:650",
    "plain": "font-size:15px",
    "mark": "background:#1b222b;color:#fff;border-radius:3px;padding:1px 8px;margin-left:12px;"
    "font-size:12px;font-weight:600;letter-spacing:.06em",
    "moment": "font-size:15px;font-weight:650;white-space:nowrap",
    "title": "font-weight:600;min-width:0",
    "url": "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px;text-align:right;min-width:0",
    "more": "color:#8a4b00;font-weight:550",
}
"""Set by the object model, which the pages' policy allows; in the markup it would be refused."""

BAND = """([said, styles]) => {
  document.getElementById('proofwatch-band')?.remove();
  const put = (into, name, text, style) => {
    const made = document.createElement(name);
    made.style.cssText = styles[style];
    if (text) made.textContent = text;
    return into.appendChild(made);
  };
  const band = document.createElement('aside');
  band.id = 'proofwatch-band';
  band.style.cssText = styles.band;
  const first = put(band, 'div', '', 'line'), left = put(first, 'div', '', 'left');
  put(left, 'b', said.system, 'large');
  if (said.organization) put(left, 'span', ' · ' + said.organization, 'plain');
  if (said.mark) put(left, 'span', said.mark, 'mark');
  put(first, 'b', said.moment, 'moment');
  const second = put(band, 'div', '', 'line');
  put(second, 'b', said.title, 'title');
  put(second, 'span', said.url, 'url');
  const third = put(band, 'div', '', 'line');
  put(third, 'span', said.person, 'left');
  put(third, 'span', said.drawn, 'right');
  for (const more of said.more) put(band, 'div', more, 'more');
  document.body.prepend(band);
  return document.documentElement.scrollHeight;
}"""
"""Draw the band; return how high the whole page is then, in pixels."""

/**
 * Shows an e-mail in a frame that runs and loads nothing. Two things block scripts: the sandbox, and the page's
 * Content-Security-Policy, which the frame inherits. This policy also blocks inline styles, so they are removed from the
 * HTML and applied through the DOM. Pictures are replaced by their descriptions.
 */
import { useEffect, useRef, useState } from 'preact/hooks';

const BASE_STYLE =
  'body{margin:12px;font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;overflow-wrap:anywhere}img{max-width:100%}';
const DROPPED = 'script,iframe,object,embed,link,meta,base,form,video,audio,source,svg,noscript';
const HEIGHT_MIN = 120;
const HEIGHT_MAX = 900;
/** Names of styles and handlers during parsing. Under their real names, the browser would report each as blocked. */
const STYLE_TAG = 'fanfare-style';
const STYLE_ATTRIBUTE = 'data-fanfare-style';

const HANDLER_ATTRIBUTE = 'data-fanfare-on';

function renameBarred(html: string): string {
  return html
    .replaceAll(/<(\/?)style\b/gi, `<$1${STYLE_TAG}`)
    .replaceAll(/([\s"'])style(\s*=)/gi, `$1${STYLE_ATTRIBUTE}$2`)
    .replaceAll(/([\s"'/])on(\w+\s*=)/gi, `$1${HANDLER_ATTRIBUTE}$2`);
}

export function EmailFrame({ html }: { readonly html: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(320);
  useEffect(() => {
    const { contentDocument: target, contentWindow: view } = frame.current ?? {};
    if (!target || !view) return;
    fill(target, html);
    const { bottom } = target.body.getBoundingClientRect();
    setHeight(Math.min(HEIGHT_MAX, Math.max(HEIGHT_MIN, Math.ceil(bottom) + 16)));
  }, [html]);
  return (
    <iframe
      ref={frame}
      class="email-frame"
      title="E-mail preview"
      sandbox="allow-same-origin"
      style={{ height: `${height}px` }}
    />
  );
}

function fill(target: Document, html: string): void {
  const source = new DOMParser().parseFromString(renameBarred(html), 'text/html');
  const styles = [...source.querySelectorAll(STYLE_TAG)].map((each) => each.textContent);
  for (const each of source.querySelectorAll(`${DROPPED},${STYLE_TAG}`)) each.remove();
  for (const picture of source.querySelectorAll('img')) describePicture(picture);
  const body = target.importNode(source.body, true);
  const inline: [HTMLElement, string][] = [];
  for (const each of body.querySelectorAll<HTMLElement>('*')) clean(each, inline);
  clean(body, inline);
  target.body.replaceWith(body);
  restoreWords(target);
  for (const [element, style] of inline) element.style.cssText = withoutUrls(style);
  const view = target.defaultView as (Window & typeof globalThis) | null;
  if (view === null) return;
  target.adoptedStyleSheets = [BASE_STYLE, ...styles].map((text) => {
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(withoutUrls(text ?? ''));
    return sheet;
  });
}

/** Restores text that looked like a style or a handler. */
function restoreWords(target: Document): void {
  const walker = target.createTreeWalker(target.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode())
    if (node.nodeValue?.includes('data-fanfare-') === true)
      node.nodeValue = node.nodeValue.replaceAll('data-fanfare-', '');
}

/** Removes attributes that load, run or navigate. Collects the style for later. */
function clean(element: HTMLElement, inline: [HTMLElement, string][]): void {
  const style = element.getAttribute(STYLE_ATTRIBUTE);
  if (style !== null) inline.push([element, style]);
  for (const name of element.getAttributeNames())
    if (/^on|^data-fanfare-|^(style|src|srcset|background|action|formaction|ping)$/i.test(name))
      element.removeAttribute(name);
  if (element instanceof HTMLAnchorElement || element.tagName === 'A') {
    element.setAttribute('title', element.getAttribute('href') ?? '');
    element.removeAttribute('href');
    element.style.textDecoration = 'underline';
  }
}

function describePicture(picture: HTMLImageElement): void {
  const words = picture.getAttribute('alt') ?? '';
  // A picture without a description may be there to count readers.
  const text = words === '' ? '' : `[${words}]`;
  picture.replaceWith(text);
}

const withoutUrls = (css: string) => css.replaceAll(/@import[^;]*;?|url\([^)]*\)/gi, '');

/** The dashboard: a client of the API that runs in a browser. Looks up the session, and shows the page of the URL. */
import { render } from 'preact';
import { App } from './app.tsx';
import '@fontsource-variable/public-sans/wght.css';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';

const root = document.getElementById('app');
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}

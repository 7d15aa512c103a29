/** A modal dialog of the browser: it keeps the focus inside and closes with Escape. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button, Notice } from './parts.tsx';
import { useAction } from '../hooks.ts';

export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={props.onClose}>
      <h2 id={id}>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** Asks for confirmation of an action that cannot be undone. */
export function Confirm(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly word: string;
  readonly tone?: 'main' | 'danger';
  readonly action: () => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const action = useAction();
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <div class="dialog-text">{props.children}</div>
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
      <div class="dialog-actions">
        <Button onClick={props.onClose}>Not now</Button>
        <Button
          tone={props.tone ?? 'danger'}
          isBusy={action.isBusy}
          onClick={async () => {
            if (await action.run(props.action)) props.onClose();
          }}
        >
          {props.word}
        </Button>
      </div>
    </Dialog>
  );
}

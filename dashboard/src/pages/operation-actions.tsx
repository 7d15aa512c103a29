/** Actions of an operation: pause, resume, cancel, send again, export. */
import { useState } from 'preact/hooks';
import { client } from '../api.ts';
import { isOpen, type AnyOperation, type Kind } from '../counters.ts';
import { exportMessages } from '../export.ts';
import { formatNumber, plural } from '../format.ts';
import { useAction } from '../hooks.ts';
import { linkTo } from '../router.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Button, Notice } from '../ui/parts.tsx';

export function Actions(props: {
  readonly kind: Kind;
  readonly operation: AnyOperation;
  readonly onChange: (operation: AnyOperation) => void;
}) {
  const { kind, operation, onChange } = props;
  const calls = client[kind];
  const action = useAction();
  const [isAsking, setAsking] = useState(false);
  const { stats, id } = operation;
  const failed = stats.failed + stats.undelivered;
  const waiting = stats.queued + stats.scheduled;
  const change = (how: 'pauseOperation' | 'resumeOperation') =>
    action.run(async () => onChange(await calls[how](id)));
  return (
    <div class="actions">
      {isOpen(operation) &&
        (operation.pausedAt === null ? (
          <Button isBusy={action.isBusy} onClick={() => void change('pauseOperation')}>
            <Icon name="pause" /> Pause
          </Button>
        ) : (
          <Button tone="main" isBusy={action.isBusy} onClick={() => void change('resumeOperation')}>
            <Icon name="play" /> Resume
          </Button>
        ))}
      {isOpen(operation) && waiting > 0 && (
        <Button tone="danger" onClick={() => setAsking(true)}>
          <Icon name="close" /> Cancel
        </Button>
      )}
      {failed > 0 && kind === 'messages' && (
        <a class="button" href={linkTo(['compose'], { again: id })}>
          <Icon name="again" /> Send again to {plural(failed, 'recipient')}
        </a>
      )}
      <Export kind={kind} operation={operation} />
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
      {isAsking && (
        <Confirm
          title="Cancel this operation?"
          word={`Cancel ${plural(waiting, 'message')}`}
          action={async () => onChange(await calls.cancelOperation(id))}
          onClose={() => setAsking(false)}
        >
          <p>
            This stops {formatNumber(waiting)} of {plural(stats.total, 'message')}. Messages that
            were already submitted to a carrier are not affected. This cannot be undone.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function Export({ kind, operation }: { readonly kind: Kind; readonly operation: AnyOperation }) {
  const action = useAction();
  const [count, setCount] = useState(0);
  return (
    <>
      <Button
        isBusy={action.isBusy}
        disabled={operation.stats.recipients === 0}
        onClick={() => void action.run(() => exportMessages(kind, operation.id, setCount))}
      >
        <Icon name="download" />
        {action.isBusy ? `Exporting… ${plural(count, 'row')}` : 'Export CSV'}
      </Button>
      {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
    </>
  );
}

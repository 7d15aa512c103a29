/** A form to add or edit a sender. */
import { useState } from 'preact/hooks';
import type { Sender } from '@fanfare/client';
import { client } from '../api.ts';
import { useAction } from '../hooks.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Button, Field, Notice } from '../ui/parts.tsx';

const CHANNELS = ['SMS', 'RCS', 'WHATSAPP', 'EMAIL'] as const;

export function SenderForm(props: {
  readonly sender: Sender | null;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { sender } = props;
  const action = useAction();
  const [values, setValues] = useState({
    address: sender?.address ?? '',
    channel: sender?.channel ?? 'SMS',
    displayName: sender?.displayName ?? '',
    carrier: sender?.carrier ?? '',
    throughput: sender?.throughput?.toString() ?? '',
    throughputUnit: sender?.throughputUnit ?? 'SEGMENTS',
    dailyCap: sender?.dailyCap?.toString() ?? '',
    quietStart: sender?.quietHours?.start ?? '',
    quietEnd: sender?.quietHours?.end ?? '',
    isActive: sender?.status !== 'DEACTIVATED',
    isDefault: sender?.default ?? false,
  });
  type Values = typeof values;
  const text = (name: keyof Values) => ({
    value: String(values[name]),
    onInput: (event: Event) =>
      setValues({ ...values, [name]: (event.currentTarget as HTMLInputElement).value }),
  });
  const tick = (name: 'isActive' | 'isDefault') => ({
    checked: values[name],
    onChange: () => setValues({ ...values, [name]: !values[name] }),
  });

  const { quietStart: start, quietEnd: end } = values;
  /** Both ends or none: the form asks for the other one. */
  const hasQuietHours = start !== '' || end !== '';

  async function save(): Promise<void> {
    const common = {
      displayName: values.displayName.trim() || null,
      status: values.isActive ? ('ACTIVATED' as const) : ('DEACTIVATED' as const),
      default: values.isDefault,
      throughput: values.throughput === '' ? null : Number(values.throughput),
      throughputUnit: values.throughputUnit,
      dailyCap: values.dailyCap === '' ? null : Number(values.dailyCap),
      quietHours: hasQuietHours ? { start, end } : null,
      ...(values.carrier.trim() === '' ? {} : { carrier: values.carrier.trim() }),
    };
    if (sender === null)
      await client.senders.create({
        ...common,
        address: values.address.trim(),
        channel: values.channel,
      });
    else await client.senders.update(sender.id, common);
    props.onDone();
    props.onClose();
  }

  return (
    <Dialog
      title={sender === null ? 'New sender' : `Edit ${sender.address}`}
      onClose={props.onClose}
    >
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(save);
        }}
      >
        {sender === null && (
          <>
            <Field label="Address" hint="A phone number, short code, RCS agent or e-mail address.">
              {(ids) => <input {...ids} {...text('address')} class="mono" required />}
            </Field>
            <Field label="Channel">
              {(ids) => (
                <select {...ids} {...text('channel')}>
                  {CHANNELS.map((channel) => (
                    <option key={channel}>{channel}</option>
                  ))}
                </select>
              )}
            </Field>
          </>
        )}
        <Field label="Name (optional)">
          {(ids) => <input {...ids} {...text('displayName')} />}
        </Field>
        <Field label="Carrier" hint="Optional if only one carrier supports the channel.">
          {(ids) => <input {...ids} {...text('carrier')} class="mono" />}
        </Field>
        <Field label="Throughput per second" hint="Leave empty for no limit.">
          {(ids) => <input {...ids} {...text('throughput')} type="number" min="0.001" step="any" />}
        </Field>
        <Field label="Unit">
          {(ids) => (
            <select {...ids} {...text('throughputUnit')}>
              <option value="SEGMENTS">Segments</option>
              <option value="MESSAGES">Messages</option>
            </select>
          )}
        </Field>
        <Field label="Daily limit" hint="In this unit, per day in UTC. Leave empty for no limit.">
          {(ids) => <input {...ids} {...text('dailyCap')} type="number" min="1" step="1" />}
        </Field>
        <Field label="Quiet hours start">
          {(ids) => <input {...ids} {...text('quietStart')} type="time" required={hasQuietHours} />}
        </Field>
        <Field label="Quiet hours end" hint="In the recipient’s local time.">
          {(ids) => <input {...ids} {...text('quietEnd')} type="time" required={hasQuietHours} />}
        </Field>
        <label class="check-field">
          <input type="checkbox" {...tick('isActive')} /> Active
        </label>
        <label class="check-field">
          <input type="checkbox" {...tick('isDefault')} /> Default sender of its channel
        </label>
        <div class="whole">
          {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
          <div class="dialog-actions">
            <Button onClick={props.onClose}>Not now</Button>
            <Button type="submit" tone="main" isBusy={action.isBusy}>
              Save
            </Button>
          </div>
        </div>
      </form>
    </Dialog>
  );
}

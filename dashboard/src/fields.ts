/** Names the field of a page that an error of the API is about: users do not know the API's names. */

/** Labels of fields, by the API's names. */
const LABELS: Readonly<Record<string, string>> = {
  address: 'Address',
  addresses: 'Addresses',
  carrier: 'Carrier',
  channel: 'Channel',
  dailyCap: 'Daily limit',
  description: 'Description',
  displayName: 'Name',
  endDate: 'To',
  expiresAt: 'Expires',
  from: 'From',
  html: 'HTML',
  media: 'Picture or file URL',
  name: 'Name',
  quietHours: 'Quiet hours',
  reason: 'Reason',
  schedule: 'Date and time',
  scopes: 'Permissions',
  startDate: 'From',
  subject: 'Subject',
  tags: 'Tags',
  text: 'Text',
  throughput: 'Throughput',
  to: 'Recipients',
  types: 'Event types',
  url: 'URL',
};

/** The label of the field that a JSON path such as `$.content.text` points to; null if no page has it. */
export function fieldOf(path: string): string | null {
  const name = path.split(/[^\w]+/).find((step) => Object.hasOwn(LABELS, step));
  return name === undefined ? null : (LABELS[name] ?? null);
}

/**
 * Finds addresses with several owners: left by versions that allowed them, or listed in a
 * configuration although an account has them.
 */
import { encodeTypeId } from '../../domain/ids.ts';
import type { Channel } from '../../domain/message.ts';
import type { Database } from '../database.ts';
import type { AuditScope, Finding } from './finding.ts';

interface ClaimRow {
  channel: Channel;
  carrier: string;
  /** The first owner's spelling. */
  address: string;
  /** Null is the configuration. */
  sids: (string | null)[];
  ids: (string | null)[];
  addresses: string[];
}

/**
 * Every address of a carrier that overlaps an address of another owner, with all owners, in the order in which they
 * receive.
 */
export async function auditSenders(
  database: Database,
  { senders }: AuditScope,
): Promise<Finding[]> {
  const { rows } = await database.query<ClaimRow>(
    `with claim as (
       select account_id, id, channel, carrier, address from sender where account_id is not null
       union all
       -- Without an id it is left out.
       select null, s.id, c.channel, c.carrier, c.address
       from unnest($1::channel[], $2::text[], $3::text[]) as c(channel, carrier, address)
         left join sender s on s.account_id is null and s.status = 'ACTIVATED'
           and s.channel = c.channel and s.carrier = c.carrier and s.address = c.address),
     ranked as (
       select *, sender_key(channel, address) as key, sender_scope(channel, sender_key(channel, address)) as scope,
         row_number() over (order by id is null, account_id is not null, id) as place from claim),
     conflict as (
       select distinct c.channel, c.carrier, c.scope, c.key
       from ranked c join ranked o on o.channel = c.channel and o.carrier = c.carrier and o.scope = c.scope
         and o.account_id is distinct from c.account_id and sender_keys_overlap(c.channel, c.key, o.key))
     select f.channel, f.carrier, (array_agg(c.address order by c.place))[1] as address, array_agg(a.sid order by c.place) as sids,
       array_agg(c.id order by c.place) as ids, array_agg(c.address order by c.place) as addresses
     from conflict f join ranked c on c.channel = f.channel and c.carrier = f.carrier and c.scope = f.scope
       and sender_keys_overlap(c.channel, c.key, f.key)
       left join account a on a.id = c.account_id
     group by f.channel, f.carrier, f.key order by f.channel, f.carrier, address`,
    [
      senders.map(({ channel }) => channel),
      senders.map(({ carrier }) => carrier),
      senders.map(({ address }) => address),
    ],
  );
  return rows.map(({ channel, carrier, address, sids, ids, addresses }) => {
    const owners = addresses.map((each, i) => describeOwner(sids[i], ids[i]) + `, as ${each}`);
    return {
      check: 'senders',
      where: `${channel} ${address} ${carrier}`,
      what: `This address has several owners: ${owners.join('; ')}. The first receives its inbound messages.`,
      advice:
        'Decide who owns it. Remove the other senders with "fanfare senders remove" and the credentials of each account, or from "senders" in the configuration and restart.',
      repair: null,
    };
  });
}

function describeOwner(sid: string | null = null, id: string | null = null): string {
  if (sid !== null && id !== null) return `account ${sid}, ${encodeTypeId('comms_sender', id)}`;
  return id === null ? 'the configuration, which is left out' : 'the configuration';
}

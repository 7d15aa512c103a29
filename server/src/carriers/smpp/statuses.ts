/**
 * The table of `command_status` values (SMPP 3.4, 5.1.3): name, description, and the result of a submission with this
 * answer.
 */
import { ERRORS, type ErrorName } from '../../domain/errors.ts';

/** `busy`: we are too fast. `temporary`: try again. `permanent`: refused. */
export type StatusKind = 'ok' | 'busy' | 'temporary' | 'permanent';

export interface StatusEntry {
  readonly status: number;
  readonly name: string;
  readonly words: string;
  readonly kind: StatusKind;
  /** The code of our error table. */
  readonly error: ErrorName;
}

type Row = readonly [number, string, string, StatusKind?, ErrorName?];

const ROWS: readonly Row[] = [
  [0x00, 'ESME_ROK', 'no error', 'ok'],
  [0x01, 'ESME_RINVMSGLEN', 'message length is invalid'],
  [0x02, 'ESME_RINVCMDLEN', 'command length is invalid'],
  [0x03, 'ESME_RINVCMDID', 'invalid command id'],
  [0x04, 'ESME_RINVBNDSTS', 'not allowed with this bind', 'temporary'],
  [0x05, 'ESME_RALYBND', 'already bound'],
  [0x06, 'ESME_RINVPRTFLG', 'invalid priority flag'],
  [0x07, 'ESME_RINVREGDLVFLG', 'invalid registered delivery flag'],
  [0x08, 'ESME_RSYSERR', 'system error', 'temporary'],
  [0x0a, 'ESME_RINVSRCADR', 'invalid source address', 'permanent', 'sender'],
  [0x0b, 'ESME_RINVDSTADR', 'invalid destination address', 'permanent', 'phoneNumber'],
  [0x0c, 'ESME_RINVMSGID', 'invalid message id'],
  [0x0d, 'ESME_RBINDFAIL', 'bind failed'],
  [0x0e, 'ESME_RINVPASWD', 'invalid password'],
  [0x0f, 'ESME_RINVSYSID', 'invalid system id'],
  [0x11, 'ESME_RCANCELFAIL', 'cancel failed'],
  [0x13, 'ESME_RREPLACEFAIL', 'replace failed'],
  [0x14, 'ESME_RMSGQFUL', 'message queue full', 'busy'],
  [0x15, 'ESME_RINVSERTYP', 'invalid service type'],
  [0x33, 'ESME_RINVNUMDESTS', 'invalid number of destinations'],
  [0x34, 'ESME_RINVDLNAME', 'invalid distribution list'],
  [0x40, 'ESME_RINVDESTFLAG', 'invalid destination flag'],
  [0x42, 'ESME_RINVSUBREP', 'invalid submit with replace'],
  [0x43, 'ESME_RINVESMCLASS', 'invalid esm_class'],
  [0x44, 'ESME_RCNTSUBDL', 'cannot submit to a distribution list'],
  [0x45, 'ESME_RSUBMITFAIL', 'submission failed', 'permanent', 'refused'],
  [0x48, 'ESME_RINVSRCTON', 'invalid source TON', 'permanent', 'sender'],
  [0x49, 'ESME_RINVSRCNPI', 'invalid source NPI', 'permanent', 'sender'],
  [0x50, 'ESME_RINVDSTTON', 'invalid destination TON', 'permanent', 'phoneNumber'],
  [0x51, 'ESME_RINVDSTNPI', 'invalid destination NPI', 'permanent', 'phoneNumber'],
  [0x53, 'ESME_RINVSYSTYP', 'invalid system type'],
  [0x54, 'ESME_RINVREPFLAG', 'invalid replace_if_present flag'],
  [0x55, 'ESME_RINVNUMMSGS', 'invalid number of messages'],
  [0x58, 'ESME_RTHROTTLED', 'throttled', 'busy'],
  [0x61, 'ESME_RINVSCHED', 'invalid scheduled time'],
  [0x62, 'ESME_RINVEXPIRY', 'invalid validity period', 'permanent', 'expired'],
  [0x63, 'ESME_RINVDFTMSGID', 'no such predefined message'],
  [0x64, 'ESME_RX_T_APPN', 'temporary application error', 'temporary'],
  [0x65, 'ESME_RX_P_APPN', 'permanent application error', 'permanent', 'refused'],
  [0x66, 'ESME_RX_R_APPN', 'rejected by the application', 'permanent', 'refused'],
  [0x67, 'ESME_RQUERYFAIL', 'query failed'],
  [0xc0, 'ESME_RINVOPTPARSTREAM', 'error in the optional part of the PDU'],
  [0xc1, 'ESME_ROPTPARNOTALLWD', 'optional parameter not allowed'],
  [0xc2, 'ESME_RINVPARLEN', 'invalid parameter length'],
  [0xc3, 'ESME_RMISSINGOPTPARAM', 'an optional parameter is missing'],
  [0xc4, 'ESME_RINVOPTPARAMVAL', 'invalid value of an optional parameter'],
  [0xfe, 'ESME_RDELIVERYFAILURE', 'delivery failed', 'permanent', 'refused'],
  [0xff, 'ESME_RUNKNOWNERR', 'unknown error', 'temporary'],
];

const BY_STATUS = new Map<number, StatusEntry>(
  ROWS.map(([status, name, words, kind = 'permanent', error = 'carrierFault']) => [
    status,
    { status, name, words, kind, error },
  ]),
);

/** The entry of a status. One that is not in the standard (reserved, or the SMSC vendor's own) is permanent. */
export function statusOf(status: number): StatusEntry {
  return (
    BY_STATUS.get(status) ?? {
      status,
      name: `0x${status.toString(16).padStart(8, '0')}`,
      words: 'a status of the SMSC’s own',
      kind: 'permanent',
      error: 'carrierFault',
    }
  );
}

/** A status for readers: `ESME_RINVDSTADR (0x0b): invalid destination address`. */
export function describeStatus(status: number): string {
  const { name, words } = statusOf(status);
  return name.startsWith('0x')
    ? `${name}: ${words}`
    : `${name} (0x${status.toString(16).padStart(2, '0')}): ${words}`;
}

/** The code of our error table for a status. */
export function errorCodeOf(status: number): number {
  return ERRORS[statusOf(status).error].code;
}

/**
 * Permanent refusals of a bind: wrong password, system id or type. Many SMSCs answer all of these with `ESME_RBINDFAIL`,
 * and also too many binds.
 */
export const PERMANENT_BIND_REFUSALS: ReadonlySet<number> = new Set([0x0d, 0x0e, 0x0f, 0x53]);

/** Statuses that we send ourselves. */
export const STATUS = {
  ok: 0x00,
  invalidMessageLength: 0x01,
  invalidLength: 0x02,
  invalidCommand: 0x03,
  invalidBind: 0x04,
  temporary: 0x64,
  invalidOptionalParameters: 0xc0,
} as const;

/** The meaning of refusals of mail servers, by the texts of well-known ones. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyRefusal, readEnhanced, type Refusal } from '../../src/carriers/smtp/replies.ts';

type Row = readonly [code: number, text: string, stage?: Refusal['stage'] | undefined];

const means = ([code, text, stage = 'content']: Row) => classifyRefusal({ code, text, stage });

/** We send too much, or our account may not: nothing is wrong with the e-mail. */
const WAIT: readonly Row[] = [
  // Providers that are paid in advance.
  [550, 'Insufficient credits', 'recipient'],
  [550, '5.7.1 Not enough credits to send this message', 'sender'],
  [554, 'Payment required: account balance is empty'],
  [550, 'Your credit balance is exhausted', 'recipient'],
  [550, 'Plan limit reached, please upgrade', 'recipient'],
  [550, '5.7.0 Your trial has expired', 'sender'],
  [451, 'Your subscription has expired'],
  // Gmail and Google Workspace.
  [
    550,
    '5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to https://support.google.com/a/answer/166852',
  ],
  [550, '5.4.5 Daily sending quota exceeded. x12-20020a170902 - gsmtp'],
  [550, '5.4.5 Daily SMTP relay limit exceeded for user. For more information', 'sender'],
  [550, '5.7.1 Daily SMTP relay limit exceeded for customer', 'sender'],
  [
    550,
    '5.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address',
  ],
  [421, '4.7.28 Our system has detected an unusual rate of unsolicited mail'],
  [450, '4.7.0 Too many recipients for this sender', 'recipient'],
  // Outlook.com, Exchange Online and Exchange.
  [
    550,
    "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
    'recipient',
  ],
  [
    554,
    '5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception',
  ],
  [550, '5.7.705 Access denied, tenant has exceeded threshold', 'recipient'],
  [
    550,
    '5.7.232 Your message can’t be sent because your trial tenant has exceeded its daily limit',
    'recipient',
  ],
  [451, '4.7.500 Server busy. Please try again later from [192.0.2.1]', 'recipient'],
  [
    451,
    '4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation',
    'sender',
  ],
  [432, '4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=x.prod.outlook.com]'],
  [
    421,
    'RP-001 The mail server IP connecting to Outlook.com server has exceeded the rate limit allowed',
    'sender',
  ],
  [
    421,
    '4.4.2 Message submission rate for this client has exceeded the configured limit',
    'sender',
  ],
  [452, '4.3.1 Insufficient system resources', 'sender'],
  // Yahoo and AOL.
  [
    421,
    '4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints',
    'sender',
  ],
  [554, 'Message not allowed - Sender has exceeded the hourly message limit'],
  // Postfix, its policy services, and relays made with it.
  [450, '4.7.1 Error: too much mail from 192.0.2.1', 'recipient'],
  [450, '4.7.1 Error: too many recipients from 192.0.2.1', 'recipient'],
  [421, '4.7.0 mail.example Error: too many connections from 192.0.2.1', 'sender'],
  [
    450,
    '4.7.1 <ada@example.org>: Recipient address rejected: Policy Rejection: Message delivery request rate quota exceeded',
    'recipient',
  ],
  [
    554,
    '5.7.1 <ada@example.org>: Recipient address rejected: Policy Rejection; Message Count Quota Exceeded',
    'recipient',
  ],
  [
    554,
    '5.7.1 <shop@example.com>: Sender address rejected: Sorry, you have exceeded your sending quota',
    'recipient',
  ],
  [554, '5.7.1 The sender has exceeded the limit of 400 rcpts per 24 hours', 'recipient'],
  [554, '5.7.1 Message rejected: limit of 400 rcpts per 24 hours reached'],
  [452, '4.3.1 Insufficient system storage', 'sender'],
  // Exim and cPanel.
  [
    550,
    'Domain example.com has exceeded the max emails per hour (150/150 (100%)) allowed. Message discarded.',
    'recipient',
  ],
  [
    550,
    'Domain example.com has exceeded the max defers and failures per hour (5/5 (100%)) allowed. Message discarded.',
    'recipient',
  ],
  [450, 'Sender rate overlimit - 105.2 / 1h', 'recipient'],
  [452, 'space shortage, please try later', 'sender'],
  [451, 'Rate limit exceeded, slow down', 'recipient'],
  // Amazon SES, SendGrid, Mailgun, SparkPost.
  [454, 'Throttling failure: Maximum sending rate exceeded.'],
  [454, 'Throttling failure: Daily message quota exceeded.'],
  [
    554,
    'Message rejected: Sending paused for this account. For more information, please check the inbox',
  ],
  [
    554,
    "Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail' on resource",
  ],
  [451, 'Authentication failed: Maximum credits exceeded', 'sender'],
  [550, '5.7.1 Account has reached its hourly sending limit'],
  [550, '5.2.0 exceeded your sending limit, see your account'],
  // Hosters.
  [
    550,
    'User shop has exceeded its 24-hour sending limit. Messages to 250 recipients out of 250 allowed have been sent.',
    'recipient',
  ],
  [550, '5.4.6 Unusual sending activity detected. Please try after sometime'],
  [
    450,
    'Requested mail action not taken: mailbox unavailable; Mail send limit exceeded',
    'recipient',
  ],
  [554, '5.7.1 You have exceeded the maximum number of messages per day'],
  [550, 'Maximum messages per hour exceeded'],
  [550, 'Too many messages, try again tomorrow'],
  [550, '5.7.1 Too many invalid recipients', 'recipient'],
  [550, '5.7.0 You are sending too fast, slow down'],
  [554, '5.7.0 Your account is temporarily suspended from sending', 'sender'],
  [450, 'Limit exceeded', 'recipient'],
  [450, '4.7.1 You have exceeded what is allowed', 'sender'],
  [451, 'Throttled', 'recipient'],
  [450, '4.5.3 too many concurrent sessions', 'sender'],
];

/** For now, and about this recipient. */
const RETRY: readonly Row[] = [
  [
    450,
    '4.2.0 <ada@example.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help',
    'recipient',
  ],
  [451, '4.7.1 Greylisting in action, please come back in 00:05:00', 'recipient'],
  [450, 'You have been gray-listed. Try again in 300 seconds', 'recipient'],
  [451, 'Temporary local problem - please try later', 'recipient'],
  [451, '4.3.0 Temporary lookup failure', 'recipient'],
  [451, '4.7.0 Temporary server error. Please try again later. PRX2', 'recipient'],
  [451, '4.4.1 Deferred: connection timed out'],
  [450, '4.1.1 <ada@example.org>: Recipient address rejected: unverified address', 'recipient'],
  [451, 'Message temporarily deferred - [160]'],
  [452, '4.2.2 The email account that you tried to reach is over quota', 'recipient'],
  [452, '4.2.2 Mailbox full', 'recipient'],
  [
    450,
    '4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message later',
    'recipient',
  ],
  [
    550,
    '5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered',
    'recipient',
  ],
  [
    550,
    '5.2.121 Recipient’s per hour message receive limit from specific sender exceeded',
    'recipient',
  ],
  [
    451,
    '4.5.1 The recipient <ada@example.org> has exceeded their message rate limit. Try again later.',
    'recipient',
  ],
  [450, 'Requested mail action not taken: mailbox unavailable', 'recipient'],
];

/** For good: what it becomes. */
const REJECTED: readonly (readonly [number, Row])[] = [
  // There is no such mailbox.
  [
    30005,
    [
      550,
      "5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address",
      'recipient',
    ],
  ],
  [
    30005,
    [
      550,
      '5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      'recipient',
    ],
  ],
  [30005, [550, '5.4.1 Recipient address rejected: Access denied. AS(201806281)', 'recipient']],
  [
    30005,
    [550, '5.5.0 Requested action not taken: mailbox unavailable (S2017062302)', 'recipient'],
  ],
  [30005, [550, 'Requested action not taken: mailbox unavailable', 'recipient']],
  [
    30005,
    [
      554,
      'delivery error: dd This user doesn’t have a yahoo.com account (ada@yahoo.com) [0] - mta.mail.yahoo.com'.replace(
        '’',
        "'",
      ),
    ],
  ],
  [
    30005,
    [
      550,
      '<ada@example.org>: Recipient address rejected: User unknown in virtual mailbox table',
      'recipient',
    ],
  ],
  [30005, [550, '5.7.1 <ada@example.org>: User unknown', 'recipient']],
  [30005, [550, 'Unrouteable address', 'recipient']],
  [30005, [550, 'No Such User Here', 'recipient']],
  [30005, [550, "5.1.2 We weren't able to find the recipient domain", 'recipient']],
  [30005, [550, '#5.1.0 Address rejected.', 'recipient']],
  [30005, [550, '5.0.0 Unknown user', 'recipient']],
  [30005, [550, '5.4.4 Host or domain name not found', 'recipient']],
  // The mailbox takes nothing.
  [
    30003,
    [
      552,
      '5.2.2 The email account that you tried to reach is over quota and inactive',
      'recipient',
    ],
  ],
  [30003, [552, 'Requested mail action aborted: exceeded storage allocation']],
  [30003, [550, 'Quota exceeded (mailbox for user is full)']],
  [30003, [552, 'Mailbox quota exceeded', 'recipient']],
  [30003, [552, '5.2.2 Mailbox size limit exceeded', 'recipient']],
  [
    30003,
    [
      554,
      '5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded',
      'recipient',
    ],
  ],
  [30003, [550, '5.2.1 The email account that you tried to reach is disabled', 'recipient']],
  [
    30003,
    [
      554,
      'delivery error: dd Sorry, your message cannot be delivered. This mailbox is disabled (554.30)',
    ],
  ],
  [
    30003,
    [554, '30 Sorry, your message to ada@aol.com cannot be delivered. This account is over quota'],
  ],
  // Unwanted.
  [
    30007,
    [
      550,
      '5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
      'recipient',
    ],
  ],
  [
    30007,
    [
      550,
      "5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150)",
      'sender',
    ],
  ],
  [
    30007,
    [
      554,
      '5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes',
    ],
  ],
  [
    30007,
    [
      553,
      "5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
      'recipient',
    ],
  ],
  [
    30007,
    [552, '5.7.0 This message was blocked because its content presents a potential security issue'],
  ],
  [30007, [550, '5.7.26 This mail has been blocked because the sender is unauthenticated']],
  [30007, [550, '5.7.1 Our system has detected that this message is likely unsolicited mail']],
  [30007, [550, 'Rejected by content filter: spam score exceeds threshold']],
  [30007, [550, '5.7.1 Message rejected: sender reputation is below the threshold']],
  [30007, [554, 'Transaction failed. Reject due to policy restrictions.']],
  // Our sender.
  [30034, [550, '5.1.8 Access denied, bad outbound sender', 'recipient']],
  [30034, [554, '5.7.1 <ada@example.org>: Relay access denied', 'recipient']],
  [30034, [550, 'relay not permitted', 'recipient']],
  [30034, [550, '5.7.64 TenantAttribution; Relay Access Denied', 'recipient']],
  [
    30034,
    [
      554,
      'Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: shop@example.com',
    ],
  ],
  [
    30034,
    [553, '5.7.1 <shop@example.com>: Sender address rejected: not owned by user me', 'recipient'],
  ],
  [
    30034,
    [554, '5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied'],
  ],
  // Everything else.
  [30008, [552, "5.2.3 Your message exceeded Google's message size limits."]],
  [30008, [552, '5.3.4 Message size exceeds fixed limit', 'sender']],
  [30008, [552, 'Message size exceeds maximum permitted']],
  [30008, [554, '5.4.6 Too many hops']],
  [30008, [554, '5.4.14 Hop count exceeded - possible mail loop ATTR34']],
  [30008, [501, '5.5.4 Invalid argument', 'recipient']],
];

describe('a refusal by', () => {
  it.each(WAIT.map((row) => [row] as const))('%j waits', (row) => {
    expect(means(row)).toEqual({ kind: 'wait' });
  });

  it.each(RETRY.map((row) => [row] as const))('%j is tried again later', (row) => {
    expect(means(row)).toEqual({ kind: 'retry', code: 30003 });
  });

  it.each(REJECTED)('%i: %j', (code, row) => {
    expect(means(row)).toEqual({ kind: 'rejected', code });
  });

  it('any case, and with whatever else a server adds, means the same', () => {
    const rows = [...WAIT, ...RETRY, ...REJECTED.map(([, row]) => row)];
    fc.assert(
      fc.property(
        fc.constantFrom(...rows),
        fc.constantFrom(
          ' - gsmtp',
          ' [mx1.example.net]',
          ' (in reply to end of DATA command)',
          '.',
          '',
        ),
        fc.boolean(),
        ([code, text, stage], tail, shout) => {
          const changed = (shout ? text.toUpperCase() : text) + tail;
          expect(means([code, changed, stage])).toEqual(means([code, text, stage]));
        },
      ),
    );
  });

  it('takes no time, whatever is said', () => {
    for (const piece of [
      'message ',
      'exceeded sending ',
      'limit of 4 ',
      'user ',
      'a',
      ' ',
      '5.1.1.',
    ])
      expect(means([550, piece.repeat(200_000)]).kind).toMatch(/wait|rejected|retry/);
  });
});

it.each([
  ['5.1.1 No', '1.1'],
  ['550-5.1.1 No', '1.1'],
  ['#5.1.0 Address rejected', '1.0'],
  ['blocked (5.7.1)', '7.1'],
  ['[5.7.1]: blocked', '7.1'],
  ['Error 5.7.1.', '7.1'],
  ['Host 5.1.1.2 said', null],
  ['Host 192.5.1.1 said', null],
  ['version 15.1.2', null],
  ['', null],
])('the status in %j is %s', (text, status) => {
  expect(readEnhanced(text)).toBe(status);
});

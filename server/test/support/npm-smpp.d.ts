/** As much of npm `smpp` as the tests use; it has no types of its own. */
declare module 'smpp' {
  import type { Server as NetServer, Socket } from 'node:net';

  export type Fields = Record<string, unknown>;

  export class PDU {
    constructor(command: string | Buffer, fields?: Fields);
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly [field: string]: unknown;
    toBuffer(): Buffer;
    response(fields?: Fields): PDU;
    static maxLength: number;
  }

  export class Session {
    readonly socket: Socket;
    on(event: string, listener: (pdu: PDU) => void): this;
    send(pdu: PDU, onResponse?: (pdu: PDU) => void): boolean;
    deliver_sm(fields: Fields, onResponse?: (pdu: PDU) => void): boolean;
    close(callback?: () => void): void;
    destroy(callback?: () => void): void;
  }

  const smpp: {
    PDU: typeof PDU;
    createServer(
      options: Record<string, unknown>,
      listener: (session: Session) => void,
    ): NetServer & { sessions: Session[] };
  };
  export default smpp;
}

/**
 * Sealed tokens: short texts that only this installation can read and make. Each purpose has its own AES-256-GCM key, so a
 * token is valid for one purpose only. The nonce is derived from the text (as in RFC 8452): the same text gives the same
 * token, and two texts never share a nonce.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Maximum length of a token. */
const TOKEN_LENGTH_MAX = 1_024;

export interface TokenSealer {
  seal(purpose: string, text: string): string;
  /** The text; null when the token is not one of ours for this purpose, letter for letter. */
  open(purpose: string, token: string): string | null;
}

/** @param secret at least 32 random bytes */
export function createSealer(secret: Uint8Array): TokenSealer {
  const derive = (label: string) => createHmac('sha256', secret).update(label).digest();
  return {
    seal(purpose, text) {
      const nonce = createHmac('sha256', derive(`nonce ${purpose}`))
        .update(text)
        .digest()
        .subarray(0, NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', derive(`key ${purpose}`), nonce);
      const sealed = [cipher.update(text, 'utf8'), cipher.final()];
      return Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]).toString('base64url');
    },
    open(purpose, token) {
      if (token.length > TOKEN_LENGTH_MAX) return null;
      const bytes = Buffer.from(token, 'base64url');
      // One spelling for each token: characters that decoders skip are refused.
      if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== token)
        return null;
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', derive(`key ${purpose}`), nonce);
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}

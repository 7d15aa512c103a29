/** Builds carriers, and the readers of their callbacks, from the configuration. */
import type { Carrier } from './carriers/carrier.ts';
import type { ReceiptParser } from './domain/receipt-call.ts';
import type { Config } from './config/config.ts';
import type { Logger } from './lib/log.ts';

/**
 * One carrier for each entry of the configuration, in its order, not started. Only the kinds that it has are loaded: all of them
 * would be a good part of a start.
 * @param onDamage called for each unit from a carrier's far side that cannot be read
 */
export function buildCarriers(
  config: Config,
  log: Logger,
  onDamage: (carrier: string) => void,
): Promise<Carrier[]> {
  return Promise.all(
    Object.entries(config.carriers).map(async ([name, options]) => {
      switch (options.kind) {
        case 'simulator': {
          const { createSimulator } = await import('./carriers/simulator.ts');
          return createSimulator({ ...options, name });
        }
        case 'smpp': {
          const { createSmppCarrier } = await import('./carriers/smpp/smpp.ts');
          return createSmppCarrier({
            ...options,
            name,
            logger: log,
            random: Math.random,
            onDamage: () => onDamage(name),
          });
        }
        case 'smtp': {
          const { createSmtpCarrier } = await import('./carriers/smtp/smtp.ts');
          return createSmtpCarrier({
            ...options,
            // With a bounce address, an accepted e-mail may still bounce.
            deliveredOn:
              options.deliveredOn ?? (options.bounceAddress === null ? 'accept' : 'report'),
            name,
            logger: log,
            onDamage: () => onDamage(name),
          });
        }
        case 'http': {
          const { createHttpCarrier } = await import('./carriers/http/http-carrier.ts');
          return createHttpCarrier({ ...options, name, receiptsUrl: receiptsUrlOf(config, name) });
        }
      }
    }),
  );
}

/** Parsers of calls to `/carriers/{name}/receipts`, by name, of the carriers that are called. */
export async function buildReceiptParsers(
  config: Config,
): Promise<ReadonlyMap<string, ReceiptParser>> {
  const parsers = new Map<string, ReceiptParser>();
  for (const [name, options] of Object.entries(config.carriers)) {
    if (options.kind === 'http' && options.description.receipts !== undefined) {
      const { createReceiptParser } = await import('./carriers/http/receipt-parser.ts');
      parsers.set(name, createReceiptParser(options.description));
    }
    if (options.kind === 'smtp' && options.bounceSecret !== null) {
      const { createBounceReader } = await import('./carriers/smtp/bounce-calls.ts');
      parsers.set(name, createBounceReader(options.bounceSecret, options.bounceAddress));
    }
  }
  return parsers;
}

/** The URL of callbacks; null while the public URL of the server is unknown. */
function receiptsUrlOf(config: Config, name: string): string | null {
  return config.publicUrl && `${config.publicUrl}/carriers/${name}/receipts`;
}

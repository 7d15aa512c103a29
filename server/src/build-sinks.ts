/**
 * Builds the sinks of message brokers from the configuration. Webhooks are not built here: a
 * subscription has its URL, and all share one sink.
 */
import type { Config } from './config/config.ts';
import { createKafkaSink, KAFKA_PACKAGES } from './events/kafka-sink.ts';
import { createNatsSink, NATS_PACKAGES } from './events/nats-sink.ts';
import { requirePackages } from './events/optional-packages.ts';
import type { EventSink } from './events/sink.ts';
import type { Logger } from './lib/log.ts';

/** Packages by kind. */
const PACKAGES = { nats: NATS_PACKAGES, kafka: KAFKA_PACKAGES } as const;

/**
 * Checks whether the clients of all configured sinks are installed, without loading them. It runs in the main thread,
 * before anything is begun, because errors of other threads lose their class.
 * @throws MissingPackageError that names the packages to install
 */
export function checkSinkPackages(config: Pick<Config, 'sinks'>): void {
  for (const [name, { kind }] of Object.entries(config.sinks))
    requirePackages(`The sink "${name}" of kind "${kind}"`, PACKAGES[kind]);
}

/**
 * One sink for each entry of the configuration, by its name. Each begins to connect; none waits for its broker. Stop all
 * of them.
 * @throws MissingPackageError if a client is not installed; no sink has begun then
 */
export async function buildSinks(
  config: Pick<Config, 'sinks'>,
  log: Logger,
): Promise<Record<string, EventSink>> {
  checkSinkPackages(config);
  const built = await Promise.all(
    Object.entries(config.sinks).map(async ([name, options]) => {
      switch (options.kind) {
        case 'nats':
          return [name, await createNatsSink({ ...options, name, logger: log })] as const;
        case 'kafka':
          return [name, await createKafkaSink({ ...options, name, logger: log })] as const;
      }
    }),
  );
  return Object.fromEntries(built);
}

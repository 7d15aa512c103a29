/** The state of a carrier on one node, for operators. The dispatch thread reports it, the API answers it. */
export interface CarrierState {
  readonly carrier: string;
  /** Configured connections; null for a carrier without lasting connections. */
  readonly connections: number | null;
  /** Usable connections. */
  readonly connected: number | null;
  /** Why some connections are not usable. */
  readonly detail: string | null;
  /** Submissions without an answer. */
  readonly inFlight: number;
  /** Submissions that may be without an answer now. */
  readonly window: number;
  /** The configured maximum of the window. */
  readonly windowMax: number;
  /** Whether submissions pause, because the carrier throttles. */
  readonly throttled: boolean;
}

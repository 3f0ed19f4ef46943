import type { RuleId } from './rules.ts'

/** An app with all contract mounts, as one host serves it. */
export interface RoutesHost {
  /** Where it listens, without a slash at the end, such as `http://127.0.0.1:4000`; undefined where there is no socket. */
  readonly url: string | undefined
  /** Answers a request whose URL begins with {@link url}, or with `http://atp.test` where there is none. */
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

/** One promise of the routes, and how to see whether it is kept. */
export interface RouteBehaviour {
  /** Theme and name, such as `order.404-before-405`. Never changes: deviations name it. */
  readonly id: string
  /** The promise as a sentence. */
  readonly says: string
  /** The rules it shows to be kept. */
  readonly rules: readonly RuleId[]
  /** Whether it needs bytes that only a socket can carry. */
  readonly socket?: true
  /** Resolves when the promise is kept, rejects when it is not. */
  run(host: RoutesHost): Promise<void>
}

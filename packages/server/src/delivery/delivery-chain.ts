import { AtpError } from '@atp/core'
import type { Call, DeliveryKind } from '../calls/call.ts'
import type { Delivery } from './delivery.ts'

/**
 * The ways to a toolkit, in the order they are tried: the first one that serves it takes the call. One that serves it and
 * is busy keeps it, because a toolkit that is reached in two ways at once might run it twice.
 */
export class DeliveryChain {
  readonly #deliveries: readonly Delivery[]

  constructor(deliveries: readonly Delivery[]) {
    this.#deliveries = deliveries
  }

  /** Which way a call would go at the moment, or why it would go none. */
  choose(call: Call): DeliveryKind | AtpError {
    const [first] = this.#inOrder((delivery) => delivery.refusal(call) ?? delivery.kind)
    return first
  }

  /** As {@link Delivery.dispatch}. */
  dispatch(call: Call): AtpError | undefined {
    const [refusal] = this.#inOrder((delivery) => {
      // Before, because the outcome may come before it returns.
      call.delivery = delivery.kind
      return delivery.dispatch(call)
    })
    return refusal
  }

  /** As {@link Delivery.expect}, for a call whose way was decided. */
  expect(kind: DeliveryKind, call: Call): void {
    call.delivery = kind
    this.#of(kind).expect?.(call)
  }

  /** As {@link Delivery.discard}. */
  discard(call: Call): void {
    this.#of(call.delivery).discard?.(call)
  }

  /** As {@link Delivery.dispatch}, for a call whose way was decided before. */
  dispatchBy(kind: DeliveryKind, call: Call): AtpError | undefined {
    call.delivery = kind
    return this.#of(kind).dispatch(call)
  }

  /** As {@link Delivery.cancel}. */
  cancel(call: Call, reason: string): void {
    this.#of(call.delivery).cancel(call, reason)
  }

  #of(kind: DeliveryKind): Delivery {
    const found = this.#deliveries.find((delivery) => delivery.kind === kind)
    if (!found) throw new Error(`There is no delivery by ${kind}`)
    return found
  }

  /** The first answer that is not "offline", else the first one; in a list, as it may be undefined. */
  #inOrder<T>(ask: (delivery: Delivery) => T | AtpError): [T | AtpError] {
    let offline: [AtpError] | undefined
    for (const delivery of this.#deliveries) {
      const answer = ask(delivery)
      if (!(answer instanceof AtpError && answer.code === 'toolkit_offline')) return [answer]
      offline ??= [answer]
    }
    if (offline) return offline
    throw new Error('A chain needs a delivery')
  }
}

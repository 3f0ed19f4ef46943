import type { Change } from './copy-server.ts'

/** A server with a mistake in it, and what has to find it. */
export interface Mutant {
  name: string
  /** The mistake, in words. */
  mistake: string
  /** The rule of the oracle that has to be broken. */
  rule: string
  /** The fault under which it shows. */
  fault: string
  changes: Change[]
}

/** For each rule of the oracle, a server that breaks it. */
export const mutants: readonly Mutant[] = [
  {
    name: 'runs-twice',
    mistake: 'sends a call of a lost process to another one although its tool may not run twice',
    rule: 'ran-once',
    fault: 'toolkit-killed',
    changes: [
      {
        file: 'delivery/socket.ts',
        from: 'call.tool.annotations.idempotent === true && call.attempts',
        to: 'call.attempts',
      },
      // Without which nothing would be left to send.
      { file: 'calls/call.ts', from: 'if (!this.tool.annotations.idempotent) this.release()', to: '' },
    ],
  },
  {
    name: 'drops-answers',
    mistake: 'loses one result in ten on its way to the caller',
    rule: 'explained',
    fault: 'caller-gone',
    changes: [
      {
        file: 'delivery/socket.ts',
        from: 'if (frame.ok) call.succeed(frame.result)',
        to: 'if (frame.ok && Math.random() < 0.1) return\n    if (frame.ok) call.succeed(frame.result)',
      },
    ],
  },
  {
    name: 'invents-success',
    mistake: 'says that a call succeeded whose toolkit was lost',
    rule: 'success-ran',
    fault: 'toolkit-killed',
    changes: [
      {
        file: 'delivery/socket.ts',
        from: 'this.#ending.add(call)\n    call.fail(toWireError(disconnectedError(call)))',
        to: 'call.succeed(null)',
      },
    ],
  },
  {
    name: 'denies-the-run',
    mistake: 'says of a call that ran that its toolkit was offline',
    rule: 'not-run',
    fault: 'toolkit-killed',
    changes: [
      {
        file: 'delivery/socket.ts',
        from: 'this.#ending.add(call)\n    call.fail(toWireError(disconnectedError(call)))',
        to: "call.fail({ ...toWireError(disconnectedError(call)), code: 'toolkit_offline' })",
      },
    ],
  },
  {
    name: 'answers-twice',
    mistake: 'tells a caller twice how its call ended',
    rule: 'answered-once',
    fault: 'toolkit-killed',
    changes: [
      {
        file: 'gateway/llm-socket.ts',
        from: 'outcome: CallOutcome, callId: string): void {\n    this.#open.delete(requestId)',
        to:
          'outcome: CallOutcome, callId: string): void {\n' +
          '    if (this.#open.delete(requestId) && Math.random() < 0.1) this.#onOutcome(requestId, outcome, callId)',
      },
    ],
  },
  {
    name: 'forgets-calls',
    mistake: 'forgets the calls that it had accepted when it starts again',
    rule: 'answered',
    fault: 'server-killed-inbox-sqlite',
    changes: [
      { file: 'calls/restore-calls.ts', from: 'for (const row of rows) await restoreCall(row, options)\n', to: '' },
    ],
  },
  {
    name: 'forgets-acks',
    mistake: 'hands a call out again that a silent toolkit was told to run, although its tool may not run twice',
    rule: 'ran-once',
    fault: 'toolkit-killed-inbox',
    changes: [
      {
        file: 'delivery/inbox.ts',
        from: 'endOf(held, lease, this.#limits.inboxDeliveries)',
        to: 'endOf(held, { ...lease, acked: false }, this.#limits.inboxDeliveries)',
      },
    ],
  },
  {
    name: 'posts-twice',
    mistake: 'posts a call once more whose connection to the endpoint was lost, although its tool may not run twice',
    rule: 'ran-once',
    fault: 'endpoint-cut',
    changes: [
      {
        file: 'delivery/endpoint-run.ts',
        from: "if (kind === 'lost' && !call.tool.annotations.idempotent) return false",
        to: '',
      },
      // Under an id that the endpoint has not seen: else that would refuse it.
      {
        file: 'delivery/endpoint-run.ts',
        from: 'call.tool.annotations.idempotent && call.attempts > 0 ?',
        to: 'call.attempts > 0 ?',
      },
    ],
  },
  {
    name: 'ignores-keys',
    mistake: 'runs a call again that comes under an idempotency key it has seen',
    rule: 'ran-once',
    fault: 'server-killed-keyed-sqlite',
    changes: [
      { file: 'calls/idempotency.ts', from: 'keyHash: sha256(key),', to: 'keyHash: sha256(key + Math.random()),' },
    ],
  },
  {
    name: 'logs-another-outcome',
    mistake: 'writes another outcome into the log than its caller was told',
    rule: 'log-agrees',
    fault: 'caller-gone',
    changes: [
      {
        file: 'calls/call-log.ts',
        from: "status: errorCode === null ? 'succeeded' :",
        to: "status: Math.random() < 0.1 ? 'cancelled' : errorCode === null ? 'succeeded' :",
      },
    ],
  },
  {
    name: 'answers-differently',
    mistake: 'gives another answer to a call that comes again under its idempotency key',
    rule: 'same-answer',
    fault: 'server-killed-keyed-sqlite',
    changes: [
      {
        file: 'calls/replays.ts',
        from: 'listener.onOutcome(ended.outcome, callId)',
        to: "listener.onOutcome({ ok: true, result: { run: 'another' } }, callId)",
      },
    ],
  },
]

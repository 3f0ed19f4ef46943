import fc from 'fast-check'
import { vi } from 'vitest'

// Generated tests look for something new on every run at a desk; what lands is judged by the same cases each time.
if (process.env.CI) fc.configureGlobal({ seed: 20_261_121 })

// One second is the default of waiting for something to happen: too little for a busy machine. Only failures take longer.
const { waitFor } = vi
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: 10_000, ...options })

import fc from 'fast-check'

// Generated tests look for something new on every run at a desk; what lands is judged by the same cases each time.
if (process.env.CI) fc.configureGlobal({ seed: 20_261_121 })

/** What a figure must not exceed, or must reach. Applies to the ratio where there is a peer, else to ours. */
export interface Budget {
  kind: 'at-most' | 'at-least'
  limit: number
}

/** Larger is worse. */
export function atMost(limit: number): Budget {
  return { kind: 'at-most', limit }
}

/** Smaller is worse. */
export function atLeast(limit: number): Budget {
  return { kind: 'at-least', limit }
}

/** Whether a figure keeps a budget; a figure that is not a number never does. */
export function keepsBudget(figure: number, budget: Budget): boolean {
  return budget.kind === 'at-most' ? figure <= budget.limit : figure >= budget.limit
}

/** Such as `>= 0.6`, or `<= 60 KB` with a unit. */
export function formatBudget(budget: Budget, unit?: string): string {
  const sign = budget.kind === 'at-most' ? '<=' : '>='
  return unit === undefined ? `${sign} ${budget.limit}` : `${sign} ${budget.limit} ${unit}`
}

import type { CorpusTool } from '../corpus-tool.ts'
import { calendars } from './calendars.ts'
import { crm } from './crm.ts'
import { files } from './files.ts'
import { maps } from './maps.ts'
import { messaging } from './messaging.ts'
import { operations } from './operations.ts'
import { payments } from './payments.ts'
import { search } from './search.ts'
import { trackers } from './trackers.ts'

/** All tools of the corpus, whose names are unique. */
export const corpus: readonly CorpusTool[] = [
  ...payments,
  ...calendars,
  ...trackers,
  ...search,
  ...files,
  ...messaging,
  ...crm,
  ...maps,
  ...operations,
]

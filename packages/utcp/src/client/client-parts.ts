import type { Emitter } from '@atp/core/protocol'
import type { Closing } from '../execution/call-scope.ts'
import type { TemplateReader } from '../model/template-reader.ts'
import type { ToolPostProcessor } from '../processing/tool-post-processor.ts'
import type { UtcpCaller } from '../protocol/communication-protocol.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'
import type { VariableSources, VariableSubstitutor } from '../variables/variable-substitutor.ts'
import type { ClientSettings } from './client-options.ts'
import type { ProtocolSet } from './protocol-set.ts'
import type { ToolPins } from './tool-pins.ts'

/** What tells of changes. */
export interface UtcpClientEvents {
  /**
   * A manual has other tools than before: it was refreshed, registered or removed, or a tool was accepted. Names are full
   * names.
   */
  manualChanged: {
    readonly manual: string
    readonly added: readonly string[]
    readonly removed: readonly string[]
    /** Now described differently. With pins they are refused until they are accepted, which is told of once more. */
    readonly changed: readonly string[]
  }
}

/** What the parts of one client share. */
export interface ClientParts {
  readonly settings: ClientSettings
  readonly caller: UtcpCaller
  readonly protocols: ProtocolSet
  readonly repository: ConcurrentToolRepository
  readonly templates: TemplateReader
  readonly substitutor: VariableSubstitutor
  readonly sources: VariableSources
  readonly postProcessors: readonly ToolPostProcessor[]
  readonly pins: ToolPins | undefined
  readonly events: Emitter<UtcpClientEvents>
  readonly closing: Closing
}

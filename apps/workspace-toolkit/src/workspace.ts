import process from 'node:process'
import { Toolkit } from '@atp/core'
import { registerWorkspaceTools } from './workspace-toolkit.ts'

/** The workspace tools over the current folder, connected to nothing: what `atp lint` looks at. */
export const workspace: Toolkit = new Toolkit({
  appName: 'workspace',
  caption: 'Reads, searches and measures the files of one folder',
})
registerWorkspaceTools(workspace, { folder: process.cwd() })

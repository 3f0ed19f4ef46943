import { describeCommunicationProtocol } from '@atp/utcp/contracts'
import { file, text } from '../src/index.ts'
import { manualOf, testFolder } from './support/folder.ts'

describeCommunicationProtocol('text', async () => ({
  protocol: text()(),
  manual: { name: 'm', call_template_type: 'text', content: JSON.stringify(manualOf()) },
  brokenManual: { name: 'm', call_template_type: 'text', content: '{ "tools": [' },
  call: { template: { call_template_type: 'text', content: 'raw { text' }, args: {}, result: 'raw { text' },
  failingCall: { template: { call_template_type: 'text', file_path: 'missing.txt' }, args: {} },
}))

describeCommunicationProtocol('file', async () => {
  const folder = await testFolder()
  await folder.write('manual.json', JSON.stringify(manualOf()))
  await folder.write('answer.txt', ' raw\n')
  return {
    protocol: file()(),
    rootDir: folder.root,
    manual: { name: 'm', call_template_type: 'file', file_path: 'manual.json' },
    brokenManual: { name: 'm', call_template_type: 'file', file_path: 'missing.json' },
    call: { template: { call_template_type: 'file', file_path: 'answer.txt' }, args: {}, result: ' raw\n' },
    failingCall: { template: { call_template_type: 'file', file_path: '../root-secret.json' }, args: {} },
    end: async () => folder[Symbol.asyncDispose](),
  }
})

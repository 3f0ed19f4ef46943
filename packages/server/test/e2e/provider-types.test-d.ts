import type Anthropic from '@anthropic-ai/sdk'
import { anthropicFormat, mistralFormat, openaiChatFormat, openaiFormat } from '@atp/core'
import type * as Mistral from '@mistralai/mistralai/models/components'
import type OpenAI from 'openai'

// The types of the official packages accept what the formats make, without a cast. This file is compiled, never run.

openaiFormat.toTools([]).tools satisfies OpenAI.Responses.Tool[]
openaiChatFormat.toTools([]).tools satisfies OpenAI.ChatCompletionTool[]
anthropicFormat.toTools([]).tools satisfies Anthropic.ToolUnion[]
mistralFormat.toTools([]).tools satisfies Mistral.ChatCompletionRequest['tools']

type OpenaiMessage = ReturnType<typeof openaiFormat.toResultMessages>[number]
type ResponsesMessage = Extract<OpenaiMessage, { type: 'function_call_output' }>
type ChatMessage = Extract<OpenaiMessage, { role: 'tool' }>

/** Fails to compile when the first type is not assignable to the second. */
type Fits<_Ours extends Theirs, Theirs> = true
export type Checks = [
  Fits<ResponsesMessage, OpenAI.Responses.ResponseInputItem>,
  Fits<ChatMessage, OpenAI.ChatCompletionMessageParam>,
  Fits<ReturnType<typeof anthropicFormat.toResultMessages>[number], Anthropic.MessageParam>,
  Fits<ReturnType<typeof mistralFormat.toResultMessages>[number], Mistral.ToolMessage & { role: 'tool' }>,
]

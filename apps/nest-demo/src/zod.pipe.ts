import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common'
import { z } from 'zod'

/** Checks a body against a schema. */
@Injectable()
export class ZodPipe implements PipeTransform {
  constructor(private readonly schema: z.ZodType) {}

  transform(value: unknown): unknown {
    const { success, data, error } = this.schema.safeParse(value)
    if (success) return data
    throw new BadRequestException(z.prettifyError(error))
  }
}

import { Bm25Strategy, TagAndDescriptionWordMatchStrategy } from '../../src/index.ts'
import { describeToolSearchStrategy } from '../contracts/index.ts'

describeToolSearchStrategy('tag_and_description_word_match', () => new TagAndDescriptionWordMatchStrategy())
describeToolSearchStrategy('bm25', () => new Bm25Strategy())

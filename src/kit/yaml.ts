/**
 * YAML that every reader takes for the same: for those of version 1.1 (kubectl, PyYAML) a bare `y`, `on` or `1:30` is no text, for
 * those of 1.2 (we) a bare `0o7` is none.
 */
import { Document, Scalar, visit, type Tags } from 'yaml';

/** What version 1.2 takes for something else though 1.1 takes it for text, and the key that merges. */
const ambiguous = /^(0o[0-7]+|<<|=)$/;

/** The tag of the key that merges would have it written bare. */
const customTags = (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge');

/** One document, with a line break at its end. */
export const yamlText = (value: unknown): string => {
  const document = new Document(value, { version: '1.1', customTags, aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && ambiguous.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 });
};

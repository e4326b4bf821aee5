// Compile JSON Schemas with ajv in its strict mode, with format assertions, and judge values by them.
//
// Standard input: {"schemas": {name: schema}, "values": [{"schema": name, "value": …}]}
// Standard output: {"refused": {name: message}, "verdicts": [null | message]}, in the order of the values
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { text } from 'node:stream/consumers';

const { schemas, values } = JSON.parse(await text(process.stdin));
const ajv = new Ajv({ allErrors: true, strict: true, validateFormats: true });
addFormats(ajv);
ajv.addVocabulary(['x-personal']); // in the producers' schemas; the consumers' compile without

const compiled = {};
const refused = {};
for (const [name, schema] of Object.entries(schemas)) {
  try {
    compiled[name] = ajv.compile(schema);
  } catch (error) {
    refused[name] = error.message;
  }
}
const verdicts = values.map(({ schema, value }) => {
  const validate = compiled[schema];
  if (!validate) return refused[schema] ?? `no schema ${schema}`;
  return validate(value) ? null : ajv.errorsText(validate.errors);
});
console.log(JSON.stringify({ refused, verdicts }));

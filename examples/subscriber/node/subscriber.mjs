// Keeps a copy of all published posts in a JSON file, from the topic `posts` (see ../README.md).
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Kafka as CloudEventsKafka } from 'cloudevents';
import kafkajs from 'kafkajs';
import lz4 from 'lz4js';

const TOPIC = 'posts';
const STATUS = { created: 'processing', published: 'published', failed: 'failed', edited: undefined, deleted: 'deleted' };

// Brokers compress with LZ4, which KafkaJS leaves to a codec.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async ({ buffer }) => Buffer.from(lz4.compress(buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});

const { values: options } = parseArgs({
  options: {
    bootstrap: { type: 'string', default: process.env.KAFKA_BOOTSTRAP ?? '127.0.0.1:18092' },
    user: { type: 'string', default: 'example' }, // its password is in KAFKA_PASSWORD
    ssl: { type: 'boolean', default: false }, // encrypt connections
    group: { type: 'string', default: 'example-node' },
    state: { type: 'string' }, // a JSON file
    rebuild: { type: 'boolean', default: false }, // empty the state and begin at the earliest record
    'until-end': { type: 'boolean', default: false }, // stop at what is now the end of the topic
    print: { type: 'boolean', default: false }, // print the published posts at the end
  },
});
if (!options.state) throw new Error('--state FILE is required');

const ajv = addFormats(new Ajv({ strict: true }));
const schemas = new URL('../../../schemas/', import.meta.url);
const validators = Object.fromEntries(
  Object.keys(STATUS).map((name) => {
    const type = `photomesh.post.${name}.v1`;
    return [type, ajv.compile(JSON.parse(fs.readFileSync(new URL(`${type}.consumer.json`, schemas), 'utf8')))];
  }),
);

// The state: post by id. A deleted post keeps its version, so that an older event cannot bring it back. Versions are
// 63-bit numbers and become BigInt, not number.
class Posts {
  constructor(file) {
    this.file = file;
    this.byId = new Map(fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : []);
  }

  forget() {
    this.byId.clear();
  }

  apply(event) {
    const { post_id: id, author_id, caption, published_at } = event.data;
    const name = event.type.split('.')[2];
    const before = this.byId.get(id);
    if (before && BigInt(event.entityversion) <= BigInt(before.version)) return;
    const status = STATUS[name] ?? (published_at ? 'published' : before?.status);
    const text = name === 'deleted' ? undefined : (caption ?? before?.caption);
    this.byId.set(id, { version: event.entityversion, status, author_id, caption: text });
  }

  end(id, version) {
    const before = this.byId.get(id);
    if (before && BigInt(version) >= BigInt(before.version)) {
      this.byId.set(id, { version, status: 'deleted', author_id: before.author_id });
    }
  }

  store() {
    fs.writeFileSync(`${this.file}.new`, JSON.stringify([...this.byId]));
    fs.renameSync(`${this.file}.new`, this.file);
  }

  published() {
    const ids = [...this.byId.keys()].sort();
    return ids
      .map((id) => ({ id, ...this.byId.get(id) }))
      .filter((post) => post.status === 'published')
      .map(({ id, author_id, caption }) => ({ id, author_id, caption }));
  }
}

function handle(posts, message) {
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, value.toString()]));
  if (message.value === null) {
    posts.end(message.key.toString(), headers.ce_entityversion);
    return;
  }
  const event = CloudEventsKafka.toEvent({ headers, key: message.key.toString(), value: message.value });
  const validate = validators[event.type];
  if (!validate) return; // a type that is newer than this program
  // Stops here, rather than store what it does not understand.
  if (!validate(event.data)) throw new Error(`${event.type} ${event.id}: ${ajv.errorsText(validate.errors)}`);
  posts.apply(event);
}

const kafka = new kafkajs.Kafka({
  brokers: [options.bootstrap],
  ssl: options.ssl,
  sasl: { mechanism: 'scram-sha-512', username: options.user, password: process.env.KAFKA_PASSWORD },
  logLevel: kafkajs.logLevel.ERROR,
});
const posts = new Posts(options.state);
const admin = kafka.admin();
await admin.connect();
if (options.rebuild) {
  posts.forget();
  await admin.resetOffsets({ groupId: options.group, topic: TOPIC, earliest: true });
}
const ends = await admin.fetchTopicOffsets(TOPIC);
const [{ partitions: committed }] = await admin.fetchOffsets({ groupId: options.group, topics: [TOPIC] });
await admin.disconnect();

// Partitions whose records of before the start are not all handled yet.
const left = new Map();
for (const { partition, low, high } of ends) {
  const begin = Number(committed.find((one) => one.partition === partition)?.offset ?? -1);
  if (Math.max(begin, Number(low)) < Number(high)) left.set(partition, Number(high));
}

async function consume() {
  const consumer = kafka.consumer({ groupId: options.group });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const ended = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) handle(posts, message);
        posts.store();
        const next = (BigInt(batch.lastOffset()) + 1n).toString();
        // After the state: a crash in between repeats records.
        await consumer.commitOffsets([{ topic: TOPIC, partition: batch.partition, offset: next }]);
        if (Number(next) >= left.get(batch.partition)) left.delete(batch.partition);
        if (options['until-end'] && left.size === 0) resolve();
      },
    });
  });
  process.once('SIGINT', () => consumer.disconnect().then(() => process.exit(0)));
  await ended;
  await consumer.disconnect();
}

if (!options['until-end'] || left.size > 0) await consume(); // nothing to read: no member of the group
posts.store();
if (options.print) for (const post of posts.published()) console.log(JSON.stringify(post));

// Register, upload, post, edit, follow, read the feed, comment and page, with the client that openapi-ts generates.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient, type Client } from "./generated/client/index.js";
import * as api from "./generated/sdk.gen.js";
import type { PostUpdate } from "./generated/types.gen.js";

const [url, smallPhoto, largePhoto] = process.argv.slice(2);
assert.ok(url && smallPhoto && largePhoto);

async function register(name: string): Promise<{ id: string; client: Client }> {
  const username = `${name}_${randomBytes(6).toString("hex")}`;
  const { data } = await api.registerAccount({
    client: createClient({ baseUrl: url }),
    body: { username, email: `${username}@example.com`, password: "correct horse battery" },
    throwOnError: true,
  });
  return { id: data.user.id, client: createClient({ baseUrl: url, auth: data.access_token }) };
}

async function put(target: string, content: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(target, { method: "PUT", body: content, headers });
  assert.equal(answer.status, 200);
  const etag = answer.headers.get("etag");
  assert.ok(etag);
  return etag;
}

async function upload(client: Client, file: string): Promise<string> {
  const content = new Uint8Array(readFileSync(file));
  const { data: begun, response } = await api.createUpload({
    client,
    body: { filename: "photo.jpg", size_bytes: content.length, content_type: "image/jpeg" },
    throwOnError: true,
  });
  assert.equal(response.status, 201);
  const targets = begun.parts ?? [{ part_number: 1, presigned_url: begun.presigned_url!, size_bytes: content.length }];
  const parts = [];
  for (const part of targets) {
    const start = (part.part_number - 1) * begun.part_size;
    const piece = content.slice(start, start + part.size_bytes);
    const etag = await put(part.presigned_url, piece, begun.headers);
    parts.push({ part_number: part.part_number, etag });
  }
  assert.equal(parts.length > 1, content.length > 5_000_000);
  const { data } = await api.completeUpload({
    client,
    path: { upload_id: begun.id },
    body: { parts },
    throwOnError: true,
  });
  return data.photo_id;
}

async function until<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 150; tries++) {
    const found = await attempt();
    if (found !== undefined) return found;
    await sleep(200);
  }
  throw new Error("gave up waiting");
}

const ada = await register("ada");
const grace = await register("grace");

const photoIds = [await upload(ada.client, largePhoto), await upload(ada.client, smallPhoto)];
for (const photo_id of photoIds) {
  const photo = await until(async () => {
    const { data } = await api.getPhoto({ client: ada.client, path: { photo_id }, throwOnError: true });
    return data.status === "ready" ? data : undefined;
  });
  assert.equal(photo.metadata?.taken_at, "2026-11-21T10:09:08");
  assert.ok(photo.variants?.["640"]);
}

await api.follow({ client: grace.client, path: { user_id: ada.id }, throwOnError: true });
const { data: post } = await api.createPost({
  client: ada.client,
  headers: { "Idempotency-Key": randomBytes(8).toString("hex") },
  body: {
    photo_ids: photoIds,
    caption: "Two lakes #sunset",
    place: { name: "Lake Como", latitude: 46.016, longitude: 9.257 },
    alt_texts: [{ photo_id: photoIds[0]!, text: "A lake" }],
  },
  throwOnError: true,
});
assert.deepEqual(post.photos.map((photo) => photo.id), photoIds);

const edit = async (body: PostUpdate) =>
  (await api.editPost({ client: ada.client, path: { post_id: post.id }, body, throwOnError: true })).data;
const described = await edit({ alt_texts: [{ photo_id: photoIds[1]!, text: "Another lake" }] });
assert.equal(described.caption, "Two lakes #sunset");
assert.equal(described.place?.name, "Lake Como");
assert.deepEqual(described.photos.map((photo) => photo.alt_text), ["A lake", "Another lake"]);
const moved = await edit({ place: null, caption: "Two lakes #dusk" });
assert.equal(moved.place, null);
assert.deepEqual(moved.hashtags, ["dusk"]);

const seen = await until(async () => {
  const { data } = await api.getFeed({ client: grace.client, query: { mode: "chronological" }, throwOnError: true });
  return data.items.find((item) => item.id === post.id);
});
assert.deepEqual(seen.photos.map((photo) => photo.id), photoIds);

const texts = ["one", "two", "three"];
for (const text of texts)
  await api.writeComment({ client: grace.client, path: { post_id: post.id }, body: { text }, throwOnError: true });
const read: string[] = [];
let cursor: string | null | undefined;
do {
  const { data } = await api.listComments({
    client: ada.client,
    path: { post_id: post.id },
    query: { limit: 2, ...(cursor ? { cursor } : {}) },
    throwOnError: true,
  });
  read.push(...data.items.map((comment) => comment.text));
  cursor = data.next_cursor;
} while (cursor);
assert.deepEqual(read, [...texts].reverse());

const { error } = await api.getPost({ client: ada.client, path: { post_id: "o_1" } });
assert.equal(error?.code, "post-not-found");
console.log("the journey is over");

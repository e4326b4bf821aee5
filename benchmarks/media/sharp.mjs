// Sharp as a contestant; speaks as serve.py does.
//
//   node sharp.mjs clones    four outputs of one input, as its documentation shows
//   node sharp.mjs chain     each size from the one before, as raw pixels: the least work it can be given

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const SIZES = [1080, 640, 320, 150];
const JPEG = { quality: 82, optimiseCoding: true, chromaSubsampling: "4:2:0", mozjpeg: false };
sharp.concurrency(1);
sharp.cache(false);

const within = (size) => ({ width: size, height: size, fit: "inside", withoutEnlargement: true });

async function clones(data) {
  const input = sharp(data).autoOrient();
  await Promise.all(SIZES.map((size) => input.clone().resize(within(size)).jpeg(JPEG).toBuffer()));
}

async function chain(data) {
  let input = sharp(data).autoOrient();
  for (const size of SIZES) {
    const { data: pixels, info } = await input
      .resize(within(size)).toColourspace("srgb").removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
    await sharp(pixels, raw).jpeg(JPEG).toBuffer();
    input = sharp(pixels, raw);
  }
}

const contestant = { clones, chain }[process.argv[2]];
if (process.argv[2] === "version") {
  console.log(`sharp ${sharp.versions.sharp} (libvips ${sharp.versions.vips})`);
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    const data = readFileSync(line);
    const before = process.cpuUsage();
    let cpu = null;
    try {
      await contestant(data);
      const used = process.cpuUsage(before);
      cpu = (used.user + used.system) / 1e6;
    } catch (error) {
      console.error(`sharp: ${line}: ${error.message}`);
    }
    console.log(JSON.stringify({ cpu, stages: {} }));
  }
}

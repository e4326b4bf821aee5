/**
 * Uploads files without a browser:
 *
 *     PHOTOMESH_URL=http://127.0.0.1:18000 PHOTOMESH_TOKEN=… node headless.js lake.jpg dusk.heic
 *
 * Prints a line of JSON per file. With `--interrupt` the connection to object storage is lost after the first part, and
 * the upload is continued; with `--cancel` it is cancelled there.
 */

import { File } from 'node:buffer'
import { webcrypto } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import Uppy from '@uppy/core'
import PhotomeshUploader from './photomesh-uploader.js'

globalThis.crypto ??= webcrypto // Node 18 has these two in modules only
globalThis.File ??= File

const TYPES = { '.jpg': 'image/jpeg', '.png': 'image/png', '.webp': 'image/webp', '.heic': 'image/heic', '.avif': 'image/avif' }

const paths = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const interrupt = process.argv.includes('--interrupt')
const cancel = process.argv.includes('--cancel')

const uppy = new Uppy()
uppy.use(PhotomeshUploader, {
  endpoint: process.env.PHOTOMESH_URL,
  token: () => process.env.PHOTOMESH_TOKEN,
  ...((interrupt || cancel) && { limit: 1, attempts: 1 }), // so that there is a first part, and no second attempt
})

const puts = []
let lost = false
const connected = globalThis.fetch
globalThis.fetch = async (url, options) => {
  if (options.method !== 'PUT') return connected(url, options)
  if (lost) throw new TypeError('fetch failed')
  const response = await connected(url, options)
  puts.push(Number(new URL(url).searchParams.get('partNumber') ?? 1))
  if (interrupt && puts.length === 1) lost = true
  if (cancel) uppy.cancelAll()
  return response
}

let uploadId
for (const path of paths) {
  const type = TYPES[extname(path).toLowerCase()]
  uppy.addFile({ name: basename(path), type, data: new Blob([await readFile(path)], { type }) })
}
const [first] = uppy.getFiles()
uppy.on('state-update', () => {
  uploadId = uppy.getFile(first.id)?.photomesh?.uploadId ?? uploadId
})

let result = await uppy.upload()
if (interrupt) {
  lost = false
  result = await uppy.retryAll()
}
for (const file of [...(result?.successful ?? []), ...(result?.failed ?? [])]) {
  const { code, message } = file.error ? { code: 'error', message: file.error } : {}
  console.log(JSON.stringify({ name: file.name, ...file.response?.body, code, message, puts, uploadId }))
}
if (cancel) {
  await new Promise((resolve) => setTimeout(resolve, 500)) // the upload is being aborted
  console.log(JSON.stringify({ cancelled: true, puts, uploadId }))
}

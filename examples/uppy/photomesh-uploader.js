/**
 * An uploader for Uppy 6 that speaks Photomesh's upload protocol.
 *
 * Uppy 5's `@uppy/aws-s3` could be given functions for each step (`createMultipartUpload`, `signPart`, …). Uppy 6 sends
 * S3's own requests and asks only for signatures. Photomesh creates and completes uploads itself, which is where it
 * checks them, so this is an uploader of its own: a plugin that takes files from `addUploader`.
 *
 *     uppy.use(PhotomeshUploader, { endpoint: 'https://api.example', token: () => session.accessToken })
 *
 * Options: `endpoint`, the API's base URL; `token`, a function that returns an access token or a promise of one; `limit`,
 * requests to object storage at a time (default 4); `attempts` at each request (default 5). On success `response.body.photo_id` is the photo, still processing.
 *
 * Parts are sent in parallel. A retry (`uppy.retryUpload`) or a restored file continues the same upload and sends what is
 * missing. Removing a file, or cancelling, aborts its upload.
 */

import { BasePlugin } from '@uppy/core'
import { TaskQueue, filterFilesToEmitUploadStarted, filterFilesToUpload } from '@uppy/core/utils'

export class PhotomeshError extends Error {
  /** @param {object} problem an RFC 9457 problem document, or what is known of it */
  constructor(problem) {
    super(problem.detail ?? problem.title)
    this.name = 'PhotomeshError'
    Object.assign(this, { status: problem.status, code: problem.code, problem })
  }
}

export default class PhotomeshUploader extends BasePlugin {
  #controllers = new Map()
  #storage

  constructor(uppy, options) {
    super(uppy, { limit: 4, attempts: 5, ...options })
    this.id = this.opts.id ?? 'PhotomeshUploader'
    this.type = 'uploader'
    this.#storage = new TaskQueue({ concurrency: this.opts.limit })
  }

  install() {
    this.uppy.addUploader(this.#uploadAll)
    this.uppy.on('file-removed', this.#abort)
  }

  uninstall() {
    this.uppy.removeUploader(this.#uploadAll)
    this.uppy.off('file-removed', this.#abort)
    for (const controller of this.#controllers.values()) controller.abort()
  }

  #uploadAll = async (ids) => {
    const files = filterFilesToUpload(this.uppy.getFilesByIds(ids))
    this.uppy.emit('upload-start', filterFilesToEmitUploadStarted(files))
    await Promise.allSettled(files.map((file) => this.#upload(file)))
  }

  async #upload(file) {
    const controller = new AbortController()
    this.#controllers.set(file.id, controller)
    try {
      const photo = await this.#send(file, controller.signal)
      this.uppy.emit('upload-success', this.uppy.getFile(file.id), { status: 201, body: photo })
    } catch (error) {
      if (!controller.signal.aborted) this.uppy.emit('upload-error', this.uppy.getFile(file.id), error)
    } finally {
      this.#controllers.delete(file.id)
    }
  }

  async #send(file, signal) {
    const known = file.photomesh ?? { key: crypto.randomUUID() }
    this.uppy.setFileState(file.id, { photomesh: known })
    const { uploadId, partSize, missing, sent } = known.uploadId
      ? await this.#resume(known.uploadId, signal)
      : await this.#create(file, known, signal)
    if (missing === null) return sent // completed before

    let done = file.size - missing.reduce((sum, part) => sum + part.size_bytes, 0)
    const parts = await Promise.all(
      missing.map((part) =>
        this.#storage.add(async () => {
          const from = (part.part_number - 1) * partSize
          const etag = await this.#put(uploadId, part, file.data.slice(from, from + part.size_bytes), signal)
          done += part.size_bytes
          this.uppy.emit('upload-progress', this.uppy.getFile(file.id), {
            uploadStarted: file.progress.uploadStarted ?? Date.now(),
            bytesUploaded: done,
            bytesTotal: file.size,
          })
          return { part_number: part.part_number, etag }
        }),
      ),
    )
    const all = [...sent, ...parts].sort((one, other) => one.part_number - other.part_number)
    return this.#call('POST', `/v1/uploads/${uploadId}/complete`, signal, { parts: all })
  }

  async #create(file, known, signal) {
    const body = { filename: file.name, content_type: file.type, size_bytes: file.size }
    const created = await this.#call('POST', '/v1/uploads/init', signal, body, { 'Idempotency-Key': known.key })
    this.uppy.setFileState(file.id, { photomesh: { ...known, uploadId: created.id } })
    const whole = { part_number: 1, presigned_url: created.presigned_url, size_bytes: file.size }
    const missing = (created.parts ?? [whole]).map((part) => ({ ...part, headers: created.headers }))
    return { uploadId: created.id, partSize: created.part_size, missing, sent: [] }
  }

  /** What is still to send; `missing` is null if nothing is, and `sent` the photo then. */
  async #resume(uploadId, signal) {
    const upload = await this.#call('GET', `/v1/uploads/${uploadId}`, signal)
    if (upload.status === 'completed') return { missing: null, sent: { photo_id: upload.photo_id, status: 'processing' } }
    const sent = upload.parts.filter((part) => part.etag).map(({ part_number, etag }) => ({ part_number, etag }))
    const missing = upload.missing_part_numbers.length ? await this.#urls(uploadId, upload.missing_part_numbers, signal) : []
    return { uploadId, partSize: upload.part_size, missing, sent }
  }

  async #urls(uploadId, numbers, signal) {
    const urls = await this.#call('POST', `/v1/uploads/${uploadId}/parts`, signal, { part_numbers: numbers })
    return urls.parts.map((part) => ({ ...part, headers: urls.headers }))
  }

  /** Sends a part to object storage, and returns its ETag. A URL that has expired is replaced. */
  async #put(uploadId, part, data, signal) {
    for (let attempt = 1; ; attempt += 1) {
      const response = await fetch(part.presigned_url, { method: 'PUT', body: data, headers: part.headers, signal }).catch(
        (error) => {
          if (signal.aborted || attempt >= this.opts.attempts) throw error
        },
      )
      if (response?.ok) return response.headers.get('ETag')
      if (attempt >= this.opts.attempts) {
        throw new PhotomeshError({ title: 'Object storage refused a part', status: response.status, code: 'storage' })
      }
      await pause(attempt, signal)
      if (response?.status === 403) [part] = await this.#urls(uploadId, [part.part_number], signal)
    }
  }

  /** Calls the API. Waits and repeats what a problem calls retryable: each of these calls is safe to repeat. */
  async #call(method, path, signal, body, headers = {}) {
    for (let attempt = 1; ; attempt += 1) {
      const response = await fetch(new URL(path, this.opts.endpoint), {
        method,
        signal,
        headers: {
          Authorization: `Bearer ${await this.opts.token()}`,
          ...(body && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        body: body && JSON.stringify(body),
      }).catch((error) => {
        if (signal?.aborted || attempt >= this.opts.attempts) throw error
      })
      if (response?.ok) return response.status === 204 ? undefined : response.json()
      const problem = (await response?.json().catch(() => undefined)) ?? { title: 'No answer', retryable: true }
      if (!problem.retryable || attempt >= this.opts.attempts) throw new PhotomeshError(problem)
      await pause(Number(response?.headers.get('Retry-After')) || attempt, signal)
    }
  }

  #abort = (file) => {
    this.#controllers.get(file.id)?.abort()
    const { uploadId } = file.photomesh ?? {}
    if (uploadId && !file.progress.uploadComplete) {
      this.#call('DELETE', `/v1/uploads/${uploadId}`).catch((error) => this.uppy.log(error, 'warning'))
    }
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

// As much of a host as tests need. The real one, semfora-hooks, also bounds memory and time.

/**
 * Instantiates a module that was compiled from AssemblyScript.
 *
 * @param {WebAssembly.Module} module
 * @returns {{exports: WebAssembly.Exports, evaluate: (document: Uint8Array, name?: string) => string}} `evaluate` calls
 *   the export of that name, which takes a document as the ABI says.
 */
export function instantiate(module) {
  let memory;

  function string(address) {
    if (address === 0) return "";
    const size = new Uint32Array(memory.buffer)[(address >>> 2) - 1];
    return new TextDecoder("utf-16le").decode(new Uint8Array(memory.buffer, address, size));
  }

  const imports = {
    env: {
      abort(message, file, line, column) {
        throw new Error(`${string(message)} at ${string(file)}:${line}:${column}`);
      },
    },
    wasi_snapshot_preview1: {
      fd_write(descriptor, vectors, count, written) {
        const view = new DataView(memory.buffer);
        let total = 0;
        for (let at = vectors; at < vectors + 8 * count; at += 8) {
          const size = view.getUint32(at + 4, true);
          const start = view.getUint32(at, true);
          process.stderr.write(new Uint8Array(memory.buffer.slice(start, start + size)));
          total += size;
        }
        view.setUint32(written, total, true);
        return 0;
      },
    },
  };
  const { exports } = new WebAssembly.Instance(module, imports);
  memory = exports.memory;

  function evaluate(document, name = "evaluate") {
    const address = exports.semfora_alloc(document.length) >>> 0;
    new Uint8Array(memory.buffer).set(document, address);
    const result = BigInt.asUintN(64, exports[name](address, document.length));
    const start = Number(result >> 32n);
    const length = Number(result & 0xffffffffn);
    return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(memory.buffer, start, length));
  }

  return { exports, evaluate };
}

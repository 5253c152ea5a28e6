//go:build wasip1

package semfora

import (
	"fmt"
	"runtime"
	"strings"
	"unicode/utf16"
	"unsafe"
)

// The host's memory is ours from semfora_alloc on; these keep the collector away from what the host still reads.
var (
	room   []byte
	result []byte
)

//go:wasmimport env abort
func hostAbort(message, file unsafe.Pointer, line, column uint32)

//go:wasmexport semfora_abi_v1
func marker() {}

//go:wasmexport semfora_alloc
func allocate(size uint32) uint32 {
	room = make([]byte, max(size, 1))
	return address(room)
}

//go:wasmexport evaluate
func run(start, length uint32) uint64 {
	defer func() {
		if reason := recover(); reason != nil {
			file, line := panicked()
			abort(fmt.Sprintf("panic: %v", reason), file, line)
		}
	}()
	if start != address(room) || uint64(length) > uint64(len(room)) {
		panic("evaluate was called with memory that semfora_alloc did not give")
	}
	result = EvaluateJSON(room[:length], registered)
	return uint64(address(result))<<32 | uint64(len(result))
}

func address(bytes []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))) }

// panicked is the place of the panic that a deferred function recovered from: the first frame below the runtime's.
func panicked() (string, uint32) {
	counters := make([]uintptr, 64)
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters)])
	inRuntime := false
	for {
		frame, more := frames.Next()
		isRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if inRuntime && !isRuntime {
			return frame.File, uint32(frame.Line)
		}
		inRuntime = inRuntime || isRuntime && frame.Function != "runtime.Callers"
		if !more {
			return "", 0
		}
	}
}

func abort(message, file string, line uint32) {
	text, place := hostString(message), hostString(file)
	hostAbort(unsafe.Pointer(&text[2]), unsafe.Pointer(&place[2]), line, 0)
}

// hostString is text as env.abort wants it: UTF-16, with its length in bytes as a 32-bit number in front. The two
// zeros after it are there so that an empty text has an address.
func hostString(text string) []uint16 {
	units := utf16.Encode([]rune(text))
	size := uint32(len(units) * 2)
	return append(append([]uint16{uint16(size), uint16(size >> 16)}, units...), 0, 0)
}

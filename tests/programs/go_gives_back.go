// go_gives_back takes 64 MiB three times and has them given back to the kernel.
package main

import (
	"runtime"
	"runtime/debug"
	"time"
)

const pageBytes = 4096

var held []byte

func main() {
	for i := 0; i < 3; i++ {
		held = make([]byte, 64<<20)
		for at := 0; at < len(held); at += pageBytes {
			held[at] = 1
		}
		held = nil
		debug.FreeOSMemory()
	}
	time.Sleep(50 * time.Millisecond) // what the background is at is done
	runtime.GC()                      // and told as this ends
}

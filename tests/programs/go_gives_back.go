// go_gives_back takes 64 MiB three times and has them given back to the kernel.
package main

import "runtime/debug"

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
}

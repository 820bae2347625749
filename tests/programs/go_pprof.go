// go_pprof writes its heap profile, of every object, to the file given.
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

var kept [1000][]byte
var sink []byte

//go:noinline
func keep() {
	for i := range kept {
		kept[i] = make([]byte, 1000)
	}
}

//go:noinline
func drop() { sink = make([]byte, 5000) }

func main() {
	runtime.MemProfileRate = 1
	keep()
	for i := 0; i < 3000; i++ {
		drop()
	}
	sink = nil
	runtime.GC()
	runtime.GC()
	file, err := os.Create(os.Args[1])
	if err == nil {
		err = pprof.Lookup("allocs").WriteTo(file, 0)
	}
	if err != nil {
		os.Exit(1)
	}
}

// go_objects allocates known numbers of objects of known sizes at known places, drops a part of them and
// collects, while another goroutine writes lines to stderr, some in two pieces. "loop": for ever, after a line.
package main

import (
	"fmt"
	"os"
	"runtime"
)

type pair struct {
	next *pair
	data [5]uint64 // 48 bytes with next
}

var list *pair
var sink []byte

//go:noinline
func keepPairs(count int) {
	for i := 0; i < count; i++ {
		list = &pair{next: list}
	}
}

//go:noinline
func dropBuffers(count, size int) {
	for i := 0; i < count; i++ {
		sink = make([]byte, size)
	}
	sink = nil
}

func write(done chan bool) {
	for i := 0; i < 200; i++ {
		fmt.Fprint(os.Stderr, "line ")
		fmt.Fprint(os.Stderr, i, "\n")
		if i%20 == 0 {
			fmt.Fprint(os.Stderr, "tracealloc(0xc000010000, 0x10) and so on\n")
		}
	}
	done <- true
}

func main() {
	if len(os.Args) > 1 {
		for {
			keepPairs(10)
			dropBuffers(100, 4000)
			list = nil
			runtime.GC()
			fmt.Fprintln(os.Stderr, "collected")
		}
	}
	done := make(chan bool)
	go write(done)
	keepPairs(300)
	dropBuffers(500, 200)
	dropBuffers(3, 100000)
	<-done
	runtime.GC()
	runtime.GC()
	fmt.Println(list.data[0])
}

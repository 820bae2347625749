// go_turns allocates in both heaps without end, and from more places as time goes by. The blocks
// of C are large enough to be in every sample.
package main

// #include <stdlib.h>
// void *volatile held;
// static __attribute__((noinline)) void take_red(void) { held = malloc(16 << 20); }
// static __attribute__((noinline)) void take_blue(void) { held = malloc(24 << 20); }
import "C"

import (
	"runtime"
	"time"
)

var sink []byte

//go:noinline
func makeRed() { sink = make([]byte, 64<<10) }

//go:noinline
func makeBlue() { sink = make([]byte, 96<<10) }

func main() {
	C.take_red()
	for step := 0; ; step++ {
		makeRed()
		if step > 600 {
			makeBlue()
			if step%100 == 1 {
				C.take_blue()
			}
		}
		if step%100 == 0 {
			runtime.GC()
		}
		time.Sleep(time.Millisecond)
	}
}

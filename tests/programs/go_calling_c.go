// go_calling_c allocates in both heaps: 700 blocks of C, of which 100 are kept, and Go slices.
package main

// #include <stdlib.h>
// void *volatile held[700];
// static void take(void) {
//     for (int i = 0; i < 700; i++) {
//         void *block = malloc(1234);
//         held[i] = block; if (i >= 100) { free(block); }
//     }
// }
import "C"

import "runtime"

var sink []byte

func main() {
	C.take()
	for i := 0; i < 2000; i++ {
		sink = make([]byte, 4096)
	}
	runtime.GC()
}

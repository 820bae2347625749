// go_sites allocates known numbers of objects at known places, a part of which it keeps, and prints
// the runtime's own memory profile, whole stacks. The ways to end: exit, panic, kill, hang.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

type node struct {
	next *node
	data [12]uint64 // 104 bytes with next: 112 as Go rounds it up
}

var list *node
var sink []byte

//go:noinline
func keepNodes(count int) {
	for i := 0; i < count; i++ {
		list = &node{next: list}
	}
}

func inlinedBuffer(size int) []byte {
	return make([]byte, size)
}

//go:noinline
func dropBuffers(count int) {
	for i := 0; i < count; i++ {
		sink = inlinedBuffer(4096)
	}
	sink = nil
}

func printProfile() {
	count, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, count+100)
	count, _ = runtime.MemProfile(records, true)
	for _, record := range records[:count] {
		fmt.Print("site ", record.AllocObjects, " ", record.AllocBytes, " ", record.InUseObjects())
		frames := runtime.CallersFrames(record.Stack())
		for {
			frame, more := frames.Next()
			fmt.Printf(" %s|%s|%d", frame.Function, frame.File, frame.Line)
			if !more {
				break
			}
		}
		fmt.Println()
	}
}

func main() {
	keepNodes(20000)
	dropBuffers(5000)
	runtime.GC()
	runtime.GC()
	printProfile()
	how := "exit"
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	switch how {
	case "panic":
		panic("as asked for")
	case "kill":
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		time.Sleep(time.Minute)
	case "hang":
		time.Sleep(time.Minute)
	}
}

// go_stderr writes to stderr in many small pieces, some of them like the beginning of a gctrace
// line, while it collects garbage; prints the number of collections; ends with the status given.
// "tomorrow" writes gctrace lines as no version of Go does.
// "calm" collects between whole lines. "child N" runs N collections in a program of its own, with the same stderr.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

var kept []byte

func collect(done chan bool, until chan bool) {
	for {
		select {
		case <-until:
			done <- true
			return
		default:
			kept = make([]byte, 1<<20)
			runtime.GC()
		}
	}
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child := exec.Command(os.Args[0], "only", os.Args[2])
		child.Stderr = os.Stderr
		runtime.GC()
		if child.Run() != nil {
			os.Exit(1)
		}
		runtime.GC()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "tomorrow" {
		for i := 0; i < 3; i++ {
			os.Stderr.WriteString("gc 7 @0.250s 4%: 0.1 ms stopped, 27 MB\n")
		}
		return
	}
	if len(os.Args) > 2 {
		count, _ := strconv.Atoi(os.Args[2])
		for i := 0; i < count; i++ {
			runtime.GC()
		}
		time.Sleep(20 * time.Millisecond)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "calm" {
		info, _ := os.Stderr.Stat()
		fmt.Fprintln(os.Stderr, "is a device:", info.Mode()&os.ModeCharDevice != 0)
		for i := 0; i < 50; i++ {
			fmt.Fprintln(os.Stderr, "line", i)
			runtime.GC()
		}
		time.Sleep(20 * time.Millisecond) // for its runtime to write of the last one
		return
	}
	done, until := make(chan bool), make(chan bool)
	go collect(done, until)
	info, _ := os.Stderr.Stat()
	fmt.Fprintln(os.Stderr, "is a device:", info.Mode()&os.ModeCharDevice != 0)
	for i := 0; i < 3000; i++ {
		fmt.Fprint(os.Stderr, "line ")
		fmt.Fprint(os.Stderr, i, "\n")
		if i%50 == 0 {
			fmt.Fprint(os.Stderr, "gc")
			fmt.Fprint(os.Stderr, " is not always ")
			fmt.Fprint(os.Stderr, "7\n")
			fmt.Fprint(os.Stderr, "gc 3 @0.1s 2%: and then something else\n")
		}
	}
	fmt.Fprint(os.Stderr, "no newline at the end: gc 5")
	until <- true
	<-done
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println(stats.NumGC)
	if len(os.Args) > 1 {
		status, _ := strconv.Atoi(os.Args[1])
		os.Exit(status)
	}
}

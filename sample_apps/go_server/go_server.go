// go_server answers requests out of a cache, the way a naive service does: a fresh buffer for each
// request, and a cache full of pointers. -pool takes the buffers from a sync.Pool instead.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"sync"
	"time"
)

type session struct {
	name   string
	values []string
	next   *session
}

type response struct {
	status int
	body   []byte
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// A buffer of the request's own: garbage as soon as the answer has gone out.
func freshBuffer(size int) []byte {
	return make([]byte, 0, size)
}

func pooledBuffer(size int) *[]byte {
	buffer := buffers.Get().(*[]byte)
	if cap(*buffer) < size {
		*buffer = make([]byte, 0, size)
	}
	return buffer
}

type server struct {
	sessions map[int]*session
	size     int
	isPooled bool
}

// The cache: about a kilobyte of small objects each.
func fillSessions(megabytes int) map[int]*session {
	sessions := make(map[int]*session)
	var last *session
	for i := 0; i < megabytes*1024; i++ {
		s := &session{name: fmt.Sprintf("session-%d", i), next: last}
		for k := 0; k < 20; k++ {
			s.values = append(s.values, fmt.Sprintf("value %d", i*k))
		}
		sessions[i] = s
		last = s
	}
	return sessions
}

func (s *server) render(number int, into []byte) response {
	who := s.sessions[number%len(s.sessions)]
	for len(into) < s.size-64 {
		into = append(into, who.name...)
		into = append(into, ": hello, here is what you asked for\n"...)
	}
	return response{status: 200, body: into}
}

func (s *server) handle(number int) int {
	if s.isPooled {
		buffer := pooledBuffer(s.size)
		answer := s.render(number, (*buffer)[:0])
		sent := len(answer.body)
		buffers.Put(buffer)
		return sent
	}
	answer := s.render(number, freshBuffer(s.size))
	return len(answer.body)
}

func (s *server) serve(requests, workers int, latencies []time.Duration) int {
	var wait sync.WaitGroup
	sent := make([]int, workers)
	for w := 0; w < workers; w++ {
		wait.Add(1)
		go func(w int) {
			defer wait.Done()
			for i := w; i < requests; i += workers {
				began := time.Now()
				sent[w] += s.handle(i)
				latencies[i] = time.Since(began)
			}
		}(w)
	}
	wait.Wait()
	total := 0
	for _, bytes := range sent {
		total += bytes
	}
	return total
}

// What the program itself knows, for whoever compares: one line a site of the runtime's own profile.
func printProfile() {
	runtime.GC()
	runtime.GC()
	count, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, count+100)
	count, _ = runtime.MemProfile(records, true)
	for _, record := range records[:count] {
		frames := runtime.CallersFrames(record.Stack())
		frame, _ := frames.Next()
		fmt.Printf("site %s %d %d %d %d\n", frame.Function, record.AllocObjects, record.AllocBytes,
			record.InUseObjects(), record.InUseBytes())
	}
}

func main() {
	requests := flag.Int("requests", 20000, "how many are answered")
	workers := flag.Int("workers", 8, "how many at a time")
	size := flag.Int("size", 64<<10, "bytes of an answer")
	live := flag.Int("live", 64, "megabytes of sessions in the cache")
	isPooled := flag.Bool("pool", false, "take buffers from a sync.Pool")
	ballast := flag.Int("ballast", 0, "megabytes that are never touched, to make the GC run less often")
	free := flag.Int("free", 0, "call debug.FreeOSMemory every so many milliseconds")
	isProfiled := flag.Bool("profile", false, "print the runtime's own memory profile at the end")
	flag.Parse()
	weight := make([]byte, *ballast<<20)
	if *free > 0 {
		go func() {
			for range time.Tick(time.Duration(*free) * time.Millisecond) {
				debug.FreeOSMemory()
			}
		}()
	}
	s := &server{sessions: fillSessions(*live), size: *size, isPooled: *isPooled}
	latencies := make([]time.Duration, *requests)
	began := time.Now()
	sent := s.serve(*requests, *workers, latencies)
	took := time.Since(began)
	sort.Slice(latencies, func(a, b int) bool { return latencies[a] < latencies[b] })
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Printf("requests_per_s %.0f\n", float64(*requests)/took.Seconds())
	fmt.Printf("latency_p99_us %d\n", latencies[*requests*99/100].Microseconds())
	fmt.Printf("latency_max_us %d\n", latencies[*requests-1].Microseconds())
	fmt.Printf("sent_bytes %d\n", sent)
	fmt.Printf("gc_count %d\n", stats.NumGC)
	fmt.Printf("heap_sys_bytes %d\n", stats.HeapSys)
	if *isProfiled {
		printProfile()
	}
	runtime.KeepAlive(weight)
	runtime.KeepAlive(s)
	fmt.Fprintln(os.Stderr, "go_server: done")
}

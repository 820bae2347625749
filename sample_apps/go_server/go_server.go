// go_server answers requests out of a cache, the way a naive service does: a fresh buffer for each
// page, a fresh list for each search with room for all there is, and a cache full of pointers. -pool
// takes buffers and lists from a sync.Pool instead, and keeps what they have grown to.
package main

import (
	"crypto/sha1"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type session struct {
	name   string
	values []string
	next   *session
}

var (
	buffers = sync.Pool{New: func() any { return new([]byte) }}
	lists   = sync.Pool{New: func() any { return new([]*string) }}
)

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

// Room for all that may match: the runtime cannot be stopped while it clears that.
func freshList(size int) []*string {
	return make([]*string, 0, size)
}

type server struct {
	sessions []*session
	byName   map[string]*session
	values   int // of all sessions
	size     int
	search   int // one request in so many; the others are pages
	isPooled bool
}

// The cache: about a kilobyte of small objects each.
func (s *server) fill(megabytes int) {
	var last *session
	for i := 0; i < megabytes*1024; i++ {
		one := &session{name: fmt.Sprintf("session-%d", i), next: last}
		for k := 0; k < 20; k++ {
			one.values = append(one.values, fmt.Sprintf("value %d", i*k))
		}
		s.sessions = append(s.sessions, one)
		s.byName[one.name] = one
		s.values += len(one.values)
		last = one
	}
}

// A page, and the hash by which a browser knows it again.
func (s *server) render(number int, into []byte) []byte {
	who := s.byName[fmt.Sprintf("session-%d", number%len(s.sessions))]
	for len(into) < s.size-128 {
		into = append(into, who.name...)
		into = append(into, ": hello, here is what you asked for\n"...)
	}
	sum := sha1.Sum(into)
	return append(into, sum[:]...)
}

// All values that end so, of a hundredth of the sessions.
func (s *server) find(number int, matches []*string) []*string {
	suffix := fmt.Sprint(number % 100)
	for i := number % 100; i < len(s.sessions); i += 100 {
		for k := range s.sessions[i].values {
			if strings.HasSuffix(s.sessions[i].values[k], suffix) {
				matches = append(matches, &s.sessions[i].values[k])
			}
		}
	}
	return matches
}

func (s *server) handlePage(number int) int {
	if s.isPooled {
		buffer := pooledBuffer(s.size)
		sent := len(s.render(number, (*buffer)[:0]))
		buffers.Put(buffer)
		return sent
	}
	return len(s.render(number, freshBuffer(s.size)))
}

func (s *server) handleSearch(number int) int {
	if s.isPooled {
		list := lists.Get().(*[]*string)
		*list = s.find(number, (*list)[:0])
		sent := len(*list)
		lists.Put(list)
		return sent
	}
	return len(s.find(number, freshList(s.values)))
}

func (s *server) handle(number int) int {
	if number%s.search == s.search-1 {
		return s.handleSearch(number)
	}
	return s.handlePage(number)
}

func (s *server) serve(requests, workers int, latencies []time.Duration) int {
	var wait sync.WaitGroup
	var next atomic.Int64
	sent := make([]int, workers)
	for w := 0; w < workers; w++ {
		wait.Add(1)
		go func(w int) {
			defer wait.Done()
			for i := int(next.Add(1)) - 1; i < requests; i = int(next.Add(1)) - 1 {
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
	search := flag.Int("search", 1000, "one request in so many is a search")
	isPooled := flag.Bool("pool", false, "take buffers and lists from a sync.Pool")
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
	s := &server{byName: make(map[string]*session), size: *size, search: *search, isPooled: *isPooled}
	s.fill(*live)
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

// go_cache keeps a large live heap of small objects, and has one burst: what a garbage collector
// costs when it has much to look at, and what it does with memory that was needed once.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

type entry struct {
	key   string
	value []byte
	older *entry
	newer *entry
}

type cache struct {
	entries map[string]*entry
	oldest  *entry
	newest  *entry
	limit   int
}

func (c *cache) put(key string, value []byte) {
	if known := c.entries[key]; known != nil {
		known.value = value
		return
	}
	e := &entry{key: key, value: value, older: c.newest}
	if c.newest != nil {
		c.newest.newer = e
	} else {
		c.oldest = e
	}
	c.newest = e
	c.entries[key] = e
	if len(c.entries) > c.limit {
		c.evict()
	}
}

func (c *cache) evict() {
	e := c.oldest
	c.oldest = e.newer
	c.oldest.older = nil
	delete(c.entries, e.key)
}

// Everything at once, as a report does that reads the whole cache into memory.
func burst(c *cache, copies int) int {
	var all [][]byte
	for i := 0; i < copies; i++ {
		for e := c.oldest; e != nil; e = e.newer {
			all = append(all, append([]byte(nil), e.value...))
		}
	}
	return len(all)
}

func main() {
	entries := flag.Int("entries", 200000, "that the cache holds")
	puts := flag.Int("puts", 1000000, "how many values are stored, all in all")
	copies := flag.Int("burst", 2, "copies of the cache that the burst makes; 0: no burst")
	idle := flag.Duration("idle", 0, "how long nothing happens after the burst")
	flag.Parse()
	c := &cache{entries: make(map[string]*entry), limit: *entries}
	for i := 0; i < *puts; i++ {
		c.put(fmt.Sprintf("key %d", i), make([]byte, 200))
		if i == *puts/2 {
			fmt.Println("burst_count", burst(c, *copies))
		}
	}
	time.Sleep(*idle)
	fmt.Println("entry_count", len(c.entries))
	fmt.Fprintln(os.Stderr, "go_cache: done")
}

package main

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var line = []byte(strings.Repeat("x", 63) + "\n")

// startsFor starts /bin/true, so many in flight, until the time is over.
func startsFor(length time.Duration, inFlight int) (perSecond float64, count int64) {
	var lanes sync.WaitGroup
	from := time.Now()
	for i := 0; i < inFlight; i++ {
		lanes.Add(1)
		go func() {
			defer lanes.Done()
			for time.Since(from) < length {
				must(start("/bin/true").command.Wait())
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	lanes.Wait()
	return float64(count) / time.Since(from).Seconds(), count
}

func length() time.Duration { return time.Duration(number("ms")) * time.Millisecond }

func starts() results {
	inFlight := number("inFlight")
	startsFor(length()/4, inFlight)
	used := cpu()
	rate, count := startsFor(length(), inFlight)
	return results{"starts_s": rate, "cpu_us": (cpu() - used) * 1e6 / float64(count)}
}

func startsBig() results {
	startsFor(length()/4, 1)
	small, _ := startsFor(length(), 1)
	ballast := make([]byte, number("bytes"))
	for i := range ballast {
		ballast[i] = 1
	}
	startsFor(length()/4, 1)
	big, _ := startsFor(length(), 1)
	runtime.KeepAlive(ballast)
	return results{"starts_s": big, "small_s": small, "kept": big / small}
}

func recovery() results {
	fresh := func() *kid {
		child := start(text("echo"))
		_, err := child.in.Write(line)
		must(err)
		_, err = bufio.NewReader(child.out).ReadString('\n')
		must(err)
		return child
	}
	child := fresh()
	millis := make([]float64, number("deaths"))
	for i := range millis {
		from := time.Now()
		must(child.command.Process.Kill())
		_ = child.command.Wait()
		child = fresh()
		millis[i] = time.Since(from).Seconds() * 1e3
	}
	ascending(millis)
	return results{"p50_ms": quantile(millis, 0.5), "p99_ms": quantile(millis, 0.99)}
}

// memory starts many echo workers, each with a goroutine that reads its lines.
func memory() results {
	workers := number("workers")
	var replies sync.WaitGroup
	crowd := func(count int) {
		children := make([]*kid, count)
		for i := range children {
			children[i] = start(text("echo"))
			go func(child *kid) {
				lines := bufio.NewScanner(child.out)
				for lines.Scan() {
					_ = lines.Text()
					replies.Done()
				}
			}(children[i])
		}
		replies.Add(count)
		for _, child := range children {
			_, err := child.in.Write(line)
			must(err)
		}
		replies.Wait()
		kept = append(kept, children...)
	}
	crowd(1)
	before := footprint()
	from := time.Now()
	crowd(workers)
	took := time.Since(from).Seconds()
	each := results{"start_ms": took * 1e3 / float64(workers)}
	for name, after := range footprint() {
		each[name] = (after - before[name]) / float64(workers)
	}
	return each
}

// kept are those who are waiting.
var kept []*kid

func footprint() results {
	time.Sleep(300 * time.Millisecond)
	debug.FreeOSMemory()
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	files, err := os.ReadDir("/proc/self/fd")
	must(err)
	rollup, err := os.ReadFile("/proc/self/smaps_rollup")
	must(err)
	kib := func(name string) float64 {
		for _, row := range strings.Split(string(rollup), "\n") {
			if strings.HasPrefix(row, name) {
				value, _ := strconv.Atoi(strings.Fields(row)[1])
				return float64(value)
			}
		}
		return 0
	}
	return results{
		"rss_kib": kib("Rss:"), "pss_kib": kib("Pss:"), "heap_kib": float64(heap.HeapAlloc) / 1024, "files": float64(len(files)),
	}
}

// bench <workload> key=value...: os/exec as a careful person uses it. Prints one JSON object.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type results map[string]float64

func text(key string) string {
	for _, word := range os.Args[2:] {
		if strings.HasPrefix(word, key+"=") {
			return word[len(key)+1:]
		}
	}
	panic("no " + key + "=")
}

func number(key string) int {
	value, err := strconv.Atoi(text(key))
	must(err)
	return value
}

func cpu() float64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[int(math.Round(q*float64(len(sorted)-1)))]
}

// kid is a child with a pipe at each of its streams.
type kid struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     io.ReadCloser
}

func start(file string, args ...string) *kid {
	command := exec.Command(file, args...)
	in, err := command.StdinPipe()
	must(err)
	out, err := command.StdoutPipe()
	must(err)
	_, err = command.StderrPipe()
	must(err)
	must(command.Start())
	return &kid{command, in, out}
}

// ingest reads the output of a generator with a bufio.Scanner, each line to a callback as a string.
func ingest() results {
	count, bytes := 0, 0
	var onLine func(line string) = func(line string) {
		count++
		bytes += len(line) + 1
	}
	from, used := time.Now(), cpu()
	command := strings.Split(text("gen"), ",")
	child := exec.Command(command[0], append(command[1:], text("lines"))...)
	stdout, err := child.StdoutPipe()
	must(err)
	must(child.Start())
	lines := bufio.NewScanner(stdout)
	lines.Buffer(make([]byte, 65536), 1<<20)
	for lines.Scan() {
		onLine(lines.Text())
	}
	must(lines.Err())
	must(child.Wait())
	took, spent, gb := time.Since(from).Seconds(), cpu()-used, float64(bytes)/1e9
	return results{"lines_s": float64(count) / took, "mb_s": gb * 1e3 / took, "cpu_s_gb": spent / gb}
}

func main() {
	workloads := map[string]func() results{
		"ingest": ingest, "starts": starts, "startsBig": startsBig, "recovery": recovery, "memory": memory,
	}
	printed, err := json.Marshal(workloads[os.Args[1]]())
	must(err)
	fmt.Println(string(printed))
}

func ascending(values []float64) []float64 {
	sort.Float64s(values)
	return values
}

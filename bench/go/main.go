// ingest <generator> <lines>: bufio.Scanner over the output of a child, each line to a callback as a string.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

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

func main() {
	count, bytes := 0, 0
	var onLine func(line string) = func(line string) {
		count++
		bytes += len(line) + 1
	}
	from, used := time.Now(), cpu()
	child := exec.Command(os.Args[1], os.Args[2:]...)
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
	fmt.Printf("{\"lines_s\":%.0f,\"mb_s\":%.1f,\"cpu_s_gb\":%.3f}\n", float64(count)/took, gb*1e3/took, spent/gb)
}

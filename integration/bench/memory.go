package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// sampleEvery is how often the memory of a build is looked at: a pass over /proc
// takes a millisecond or two.
const sampleEvery = 100 * time.Millisecond

// watchMemory looks at the memory of a process and its descendants until the
// function that it returns is called, which says the most that it saw, in bytes.
//
// It reads /proc, since control groups differ from machine to machine. What lives
// shorter than the time between two samples may be missed.
func watchMemory(root int) (peak func() int64) {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		most := treeMemory(root)
		for {
			select {
			case <-stop:
				result <- most
				return
			case <-tick.C:
				most = max(most, treeMemory(root))
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-result
	}
}

// treeMemory is the sum of the anonymous resident memory of a process and its
// descendants, in bytes. Pages of files are no memory of a build: the kernel drops
// them when it needs the room. Processes that end meanwhile do not count.
func treeMemory(root int) int64 {
	// All parents are read in one pass: the kernel lists the children of a process
	// only if it was configured to.
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	children := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if pid, parent, ok := parseStat(text); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	var sum int64
	for todo := []int{root}; len(todo) > 0; {
		pid := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], children[pid]...)
		if text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status"); err == nil {
			sum += parseAnonymous(text)
		}
	}
	return sum
}

// parseStat returns a process and its parent, out of the file stat in /proc. The
// name of the program between them may have spaces and parentheses of its own.
func parseStat(text []byte) (pid, parent int, ok bool) {
	first, _, found := bytes.Cut(text, []byte(" ("))
	end := bytes.LastIndexByte(text, ')')
	if !found || end < 0 {
		return 0, 0, false
	}
	rest := bytes.Fields(text[end+1:])
	if len(rest) < 2 {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(string(first))
	if err != nil {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(string(rest[1]))
	return pid, parent, err == nil
}

// parseAnonymous returns the bytes of RssAnon, out of the file status in /proc. Threads
// of the kernel and processes that have ended have none.
func parseAnonymous(text []byte) int64 {
	_, rest, ok := bytes.Cut(text, []byte("\nRssAnon:"))
	if !ok {
		return 0
	}
	value, _, _ := bytes.Cut(rest, []byte("kB"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

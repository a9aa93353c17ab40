package main

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// sampleEvery is how often the memory of a build is looked at.
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
		t := newFamily(root)
		most := t.memory()
		for {
			select {
			case <-stop:
				result <- most
				return
			case <-tick.C:
				most = max(most, t.memory())
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-result
	}
}

// family is a process and its descendants. The kernel lists the children of a process
// only if it was configured to, so all processes are asked for their parents; each of
// them once, since most of a machine's have nothing to do with a build.
type family struct {
	// member tells of the processes that were there at the last look whether they
	// belong to it. Who has lost the parent still does.
	member map[int]bool
}

func newFamily(root int) *family { return &family{member: map[int]bool{root: true}} }

// memory is the sum of the anonymous resident memory of the family, in bytes. Pages of
// files are no memory of a build: the kernel drops them when it needs the room.
// Processes that end meanwhile do not count.
func (f *family) memory() int64 {
	proc, err := os.Open("/proc")
	if err != nil {
		return 0
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return 0
	}
	there := make(map[int]bool, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			there[pid] = true
		}
	}
	for pid := range f.member {
		if !there[pid] {
			delete(f.member, pid) // Another process may get its number.
		}
	}
	var sum int64
	for pid := range there {
		if !f.has(pid) {
			continue
		}
		if text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status"); err == nil {
			sum += parseAnonymous(text)
		}
	}
	return sum
}

// has tells whether a process belongs to the family.
func (f *family) has(pid int) bool {
	if member, known := f.member[pid]; known || pid == 0 {
		return member
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	parent, ok := parseParent(text)
	f.member[pid] = ok && f.has(parent)
	return f.member[pid]
}

// parseParent returns the parent of a process, out of the file stat in /proc. The name
// of the program before it may have spaces and parentheses of its own.
func parseParent(text []byte) (parent int, ok bool) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return 0, false
	}
	rest := bytes.Fields(text[end+1:])
	if len(rest) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(string(rest[1]))
	return parent, err == nil
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

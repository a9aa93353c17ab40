package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const (
	hungryEnv = "FROMSCRATCH_BENCH_TEST_HUNGRY"
	hungry    = 64 << 20
)

// TestMain lets the test binary be the processes that are watched: one that starts
// another, and one that takes memory until its input ends.
func TestMain(m *testing.M) {
	switch os.Getenv(hungryEnv) {
	case "parent":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), hungryEnv+"=child")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := child.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "child":
		memory, err := syscall.Mmap(-1, 0, hungry, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for i := range memory {
			memory[i] = 1
		}
		fmt.Println("full")
		bufio.NewReader(os.Stdin).ReadByte() //nolint:errcheck // Its end is all that is waited for.
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestMemoryOfATree(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hungryEnv+"=parent")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := watchMemory(cmd.Process.Pid)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "full\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	time.Sleep(3 * sampleEvery)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	// The tree is gone; what it took is not forgotten, and nothing fails.
	time.Sleep(2 * sampleEvery)
	if got := peak(); got < hungry || got > 3*hungry {
		t.Errorf("got %d MiB, want the child's %d and a little more", got>>20, hungry>>20)
	}
	if got := treeMemory(cmd.Process.Pid); got != 0 {
		t.Errorf("a tree that is gone has %d bytes", got)
	}
}

func TestParseProc(t *testing.T) {
	for text, want := range map[string][2]int{
		"42 (cargo) S 7 42 42 0 -1":      {42, 7},
		"42 (a) S 1 (b)) R 7 42 42 0 -1": {42, 7},
		"42 (cargo":                      {},
		"42 (cargo) S":                   {},
		"":                               {},
	} {
		pid, parent, ok := parseStat([]byte(text))
		if got := [2]int{pid, parent}; ok != (want != [2]int{}) || ok && got != want {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
	for text, want := range map[string]int64{
		"Name:\tcargo\nVmRSS:\t    900 kB\nRssAnon:\t     152 kB\nRssFile:\t 748 kB\n": 152 << 10,
		"Name:\tkthreadd\nState:\tS\n":  0,
		"Name:\tx\nRssAnon:\tmany kB\n": 0,
	} {
		if got := parseAnonymous([]byte(text)); got != want {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
